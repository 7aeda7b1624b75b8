/**
 * One turn of one file: open it if need be, read a quantum, hand it on, and say what comes next. Whose turn it is,
 * schedule.ts decides.
 */
import { ignoreSystemError, systemCodeOf, systemErrorOf } from '../../errors.ts'
import type { Chunk, Obstacle, Taken } from '../../flow.ts'
import { GUARD_BYTES, SLACK } from '../../kernel/layout.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import type { PooledBuffer } from '../../kernel/pool.ts'
import type { Events } from '../../observe/events.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import { NO_DESCRIPTOR } from '../files/descriptors.ts'
import type { Generations } from '../files/generations.ts'
import { FINGERPRINT_BYTES } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'
import { FileReader, type ReadResult } from './read.ts'
import type { Turn } from './schedule.ts'

/** Where reads on mounts that can hang put their bytes. */
export interface ReadMemory {
  /**
   * A buffer for one read; `largest`: as large as there are, for a line of whatever length. Null: there is none now, and
   * files that wait for room are called when there may be.
   */
  take(largest: boolean): PooledBuffer | null
  /** The read was answered. */
  give(buffer: PooledBuffer): void
}

/** Those who decide what a generation is, as far as a turn needs them. {@link Generations} joins them. */
export interface TurnDecisions {
  readonly descriptors: Pick<Generations['descriptors'], 'open' | 'makeRoom' | 'close'>
  readonly truncations: Pick<Generations['truncations'], 'truncated' | 'shortened'>
  readonly inspection: Pick<Generations['inspection'], 'growFingerprint'>
  readonly unnamedCopies: Pick<Generations['unnamedCopies'], 'isSuspect' | 'isWaiting' | 'judge'>
  readonly departures: Pick<Generations['departures'], 'isFinal'>
}

export interface FileTurnsOptions {
  readonly memory: LinearMemory
  readonly readMemory: ReadMemory
  readonly generations: TurnDecisions
  readonly checkpoint: Pick<Checkpoint, 'touch'>
  readonly events: Pick<Events, 'bytesRead' | 'fileDenied'>
  /** A file this far ahead of its watermark waits; bytes. */
  readonly maxUnacked: number
  /** Wall clock and monotonic clock, ms. */
  readonly now: () => number
  readonly clock: () => number
  readonly blocked: (file: LogFile) => Obstacle | null
  readonly take: (chunk: Chunk) => Taken
  /** Something else is where the file was. */
  readonly look: (file: LogFile) => void
}

/** There is no memory for a read on a mount that can hang: for one of usual length, and for a line of any length. */
const NO_PIECE: Obstacle = { kind: 'room', topic: '' }
const NO_BLOCK: Obstacle = { kind: 'room', topic: '' }

export class FileTurns {
  readonly #options: FileTurnsOptions
  readonly #local: FileReader
  readonly #growing = new Set<LogFile>()
  #stopped = false

  constructor(options: FileTurnsOptions) {
    const { memory, now } = options
    this.#options = options
    this.#local = new FileReader({ memory, ...memory.chunk }, now)
  }

  /** What is still on its way from a mount is not handed on any more. */
  stop(): void {
    this.#stopped = true
  }

  turn(file: LogFile): Turn | Promise<Turn> {
    const { generations } = this.#options
    if (file.isOver) return 'idle'
    if (file.next >= file.cursor.limit) {
      // at a stop, what was read to its end waits for nothing
      if (file.seenSize.hasShrunk) this.#wasCut(file)
      return 'idle'
    }
    // most looks at a file find nothing new: what it would take to ship that is seen to when there is something
    const blocked = this.#isLook(file) ? null : this.#blocked(file)
    if (blocked !== null) {
      // what cannot be read now will still have to be known again
      if (file.next === 0) this.#growFingerprint(file)
      return blocked
    }
    if (file.descriptor < 0) {
      if (file.endsInHalfLine && !generations.departures.isFinal(file)) return this.#askAndRead(file)
      return generations.descriptors.makeRoom() ? this.#openAndRead(file) : NO_DESCRIPTOR
    }
    return generations.unnamedCopies.isWaiting(file) ? this.#judge(file) : this.#read(file)
  }

