/**
 * Reading one file: from where the last read was taken over, with the guard checked at every read. A half line is not
 * held; it is read again with the rest when its newline comes. Only when it gets long is it searched on without being
 * read again, so that a line that arrives in pieces is not read over and over.
 */
import type { Chunk } from '../flow.ts'
import { GUARD_BYTES } from '../kernel/layout.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import { guardOf } from './identity.ts'
import type { LogFile } from './log-file.ts'

/** Bytes of one read, at most: one turn of a file. */
export const QUANTUM = 256 * 1024

/** A half line longer than this is searched on instead of read again. */
const LONG_HALF_LINE = 16 * 1024

/** A line longer than this is shipped (cut) in pieces of this size, so that no number overflows. */
const LONGEST_LINE = 1024 * 1024 * 1024

export interface Buffers {
  readonly memory: LinearMemory
  /** Where the bytes go; {@link GUARD_BYTES} before it belong to it too. */
  readonly pointer: number
  readonly length: number
}

export type ReadResult =
  | { readonly kind: 'chunk'; readonly chunk: Chunk; readonly more: boolean }
  /** Nothing that is new, or nothing that ends in a newline yet. */
  | { readonly kind: 'nothing' }
  /** New bytes, but no line has ended; or the file went back meanwhile: look again at once. */
  | { readonly kind: 'searching' }
  /** What was read before is not there any more. */
  | { readonly kind: 'changed' }

const NOTHING: ReadResult = { kind: 'nothing' }
const SEARCHING: ReadResult = { kind: 'searching' }
const CHANGED: ReadResult = { kind: 'changed' }

export class Reader {
  readonly #buffers: Buffers
  readonly #now: () => number
  /** {@link QUANTUM}, or what the buffer holds where lines are kept short. */
  readonly #quantum: number
  /** The bytes before the end of the long line that a chunk has only the beginning of. */
  #longEnd: Uint8Array = new Uint8Array(0)

  /** `now`: ms since the epoch. */
  constructor(buffers: Buffers, now: () => number) {
    this.#buffers = buffers
    this.#quantum = Math.min(QUANTUM, buffers.length)
    this.#now = now
  }

  /**
   * The next bytes of an open file. `final`: the file is finished, its last line counts even without a newline.
   * Throws what the file system throws. Asynchronous only where the volume is.
   */
  read(file: LogFile, final: boolean): ReadResult | Promise<ReadResult> {
    if (file.search !== null) return this.#search(file, final)
    return this.#direct(file, { want: this.#quantum, final })
  }

  /** Tell that bytes up to `next` were taken over from the chunk of the last read. */
  advance(file: LogFile, chunk: Chunk, next: number): void {
    if (next === file.next) return
    const { memory, pointer } = this.#buffers
    file.next = next
    file.search = null
    if (chunk.lineEnd !== null && next === chunk.lineEnd && next > chunk.offset + chunk.length) {
      // the chunk held only the beginning of a long line: its end was kept by the search
      file.guard = this.#longEnd
      return
    }
    const length = Math.min(GUARD_BYTES, next)
    const end = pointer + (next - chunk.offset)
    // kept where it is: a small array of its own lies on the heap, a Buffer would pin a whole slab of its pool
    if (file.guard?.length !== length) file.guard = new Uint8Array(length)
    memory.bytes.copy(file.guard, 0, end - length, end)
  }

