/**
 * One generation of one log file, with all that the input knows of it. A truncated or replaced file is a new object;
 * a renamed one stays the same. Everything that changes is in a part with one owner, which `architecture.test.ts` checks:
 *
 * | part                      | what it holds                              | changed by                          |
 * |---------------------------|--------------------------------------------|-------------------------------------|
 * | {@link LogFile.watermark} | how far the generation is stored           | itself, fed by receipts             |
 * | {@link LogFile.location}  | directory and name                         | sightings.ts                        |
 * | {@link LogFile.life}      | admitted, live, rotated, ..., finished     | itself, by a method for each change |
 * | {@link LogFile.cursor}    | how far the file is read                   | read.ts                             |
 * | {@link LogFile.turn}      | queued, parked, being read, being checked  | one file for each                   |
 * | {@link LogFile.seenSize}  | sizes                                      | itself, fed by looks and reads      |
 */
import type { Generation, Position } from '../../flow.ts'
import type { Guard } from '../../guard.ts'
import type { Directory } from '../discovery/directory.ts'
import { type Fingerprint, NO_FINGERPRINT } from './identity.ts'
import { Life, type Standing } from './life.ts'
import { Location, type LocationStart } from './location.ts'
import { ReadCursor } from './read-cursor.ts'
import { SeenSize } from './seen-size.ts'
import { TurnState } from './turn-state.ts'
import type { LogFormat, StoredGeneration } from '../state/stored-generation.ts'
import type { Moved } from '../state/moved-entry.ts'
import type { InputRules } from '../input-rules.ts'
import type { FileFacts, Volume } from '../volume/volume.ts'
import { NO_OPEN_PIECES, Watermark } from './watermark.ts'

/** What a generation is made with. */
export interface Origin extends LocationStart {
  readonly id: string
  readonly rules: InputRules
  /** Path at discovery: it stays. */
  readonly path: string
  readonly key: string
  readonly volume: Volume
  readonly start: Omit<Position, 'open'> & { readonly open?: Position['open']; readonly guard: Guard }
  /** Monotonic ms. */
  readonly foundAt: number
  /** Default live. */
  readonly standing?: Standing
  /** What the file system said of it; 0 until that is known. */
  readonly mtimeMs?: number
  readonly bornMs?: number
  readonly fingerprint?: Fingerprint
  /** At a stop: it is read no further than this. */
  readonly limit?: number
  /** What the state has of it beside its identity and position. */
  readonly stored?: Pick<StoredGeneration, 'partition' | 'format' | 'unknown' | 'size'>
}

export class LogFile implements Generation {
  readonly id: string
  readonly rules: InputRules
  /** Path at discovery: it stays. */
  readonly path: string
  /** `device:inode`. */
  readonly key: string
  readonly volume: Volume
  /** Monotonic ms when this process found it. */
  readonly foundAt: number
  /** Of its lines, once it is known. Nothing sets it yet. */
  readonly format: LogFormat | undefined
  /** Members of its entry that a newer program has stored. */
  readonly unknown: StoredGeneration['unknown']

  readonly watermark: Watermark
  readonly location: Location
  readonly life: Life
  readonly cursor: ReadCursor
  readonly turn = new TurnState()
  readonly seenSize = new SeenSize()

  /** -1 while closed. Written by descriptors.ts. */
  descriptor = -1
  /** Monotonic ms since when other files are compared with it; Infinity: they are not. Written by originals.ts. */
  comparedSince = Infinity
  /** Of a sticky file; -1 while none is chosen. Written by the pipeline. */
  partition: number
  /** Settled bytes that the next record has to carry. Written by the pipeline. */
  skipped: number
  /** Pieces below the watermark of entries that have not ended yet. The framer's, where one holds any; none does now. */
  openPieces: Position['open']

  #mtimeMs: number
  #bornMs: number
  #fingerprint: Fingerprint

  constructor(origin: Origin) {
    const { start, stored } = origin
    this.id = origin.id
    this.rules = origin.rules
    this.path = origin.path
    this.key = origin.key
    this.volume = origin.volume
    this.foundAt = origin.foundAt
    this.format = stored?.format
    this.unknown = stored?.unknown
    this.watermark = new Watermark(start)
    this.location = new Location(origin)
    this.life = new Life(origin.standing ?? 'live')
    this.cursor = new ReadCursor(start.offset, start.guard, origin.limit ?? Infinity)
    this.partition = stored?.partition ?? -1
    this.skipped = start.skipped
    this.#mtimeMs = origin.mtimeMs ?? 0
    this.#bornMs = origin.bornMs ?? 0
    this.#fingerprint = origin.fingerprint ?? NO_FINGERPRINT
    this.openPieces = start.open ?? NO_OPEN_PIECES
    // bytes that were seen of it and are not there any more were lost
    if (stored !== undefined) this.seenSize.set(stored.size)
  }

  get inputId(): string {
    return this.rules.id
  }

  // -- where it is ----------------------------------------------------------------------------------------------------

  get directory(): Directory {
    return this.location.directory
  }

  get name(): string {
    return this.location.name
  }

