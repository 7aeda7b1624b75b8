/**
 * One turn of one file: open it if need be, read up to {@link FILE_TURN_BYTES}, hand them on, and return what comes next.
 * schedule.ts decides whose turn it is.
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
import type { TurnEnd } from './schedule.ts'

/** Where reads on mounts that can hang put their bytes. */
export interface ReadMemory {
  /**
   * Take a buffer for one read. `largest`: the largest kind, for a line of whatever length. Null: none is free now; files
   * that wait for room are woken when one may be.
   */
  take(largest: boolean): PooledBuffer | null
  /** Give a buffer back after its read has ended. */
  give(buffer: PooledBuffer): void
}

/** The parts of {@link Generations} that a turn needs. */
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
  /** A file that is this far ahead of its watermark waits; bytes. */
  readonly maxUnacked: number
  /** Ms since the epoch. */
  readonly now: () => number
  /** Monotonic ms. */
  readonly clock: () => number
  /** What keeps the pipeline from taking bytes of the file now; null: nothing. */
  readonly blocked: (file: LogFile) => Obstacle | null
  /** Hand a chunk on. */
  readonly take: (chunk: Chunk) => Taken
  /** The file could not be opened at its place: its directory has to be looked at. */
  readonly look: (file: LogFile) => void
}

/** There is no memory for a read on a mount that can hang: for a read of usual length, and for a line of any length. */
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

  /** From now on hand on nothing that mounts still answer. */
  stop(): void {
    this.#stopped = true
  }

  /** Give a file one turn. Asynchronous where the file has to be opened or judged, or is on a mount that can hang. */
  turn(file: LogFile): TurnEnd | Promise<TurnEnd> {
    const { generations } = this.#options
    if (file.isOver) return 'idle'
    if (file.next >= file.cursor.limit) {
      // at a stop, a file that is read to its end waits for nothing
      if (file.seenSize.hasShrunk) this.#wasCut(file)
      return 'idle'
    }
    // most turns find nothing new: only where there may be something is it checked whether it could be shipped
    const blocked = this.#isLook(file) ? null : this.#blocked(file)
    if (blocked !== null) {
      // a file that cannot be read now will have to be known again all the same
      if (file.next === 0) this.#growFingerprint(file)
      return blocked
    }
    if (file.descriptor < 0) return this.#reopen(file)
    return generations.unnamedCopies.isWaiting(file) ? this.#judge(file) : this.#read(file)
  }

  /** Whether no new bytes are known of, and to look for some costs one read. */
  #isLook(file: LogFile): boolean {
    return file.next > 0 && file.descriptor >= 0 && !file.volume.remote && !file.hasNews
  }

  #blocked(file: LogFile): Obstacle | 'unacknowledged' | null {
    return file.unacknowledged >= this.#options.maxUnacked ? 'unacknowledged' : this.#options.blocked(file)
  }

  /** At a stop: the file is shorter than it was, and no read finds out what was cut. */
  #wasCut(file: LogFile): void {
    const { generations } = this.#options
    // the size that a mount reports may be older than the last read
    if (file.size < file.next && file.descriptor >= 0 && !file.volume.remote) generations.truncations.truncated(file)
    else generations.truncations.shortened(file)
  }

  /**
   * Open a closed file at once only if something of it can be read, or that is not known: opening it may take another file's
   * descriptor.
   */
  #reopen(file: LogFile): TurnEnd | Promise<TurnEnd> {
    const { descriptors, departures } = this.#options.generations
    const hasMore = !file.isRead || (file.next < file.size && departures.isFinal(file))
    if (!hasMore) return this.#checkAndRead(file)
    return descriptors.makeRoom() ? this.#openAndRead(file) : NO_DESCRIPTOR
  }

  /** Open a closed file that was read to its end only if it has changed. */
  async #checkAndRead(file: LogFile): Promise<TurnEnd> {
    try {
      const facts = await file.volume.facts(file.place)
      if (facts?.key === file.key && file.isAsSeen(facts)) return 'idle'
    } catch (error) {
      // opening it will fail in the same way, and be reported
      ignoreSystemError(error)
    }
    return this.#openAndRead(file)
  }

  async #openAndRead(file: LogFile): Promise<TurnEnd> {
    try {
      const opening = await this.#options.generations.descriptors.open(file)
      if (opening === 'full') return NO_DESCRIPTOR
      if (opening === 'elsewhere') {
        this.#options.look(file)
        return 'later'
      }
    } catch (error) {
      return this.#unreadable(file, error)
    }
    // another file may have got its descriptor meanwhile
    return file.descriptor < 0 ? 'later' : this.#read(file)
  }

  /** Reading a local file and handing its chunk on are one step: all local files share the chunk's memory. */
  #read(file: LogFile): TurnEnd | Promise<TurnEnd> {
    if (file.volume.remote) return this.#readRemote(file)
    const reader = this.#local
    try {
      const result = reader.read(file, this.#options.generations.departures.isFinal(file))
      if (!(result instanceof Promise)) return this.#handOn(file, reader, result)
      throw new TypeError('a read on a local volume is synchronous')
    } catch (error) {
      return this.#unreadable(file, error)
    }
  }

  /**
   * A read from a mount that can hang has a chunk of its own. Where there is no memory for it, the file waits for room and is
   * not polled: with more mounts than there is memory for, the same ones would be first each time.
   */
  #readRemote(file: LogFile): TurnEnd | Promise<TurnEnd> {
    // a long line whose end was looked for has to fit in whole, or as much of it as a record takes
    const buffer = this.#options.readMemory.take(file.cursor.scan !== null)
    if (buffer === null) return file.cursor.scan === null ? NO_PIECE : NO_BLOCK
    return this.#readInto(buffer, file)
  }

  async #readInto(buffer: PooledBuffer, file: LogFile): Promise<TurnEnd> {
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

  #handOn(file: LogFile, reader: FileReader, result: ReadResult): TurnEnd | Promise<TurnEnd> {
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

  #took(file: LogFile, reader: FileReader, { chunk, more }: { chunk: Chunk; more: boolean }): TurnEnd {
    const { take, clock, checkpoint, events } = this.#options
    const { next, blocked } = take(chunk)
    file.life.noteActivity(clock())
    file.seenSize.reached(chunk.offset + chunk.length)
    // the state has to know how much there was, in case the file is gone at the next start
    checkpoint.touch(file)
    events.bytesRead(next - file.next)
    reader.advance(file, next)
    // if it cannot grow now, it is tried again with the next bytes
    if (file.fingerprint.length < FINGERPRINT_BYTES) this.#growFingerprint(file)
    if (blocked !== null) return blocked
    return more || next < chunk.offset + chunk.length ? 'more' : 'idle'
  }

  /** Let the fingerprint grow, once at a time: every turn asks for it, and a mount that hangs does not answer. */
  #growFingerprint(file: LogFile): void {
    if (this.#growing.has(file)) return
    this.#growing.add(file)
    const grown = this.#options.generations.inspection.growFingerprint(file).catch(ignoreSystemError)
    void grown.finally(() => this.#growing.delete(file))
  }

  /** Find out whether the file is a copy. The bytes that were just read are read again if it is none. */
  async #judge(file: LogFile): Promise<TurnEnd> {
    try {
      return (await this.#options.generations.unnamedCopies.judge(file)) ? 'more' : 'later'
    } catch (error) {
      return this.#unreadable(file, error)
    }
  }

  #unreadable(file: LogFile, error: unknown): TurnEnd {
    this.#options.events.fileDenied(file.place, systemErrorOf(error).message)
    // the server has forgotten the handle, but the name may still lead to the file
    if (systemCodeOf(error) === 'ESTALE') this.#options.generations.descriptors.close(file)
    return 'later'
  }
}