  /** Whether nothing is known of anything to be read, and to ask for it costs one read. */
  #isLook(file: LogFile): boolean {
    return file.next > 0 && file.descriptor >= 0 && !file.volume.remote && !file.hasNews
  }

  #blocked(file: LogFile): Obstacle | 'unacknowledged' | null {
    return file.unacknowledged >= this.#options.maxUnacked ? 'unacknowledged' : this.#options.blocked(file)
  }

  /** It is shorter than it was, and not to be read beyond its end. */
  #wasCut(file: LogFile): void {
    const { generations } = this.#options
    // what a mount says of a size may be older than what was read of it
    if (file.size < file.next && file.descriptor >= 0 && !file.volume.remote) generations.truncations.truncated(file)
    else generations.truncations.shortened(file)
  }

  /** To open a closed file may take another one's descriptor: not for half a line that was read, and is as it was. */
  async #askAndRead(file: LogFile): Promise<Turn> {
    try {
      const facts = await file.volume.facts(file.place)
      if (facts?.key === file.key && file.isAsSeen(facts)) return 'idle'
    } catch (error) {
      // to open it will say the same
      ignoreSystemError(error)
    }
    return this.#options.generations.descriptors.makeRoom() ? this.#openAndRead(file) : NO_DESCRIPTOR
  }

  async #openAndRead(file: LogFile): Promise<Turn> {
    try {
      if (!(await this.#options.generations.descriptors.open(file))) {
        this.#options.look(file)
        return 'later'
      }
    } catch (error) {
      return this.#unreadable(file, error)
    }
    // another file may have got its descriptor meanwhile
    return file.descriptor < 0 ? 'later' : this.#read(file)
  }

  /** Of a local file, reading and handing on are one step: its chunk's memory is everybody's. */
  #read(file: LogFile): Turn | Promise<Turn> {
    if (file.volume.remote) return this.#readRemote(file)
    const reader = this.#local
    try {
      const result = reader.read(file, this.#options.generations.departures.isFinal(file))
      if (!(result instanceof Promise)) return this.#handOn(file, reader, result)
      throw new TypeError('a local volume answers at once')
    } catch (error) {
      return this.#unreadable(file, error)
    }
  }

  /**
   * What is read from a mount that can hang has a chunk of its own meanwhile. Where there is no memory it waits for room,
   * and is not polled: of more mounts than there is memory for, the same would be first each time.
   */
  #readRemote(file: LogFile): Turn | Promise<Turn> {
    // a long line whose end is sought has to fit in whole, or what a record takes of it
    const buffer = this.#options.readMemory.take(file.cursor.scan !== null)
    if (buffer === null) return file.cursor.scan === null ? NO_PIECE : NO_BLOCK
    return this.#readInto(buffer, file)
  }

  async #readInto(buffer: PooledBuffer, file: LogFile): Promise<Turn> {
    const { memory, readMemory, now, generations } = this.#options
    const pointer = buffer.address + GUARD_BYTES
    const reader = new FileReader({ memory, pointer, length: buffer.bytes - GUARD_BYTES - SLACK }, now)
    file.turn.reading = true
    try {
      return await this.#handOn(file, reader, await reader.read(file, generations.departures.isFinal(file)))
    } catch (error) {
      return this.#unreadable(file, error)
    } finally {
      file.turn.reading = false
      readMemory.give(buffer)
    }
  }

  #handOn(file: LogFile, reader: FileReader, result: ReadResult): Turn | Promise<Turn> {
    if (this.#stopped || file.isOver) return 'idle'
    if (file.seenSize.hasShrunk && result.kind !== 'changed') this.#options.generations.truncations.shortened(file)
    switch (result.kind) {
      case 'nothing':
        file.seenSize.reached(file.cursor.halfLineEnd)
        return 'idle'
      case 'scanning':
        file.seenSize.reached(file.cursor.halfLineEnd)
        file.life.noteActivity(this.#options.clock())
        return 'more'
      case 'changed':
        this.#options.generations.truncations.truncated(file)
        return 'idle'
      case 'chunk':
        if (file.next === 0 && this.#options.generations.unnamedCopies.isSuspect(file)) return this.#judge(file)
        return this.#took(file, reader, result)
    }
    return result satisfies never
  }

  #took(file: LogFile, reader: FileReader, { chunk, more }: { chunk: Chunk; more: boolean }): Turn {
    const { take, clock, checkpoint, events } = this.#options
    const { next, blocked } = take(chunk)
    file.life.noteActivity(clock())
    file.seenSize.reached(chunk.offset + chunk.length)
    // should the file be gone at the next start: the state has to know what there was
    checkpoint.touch(file)
    events.bytesRead(next - file.next)
    reader.advance(file, next)
    // what cannot be read now is asked for again with the next bytes
    if (file.fingerprint.length < FINGERPRINT_BYTES) this.#growFingerprint(file)
    if (blocked !== null) return blocked
    return more || next < chunk.offset + chunk.length ? 'more' : 'idle'
  }

  /** Once at a time: of a mount that hangs it is asked at every turn, and nothing is answered. */
  #growFingerprint(file: LogFile): void {
    if (this.#growing.has(file)) return
    this.#growing.add(file)
    const grown = this.#options.generations.inspection.growFingerprint(file).catch(ignoreSystemError)
    void grown.finally(() => this.#growing.delete(file))
  }

  /** What was just read is read again when it turns out to be no copy. */
  async #judge(file: LogFile): Promise<Turn> {
    try {
      return (await this.#options.generations.unnamedCopies.judge(file)) ? 'more' : 'later'
    } catch (error) {
      return this.#unreadable(file, error)
    }
  }

  #unreadable(file: LogFile, error: unknown): Turn {
    this.#options.events.fileDenied(file.place, systemErrorOf(error).message)
    // the server has forgotten the handle: the name may still lead to the file
    if (systemCodeOf(error) === 'ESTALE') this.#options.generations.descriptors.close(file)
    return 'later'
  }
}