  /** The path where it is now, as far as we know. */
  get place(): string {
    return this.location.directory.pathOf(this.location.name)
  }

  // -- what was seen of it --------------------------------------------------------------------------------------------

  /** The size that was seen last; bytes. */
  get size(): number {
    return this.seenSize.last
  }

  /** The file's time of change that was seen last, ms since the epoch. */
  get mtimeMs(): number {
    return this.#mtimeMs
  }

  /** The birth time of the file, ms since the epoch; 0 where it is not known. */
  get bornMs(): number {
    return this.#bornMs
  }

  /** The first bytes, by which it is known again. */
  get fingerprint(): Fingerprint {
    return this.#fingerprint
  }

  /** Whether the file system says of it what it said last. */
  isAsSeen({ size, mtimeMs, bornMs }: FileFacts): boolean {
    return size === this.size && mtimeMs === this.#mtimeMs && bornMs === this.#bornMs
  }

  /** Note what the file system just said of it. */
  note(facts: FileFacts): void {
    this.seenSize.note(facts.size)
    this.#mtimeMs = facts.mtimeMs
    this.#bornMs = facts.bornMs
  }

  /** From now on it is known again by these first bytes. */
  knowBy(fingerprint: Fingerprint): void {
    this.#fingerprint = fingerprint
  }

  // -- its life -------------------------------------------------------------------------------------------------------

  /** Whether its file has a name, or its bytes are gone. */
  get standing(): Standing {
    return this.life.standing
  }

  /** Whether all of it is read and stored, and nobody is expected to write to it. */
  get finished(): boolean {
    return this.life.finished
  }

  /** Monotonic ms since when it may be quiet. */
  get activeAt(): number {
    return this.life.activeAt
  }

  /** Whether it will have no turns any more. */
  get isOver(): boolean {
    return this.life.isOver
  }

  /** Whether it waits for room, a topic, a descriptor or its own receipts. */
  get parked(): boolean {
    return this.turn.parked
  }

  // -- how far it is read and stored ----------------------------------------------------------------------------------

  /** File offset where the next read begins. */
  get next(): number {
    return this.cursor.next
  }

  /** The guard of the bytes before {@link next}. */
  get guard(): Guard {
    return this.cursor.guard
  }

  /** Bytes taken over by the pipeline and not stored yet. */
  get unacknowledged(): number {
    return this.next - this.watermark.offset
  }

  /** Bytes that are not stored yet, and on disk; of a generation that was cut, also those that a copy may have. */
  get lag(): number {
    return Math.max(0, this.size - this.watermark.offset)
  }

  /** Reading goes back to the first byte that is not stored. */
  rewind(): void {
    const { offset, skipped, guard } = this.watermark
    this.cursor.jumpTo(offset, guard)
    this.skipped = skipped
  }

  /** Its bytes up to `end` are another file's and were read there: reading goes on behind them. */
  passOver(end: number, guard: Guard): void {
    this.watermark.acknowledge({ start: 0, end }, 'stored', guard)
    this.openPieces = NO_OPEN_PIECES
    this.rewind()
  }

  /** True if only a read can tell what has changed: the generation is then not finished any more, if it was. */
  revive(): boolean {
    const hasChanged = this.size !== this.next || this.seenSize.hasShrunk
    if (hasChanged) this.life.revive()
    return hasChanged
  }

  /** Whether it was read to its end, as last seen; a line may have begun there that has not ended. */
  get isRead(): boolean {
    return Math.max(this.cursor.next, this.cursor.halfLineEnd) >= this.size && !this.seenSize.hasShrunk
  }

  /** Whether there is something to be read, or a read has to find out what was cut off. */
  get hasNews(): boolean {
    return this.size > this.next || this.seenSize.hasShrunk
  }

  /** What its entry has that changes seldom; null while pieces are open. See {@link EntrySource}. */
  lasting(): readonly unknown[] | null {
    if (this.openPieces.length > 0) return null
    return [this.directory, this.name, this.fingerprint, this.bornMs, this.partition, this.finished, this.format]
  }

  /** What its entry has that moves with every write. */
  moved(): Moved {
    const { offset, skipped, guard } = this.watermark
    return { offset, skipped, guard, size: this.size, mtimeMs: this.mtimeMs }
  }

  /** Its entry in the state. */
  toStored(): StoredGeneration {
    const colon = this.key.indexOf(':')
    return {
      id: this.id,
      inputId: this.inputId,
      path: this.path,
      place: this.place,
      device: this.key.slice(0, colon),
      inode: this.key.slice(colon + 1),
      fingerprint: this.fingerprint,
      position: this.watermark.position(this.openPieces),
      guard: this.watermark.guard,
      size: this.size,
      mtimeMs: this.mtimeMs,
      bornMs: this.bornMs,
      partition: this.partition,
      finished: this.finished,
      ...(this.format && { format: this.format }),
      ...(this.unknown && { unknown: this.unknown }),
    }
  }
}

/** The input's object for a generation that comes back from other stages, which know only its names. */
export function asLogFile(generation: Generation): LogFile {
  if (generation instanceof LogFile) return generation
  throw new TypeError(`${generation.id} is not a file of the input's`)
}
