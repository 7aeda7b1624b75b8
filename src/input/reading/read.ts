/**
 * Reads one file, from the offset up to which its bytes were taken over. Every read checks the guard. A half line is not
 * held: it is read again with the rest when its newline comes. Only when it gets long is the newline scanned for without
 * reading the line again, so that a line that arrives in pieces is not read over and over.
 */
import type { Chunk } from '../../flow.ts'
import { type Guard, NO_GUARD } from '../../guard.ts'
import { GUARD_BYTES } from '../../kernel/layout.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import { FINGERPRINT_BYTES, hash } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'

/** The largest number of bytes of one read, which is one turn of a file. */
export const FILE_TURN_BYTES = 256 * 1024

/** A half line that is longer than this is not read again: its newline is scanned for. */
const LONG_HALF_LINE = 16 * 1024

/** A line that is longer than this is shipped in pieces of this size, each cut, so that no number overflows. */
const LONGEST_LINE = 1024 * 1024 * 1024

export interface Buffers {
  readonly memory: LinearMemory
  /** Where the bytes go. The {@link GUARD_BYTES} before it belong to the buffer too. */
  readonly pointer: number
  readonly length: number
}

export type ReadResult =
  /** Whole lines. The chunk is valid until the next read. */
  | { readonly kind: 'chunk'; readonly chunk: Chunk; readonly more: boolean }
  /** There is nothing new, or nothing that ends in a newline yet. */
  | { readonly kind: 'nothing' }
  /** There are new bytes but no line has ended, or the file was rewound meanwhile: read again at once. */
  | { readonly kind: 'scanning' }
  /** The bytes that were read before are not there any more. */
  | { readonly kind: 'changed' }

const NOTHING: ReadResult = { kind: 'nothing' }
const SCANNING: ReadResult = { kind: 'scanning' }
const CHANGED: ReadResult = { kind: 'changed' }

export class FileReader {
  readonly #buffers: Buffers
  readonly #now: () => number
  readonly #result: ReadChunk
  /** {@link FILE_TURN_BYTES}, or less where the buffer is smaller because lines are kept short. */
  readonly #turnBytes: number
  /** The guard of the end of a long line, of which the chunk has only the beginning. */
  #longEnd: Guard = NO_GUARD

  /** `now`: ms since the epoch. */
  constructor(buffers: Buffers, now: () => number) {
    this.#buffers = buffers
    this.#turnBytes = Math.min(FILE_TURN_BYTES, buffers.length)
    this.#now = now
    this.#result = new ReadChunk(buffers)
  }

  /**
   * Read the next bytes of an open file. `final`: the last line counts even without a newline, since nobody will end it.
   * Throws what the file system throws. Asynchronous only where the volume is.
   */
  read(file: LogFile, final: boolean): ReadResult | Promise<ReadResult> {
    if (file.cursor.scan !== null) return this.#scan(file, final)
    return this.#direct(file, { want: this.#turnBytes, final })
  }

  /** Bytes up to `next` were taken over from the chunk of the last read, which was of this file. */
  advance(file: LogFile, next: number): void {
    if (next === file.next) return
    const { cursor } = file
    cursor.next = next
    cursor.scan = null
    cursor.guard = this.#result.guardAt(next)
  }