  #direct(file: LogFile, how: { want: number; final: boolean }): ReadResult | Promise<ReadResult> {
    const guard = file.guard?.length ?? Math.min(GUARD_BYTES, file.next)
    const want = Math.min(how.want, file.limit - file.next)
    if (want <= 0) return NOTHING
    const { next } = file
    const got = this.#pread(file, { position: next, guard, want })
    return typeof got === 'number'
      ? this.#directGot(file, how, got - guard)
      : got.then((n) => (file.next === next ? this.#directGot(file, how, n - guard) : SEARCHING))
  }

  #directGot(file: LogFile, how: { want: number; final: boolean }, length: number): ReadResult {
    if (length < 0 || !this.#guardHolds(file)) return CHANGED
    const { memory, pointer } = this.#buffers
    const end = file.next + length
    if (end < file.seen) return CHANGED
    if (length === 0 || (end === file.seen && !how.final)) return NOTHING
    const hasLine = memory.kernel.findNewline(pointer, pointer + length) < pointer + length
    file.seen = hasLine ? 0 : end
    if (hasLine) return this.#chunk(file, length, { lineEnd: null, more: length === how.want })
    if (how.final) {
      // a read that is full says nothing of the end of the line
      if (length <= file.rules.maxLineBytes && length < how.want)
        return this.#chunk(file, length, { lineEnd: end, more: false })
    } else if (length < LONG_HALF_LINE) return NOTHING
    file.search = { at: end, guard: this.#bytesBefore(pointer + length) }
    return SEARCHING
  }

  /** Look for the newline of a long half line. */
  #search(file: LogFile, final: boolean): ReadResult | Promise<ReadResult> {
    const { search } = file
    const at = search?.at ?? file.next
    const want = Math.min(this.#quantum, file.limit - at)
    const got = want <= 0 ? GUARD_BYTES : this.#pread(file, { position: at, guard: GUARD_BYTES, want })
    return typeof got === 'number'
      ? this.#searchGot(file, final, got - GUARD_BYTES)
      : got.then((n) => (file.search === search ? this.#searchGot(file, final, n - GUARD_BYTES) : SEARCHING))
  }

  #searchGot(file: LogFile, final: boolean, length: number): ReadResult | Promise<ReadResult> {
    const { memory, pointer } = this.#buffers
    const { search } = file
    if (search === null || length < 0) return CHANGED
    if (length > 0 && !memory.view(pointer - GUARD_BYTES, GUARD_BYTES).equals(search.guard)) return CHANGED
    const newline = memory.kernel.findNewline(pointer, pointer + length)
    const found = newline < pointer + length
    const end = search.at + (newline - pointer) + (found ? 1 : 0)
    const size = end - file.next
    // where nothing was read, somebody else's bytes may lie before the pointer
    this.#longEnd = length === 0 ? search.guard : this.#bytesBefore(pointer + (end - search.at))
    if (found && size <= this.#buffers.length) {
      file.search = null
      return this.#direct(file, { want: size, final: false })
    }
    const ended = found || (final && length < this.#quantum)
    if (ended || size >= LONGEST_LINE) return this.#head(file, end)
    file.search = { at: end, guard: this.#longEnd }
    file.seen = end
    return length === 0 ? NOTHING : SEARCHING
  }

  /** The beginning of a line that ends at `end` and is too long to be held. */
  #head(file: LogFile, end: number): ReadResult | Promise<ReadResult> {
    const guard = file.guard?.length ?? 0
    const want = Math.min(this.#buffers.length, end - file.next)
    const take = (got: number): ReadResult => {
      if (!this.#guardHolds(file) || got - guard < want) return CHANGED
      return this.#chunk(file, want, { lineEnd: end, more: true })
    }
    const { next } = file
    const got = this.#pread(file, { position: next, guard, want })
    return typeof got === 'number' ? take(got) : got.then((n) => (file.next === next ? take(n) : SEARCHING))
  }

  /** Bytes read, guard included, to `pointer - guard` and on. */
  #pread(file: LogFile, where: { position: number; guard: number; want: number }): number | Promise<number> {
    const { memory, pointer } = this.#buffers
    return file.volume.read(file.descriptor, {
      bytes: memory.bytes,
      at: pointer - where.guard,
      length: where.guard + where.want,
      position: where.position - where.guard,
    })
  }

  #guardHolds(file: LogFile): boolean {
    const { memory, pointer } = this.#buffers
    const guard = file.guard
    if (guard !== null) {
      const { length } = guard
      // with bounds: a view would be one more object for every look at every file
      return length === 0 || memory.bytes.compare(guard, 0, length, pointer - length, pointer) === 0
    }
    // the first read after a restart: the state keeps only the hash
    const length = Math.min(GUARD_BYTES, file.next)
    const bytes = memory.view(pointer - length, length)
    if (file.watermark.guard !== '' && guardOf(bytes) !== file.watermark.guard) return false
    file.guard = new Uint8Array(bytes)
    return true
  }

  #bytesBefore(end: number): Uint8Array {
    return new Uint8Array(this.#buffers.memory.bytes.subarray(end - GUARD_BYTES, end))
  }

  #chunk(file: LogFile, length: number, how: { lineEnd: number | null; more: boolean }): ReadResult {
    const { memory, pointer } = this.#buffers
    const offset = file.next
    const longEnd = this.#longEnd
    const chunk: Chunk = {
      file,
      pointer,
      length,
      offset,
      readAt: this.#now(),
      lineEnd: how.lineEnd,
      guardAt(at) {
        if (at > offset + length) return guardOf(longEnd)
        const end = pointer + (at - offset)
        return guardOf(memory.view(end - Math.min(GUARD_BYTES, at), Math.min(GUARD_BYTES, at)))
      },
    }
    return { kind: 'chunk', chunk, more: how.more }
  }
}
