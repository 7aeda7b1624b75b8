/**
 * One generation of one log file, with all that the input knows of it. A truncated or replaced file is a new object;
 * a renamed one stays the same. Who changes what: read.ts the read state, sightings.ts names, generations.ts life, the
 * watermark (fed by receipts) the position.
 */
import type { Generation, Position } from '../../flow.ts'
import type { Guard } from '../../guard.ts'
import type { Directory } from '../discovery/directory.ts'
import { type Fingerprint, NO_FINGERPRINT } from './identity.ts'
import { SeenSize } from './seen-size.ts'
import type { LogFormat, StoredGeneration } from '../state/stored-generation.ts'
import type { Moved } from '../state/moved-entry.ts'
import type { Bounds, InputRules } from '../input-rules.ts'
import type { FileFacts, Volume } from '../volume/volume.ts'
import { NO_OPEN_PIECES, Watermark } from './watermark.ts'

/**
 * live: has a name that the input's globs match; rotated: has another name, or none that we know of;
 * deleted: has no name any more, only our descriptor; detached: its bytes are gone (truncated, or the descriptor was
 * lost), only receipts are still to come.
 */
export type Standing = 'live' | 'rotated' | 'deleted' | 'detached'

export interface Origin {
  readonly id: string
  readonly rules: InputRules
  readonly within: Bounds
  /** Path at discovery: it stays. */
  readonly path: string
  readonly key: string
  readonly volume: Volume
  /** Where it is now. */
  readonly directory: Directory
  readonly name: string
  readonly start: Omit<Position, 'open'> & { readonly open?: Position['open']; readonly guard: Guard }
  /** Monotonic ms. */
  readonly foundAt: number
}

export class LogFile implements Generation {
  readonly id: string
  readonly rules: InputRules
  /** By the glob that it was last found by, which may be another input's: a file stays its own input's. */
  within: Bounds
  readonly path: string
  /** `device:inode`. */
  readonly key: string
  readonly volume: Volume
  /** Monotonic ms when this process first saw it. */
  readonly foundAt: number
  readonly watermark: Watermark

  /** Where it was last seen, and under which name. */
  directory: Directory
  name: string
  standing: Standing = 'live'
  /** -1 while closed. */
  descriptor = -1
  readonly seenSize = new SeenSize()
  /** Monotonic ms since when others are compared with it, Infinity: they are not. Owned by originals.ts. */
  knownAt = Infinity
  mtimeMs = 0
  /** {@link FileFacts.bornMs} */
  bornMs = 0
  /** Its name is a symbolic link: a watch on the directory tells nothing of it. */
  isLinked = false
  fingerprint: Fingerprint = NO_FINGERPRINT

  /** File offset of the first byte that no stage has taken over: where the next read begins. */
  next: number
  /** Of the bytes before `next`. */
  guard: Guard
  /** Bytes from `next` to here were read before and hold no newline; 0 where nothing is known. */
  seen = 0
  /** Set while a half line is too long to be read again and again: where to look on, and the guard of that. */
  search: { at: number; guard: Guard } | null = null
  /** Settled bytes that the next record has to carry. */
  skipped: number
  /** Pieces below the watermark of entries that have not ended yet. The framer's, where one holds any; none does now. */
  open: Position['open']
  /** At shutdown: read no further than this. */
  limit = Infinity

  partition = -1
  finished = false
  /** Of its lines, once it is known. Nothing sets it yet. */
  format: LogFormat | undefined
  /** What a newer program has stored of it. */
  unknown: StoredGeneration['unknown']
  /** Monotonic ms when bytes last came, it was opened, or it lost its name: since when it can be said to be quiet. */
  activeAt = 0
  /** In the queue of files with something to read; parked: waiting for room or a topic. Owned by schedule.ts. */
  queued = false
  parked = false
  /** A read that takes its time is under way. */
  reading = false
  /** Its file system is being asked about it; a mount that hangs is not asked twice. */
  asking = false
  /** It is not among the known ones any more; another object may stand for what is left of it. */
  forgotten = false
  /** Its identity is in the journal: it may be read. */
  admitted = false