  #direct(file: LogFile, how: { want: number; final: boolean }): ReadResult | Promise<ReadResult> {
    const guard = guardLength(file)
    const want = Math.min(how.want, file.cursor.limit - file.next)
    if (want <= 0) return NOTHING
    const { next } = file
    const got = this.#pread(file, { position: next, guard, want })
    return typeof got === 'number'
      ? this.#directGot(file, how, got - guard)
      : got.then((n) => (isAsBefore(file, next) ? this.#directGot(file, how, n - guard) : SCANNING))
  }

  #directGot(file: LogFile, how: { want: number; final: boolean }, length: number): ReadResult {
    if (length < 0 || !this.#guardHolds(file, length)) return CHANGED
    const { memory, pointer } = this.#buffers
    const end = file.next + length
    if (end < file.cursor.halfLineEnd) return CHANGED
    if (file.next === 0) this.#beginsWith(file, Math.min(length, FINGERPRINT_BYTES))
    if (length === 0 || (end === file.cursor.halfLineEnd && !how.final)) return NOTHING
    const hasLine = memory.kernel.findNewline(pointer, pointer + length) < pointer + length
    file.cursor.halfLineEnd = hasLine ? 0 : end
    if (hasLine) return this.#chunk(file, length, { lineEnd: null, more: length === how.want })
    if (how.final) {
      // if the read is full, the line may go on
      if (length <= file.rules.maxLineBytes && length < how.want)
        return this.#chunk(file, length, { lineEnd: end, more: false })
    } else if (length < LONG_HALF_LINE) return NOTHING
    file.cursor.scan = { at: end, guard: this.#guardBefore(pointer + length) }
    return SCANNING
  }

  /** Scan on for the newline of a long half line. */
  #scan(file: LogFile, final: boolean): ReadResult | Promise<ReadResult> {
    const { cursor } = file
    const { scan } = cursor
    const at = scan?.at ?? cursor.next
    const want = Math.min(this.#turnBytes, file.cursor.limit - at)
    const got = want <= 0 ? GUARD_BYTES : this.#pread(file, { position: at, guard: GUARD_BYTES, want })
    return typeof got === 'number'
      ? this.#scanGot(file, final, got - GUARD_BYTES)
      : got.then((n) =>
          cursor.scan === scan && file.descriptor >= 0 ? this.#scanGot(file, final, n - GUARD_BYTES) : SCANNING,
        )
  }

  #scanGot(file: LogFile, final: boolean, length: number): ReadResult | Promise<ReadResult> {
    const { memory, pointer } = this.#buffers
    const { scan } = file.cursor
    if (scan === null || length < 0) return CHANGED
    if (length > 0 && this.#guardBefore(pointer) !== scan.guard) return CHANGED
    const newline = memory.kernel.findNewline(pointer, pointer + length)
    const found = newline < pointer + length
    const end = scan.at + (newline - pointer) + (found ? 1 : 0)
    const size = end - file.next
    // if nothing was read, another file's bytes may lie before the pointer
    this.#longEnd = length === 0 ? scan.guard : this.#guardBefore(pointer + (end - scan.at))
    if (found && size <= this.#buffers.length) {
      file.cursor.scan = null
      return this.#direct(file, { want: size, final: false })
    }
    const ended = found || (final && length < this.#turnBytes)
    if (ended || size >= LONGEST_LINE) return this.#head(file, end)
    file.cursor.scan = { at: end, guard: this.#longEnd }
    file.cursor.halfLineEnd = end
    return length === 0 ? NOTHING : SCANNING
  }

  /** Read the beginning of a line that ends at `end` and is too long to be held. */
  #head(file: LogFile, end: number): ReadResult | Promise<ReadResult> {
    const guard = guardLength(file)
    const want = Math.min(this.#buffers.length, end - file.next)
    const take = (got: number): ReadResult => {
      if (!this.#guardHolds(file, want) || got - guard < want) return CHANGED
      return this.#chunk(file, want, { lineEnd: end, more: true })
    }
    const { next } = file
    const got = this.#pread(file, { position: next, guard, want })
    return typeof got === 'number' ? take(got) : got.then((n) => (isAsBefore(file, next) ? take(n) : SCANNING))
  }

  /** Read to `pointer - guard` and behind. Returns the number of bytes, the guard's included. */
  #pread(file: LogFile, where: { position: number; guard: number; want: number }): number | Promise<number> {
    const { memory, pointer } = this.#buffers
    return file.volume.read(file.descriptor, {
      bytes: memory.bytes,
      at: pointer - where.guard,
      length: where.guard + where.want,
      position: where.position - where.guard,
    })
  }

  /** Whether the bytes before those that were read are as they were; at the file's beginning, whether its first ones are. */
  #guardHolds(file: LogFile, length: number): boolean {
    const { memory, pointer } = this.#buffers
    const { guard, fingerprint } = file
    if (file.next === 0 && fingerprint.length > 0) {
      return length >= fingerprint.length && hash(memory.view(pointer, fingerprint.length)) === fingerprint.hash
    }
    const found = this.#guardBefore(pointer, guardLength(file))
    if (guard === NO_GUARD) file.cursor.guard = found
    return guard === NO_GUARD || guard === found
  }

  /** The first bytes of a file were read: from now on it is known by them, even while no line of it has ended. */
  #beginsWith(file: LogFile, length: number): void {
    if (length <= file.fingerprint.length) return
    file.knowBy({ length, hash: hash(this.#buffers.memory.view(this.#buffers.pointer, length)) })
  }

  #guardBefore(end: number, length = GUARD_BYTES): Guard {
    return this.#buffers.memory.kernel.guardBefore(end, length)
  }

  #chunk(file: LogFile, length: number, how: { lineEnd: number | null; more: boolean }): ReadResult {
    return this.#result.fill(file, { length, readAt: this.#now(), longEnd: this.#longEnd, ...how })
  }
}

/** How many bytes before `next` each read brings too, to check that they are as they were. */
function guardLength({ next }: LogFile): number {
  return Math.min(GUARD_BYTES, next)
}

/** Whether the file was neither rewound nor closed while a mount took its time. */
function isAsBefore(file: LogFile, next: number): boolean {
  return file.next === next && file.descriptor >= 0
}

/** The bytes that a read brought. One object serves all reads, since a chunk is over before the next read. */
class ReadChunk implements Chunk {
  readonly kind = 'chunk'
  readonly #memory: LinearMemory
  readonly pointer: number
  #file: LogFile | null = null
  /** The guard that was computed last, and its offset: bytes are taken over up to where the next read begins. */
  #guard: Guard = NO_GUARD
  #guardAt = -1
  #longEnd: Guard = NO_GUARD
  length = 0
  offset = 0
  readAt = 0
  lineEnd: number | null = null
  more = false

  constructor({ memory, pointer }: Buffers) {
    this.#memory = memory
    this.pointer = pointer
  }

  fill(file: LogFile, what: Pick<ReadChunk, 'length' | 'readAt' | 'lineEnd' | 'more'> & { longEnd: Guard }): this {
    this.#file = file
    this.#longEnd = what.longEnd
    this.#guardAt = -1
    this.offset = file.next
    this.length = what.length
    this.readAt = what.readAt
    this.lineEnd = what.lineEnd
    this.more = what.more
    return this
  }

  get chunk(): Chunk {
    return this
  }

  get file(): LogFile {
    if (this.#file === null) throw new Error('a chunk before the first read')
    return this.#file
  }

  guardAt(offset: number): Guard {
    // the chunk holds only the beginning of a long line: the scan has kept the guard of its end
    if (offset > this.offset + this.length) return this.#longEnd
    if (offset !== this.#guardAt) {
      const end = this.pointer + (offset - this.offset)
      this.#guard = this.#memory.kernel.guardBefore(end, Math.min(GUARD_BYTES, offset))
      this.#guardAt = offset
    }
    return this.#guard
  }
}