  constructor(origin: Origin) {
    this.id = origin.id
    this.rules = origin.rules
    this.within = origin.within
    this.path = origin.path
    this.key = origin.key
    this.volume = origin.volume
    this.foundAt = origin.foundAt
    this.directory = origin.directory
    this.name = origin.name
    this.watermark = new Watermark(origin.start)
    this.next = origin.start.offset
    this.skipped = origin.start.skipped
    this.open = origin.start.open ?? NO_OPEN_PIECES
    this.guard = origin.start.guard
  }

  get inputId(): string {
    return this.rules.id
  }

  /** Where it is now, as far as we know. */
  get place(): string {
    return this.directory.pathOf(this.name)
  }

  /** Bytes, as last seen. */
  get size(): number {
    return this.seenSize.last
  }

  /** Bytes taken over by the pipeline and not stored yet. */
  get unacknowledged(): number {
    return this.next - this.watermark.offset
  }

  /** Bytes that are not stored yet, and on disk; of a generation that was cut, also those that a copy may have. */
  get lag(): number {
    return Math.max(0, this.size - this.watermark.offset)
  }

  /** Back to the first byte that is not stored. */
  rewind(): void {
    this.next = this.watermark.offset
    this.skipped = this.watermark.skipped
    this.seen = 0
    this.search = null
    this.guard = this.watermark.guard
  }

  /** What the state has of it beside its identity and position, which it was made with. */
  recall({ partition, format, unknown, size }: StoredGeneration): void {
    this.partition = partition
    this.format = format
    this.unknown = unknown
    // what was seen of it and is not there any more was lost
    this.seenSize.set(size)
  }

  /** Its bytes up to here are another file's, and were read there. */
  passOver(end: number, guard: Guard): void {
    this.watermark.finish({ start: 0, end }, 'stored', guard)
    this.open = NO_OPEN_PIECES
    this.rewind()
  }

  /** Whether the file system says of it what it said last. */
  isAsSeen({ size, mtimeMs, bornMs }: FileFacts): boolean {
    return size === this.size && mtimeMs === this.mtimeMs && bornMs === this.bornMs
  }

  /** What the file system just said of it. */
  note(facts: FileFacts): void {
    this.seenSize.note(facts.size)
    this.mtimeMs = facts.mtimeMs
    this.bornMs = facts.bornMs
  }

  /** It has no turns any more. */
  get isOver(): boolean {
    return this.standing === 'detached' || this.forgotten
  }

  /** If there is something to be found out by a read, it is not finished any more, should it have been: true then. */
  revive(): boolean {
    const hasChanged = this.size !== this.next || this.seenSize.hasShrunk
    if (hasChanged) this.finished = false
    return hasChanged
  }

  /** It was read to its end, as last seen, where a line may have begun that has not ended. */
  get isRead(): boolean {
    return Math.max(this.next, this.seen) >= this.size && !this.seenSize.hasShrunk
  }

  /** Something is to be read, or it has to be found out by a read what was cut off. */
  get hasNews(): boolean {
    return this.size > this.next || this.seenSize.hasShrunk
  }

  /** See {@link EntrySource}. */
  lasting(): readonly unknown[] | null {
    if (this.open.length > 0) return null
    return [this.directory, this.name, this.fingerprint, this.bornMs, this.partition, this.finished, this.format]
  }

  moved(): Moved {
    const { offset, skipped, guard } = this.watermark
    return { offset, skipped, guard, size: this.size, mtimeMs: this.mtimeMs }
  }

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
      position: this.watermark.position(this.open),
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

/** Every generation comes from the input and goes back to it; the stages between know only its names. */
export function asLogFile(generation: Generation): LogFile {
  if (generation instanceof LogFile) return generation
  throw new TypeError(`${generation.id} is not a file of the input's`)
}
