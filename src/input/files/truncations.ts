/**
 * What becomes of a generation whose file was cut. A new generation takes over the descriptor. The old one stays until the
 * receipts for the bytes that were read of it have come, and until its unread rest is accounted for (unread-rests.ts).
 */
import type { Receipt } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import type { Arrivals } from './arrivals.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import type { KnownFiles } from './known-files.ts'
import { type LogFile, asLogFile } from './log-file.ts'
import type { Missing } from './missing.ts'
import type { Originals } from '../copies/originals.ts'
import type { UnreadRests } from '../copies/unread-rests.ts'
import type { FileFacts } from '../volume/volume.ts'

export interface TruncationsOptions {
  readonly checkpoint: Checkpoint
  readonly events: Pick<Events, 'fileTruncated' | 'lost'>
  readonly arrivals: Arrivals
  readonly originals: Pick<Originals, 'remember'>
  readonly rests: Pick<UnreadRests, 'awaitsCopy' | 'giveUp'>
  readonly descriptors: Descriptors
  readonly missing: Pick<Missing, 'update'>
  readonly known: Pick<KnownFiles, 'add' | 'letGo'>
  /** Monotonic ms. */
  readonly clock: () => number
}

export class Truncations {
  readonly #options: TruncationsOptions
  readonly #detached = new Set<LogFile>()

  constructor(options: TruncationsOptions) {
    this.#options = options
  }

  /** Generations that wait for receipts, or have an unread rest that is not accounted for. */
  detached(): Iterable<LogFile> {
    return this.#detached
  }

  get waiting(): number {
    return this.#detached.size
  }

  /** A read found that the bytes before its offset are not there any more: a new generation begins. */
  truncated(file: LogFile): void {
    const { arrivals, descriptors, events, known, originals } = this.#options
    const { rules, key, standing, mtimeMs, bornMs } = file
    const { directory, name, within, isLinked } = file.location
    // calls that can fail come first, so that nothing is done twice
    const facts = factsNow(file)
    // at a stop the new one, too, is read no further than to its size now
    const limit = file.cursor.limit < Infinity ? (facts?.size ?? 0) : Infinity
    const where = { directory, name, within, isLinked, path: file.place }
    const next = arrivals.create({ ...where, rules, key, standing, mtimeMs, bornMs, limit }, { offset: 0, guard: 0 })
    const end = file.seenSize.endAtCut(file.cursor, facts?.size ?? null)
    events.fileTruncated(file, end.seen - file.next)
    originals.remember(file, facts?.mtimeMs ?? 0, end)
    descriptors.hand(file, next)
    next.life.noteActivity(this.#options.clock())
    file.life.detach()
    file.seenSize.set(end.seen)
    known.letGo(file)
    known.add(next)
    if (directory.files.get(name) === file) directory.files.set(name, next)
    this.#detached.add(file)
    this.release(file)
    arrivals.admit(next)
  }

  /** The file is shorter than before, and the bytes before its offset are still there: only its end was cut off. */
  shortened(file: LogFile): void {
    const lost = file.seenSize.lostAtEnd(file, factsNow(file)?.size ?? null)
    if (lost > 0) this.#options.events.lost(file, 'truncated', lost)
  }

  /** Bytes of a file are stored or settled. */
  receive({ file: generation, ranges, outcome }: Receipt): void {
    const { checkpoint, missing } = this.#options
    const file = asLogFile(generation)
    let moved = false
    for (const range of ranges) moved = file.watermark.acknowledge(range, outcome, range.guard) || moved
    if (!moved) return
    if (file.life.forgotten) {
      // a generation that was found again is another object
      const stored = file.toStored()
      if (missing.update(stored)) checkpoint.put(stored)
      return
    }
    if (file.standing !== 'detached' || file.unacknowledged > 0) checkpoint.touch(file)
    else this.release(file)
  }

  /** Give up a truncated generation whose unstored bytes cannot be read again. Prepared for exactly-once. */
  abandon(file: LogFile): void {
    const { checkpoint, events, rests } = this.#options
    if (file.unacknowledged > 0) events.lost(file, 'truncated', file.unacknowledged)
    rests.giveUp(file)
    this.#detached.delete(file)
    checkpoint.remove(file.id)
  }

  /** Keep a truncated generation only as long as something of it is awaited. */
  release(file: LogFile): void {
    const { checkpoint, rests } = this.#options
    if (file.lag === 0) this.#detached.delete(file)
    if (file.unacknowledged > 0 || rests.awaitsCopy(file)) checkpoint.put(file)
    else checkpoint.remove(file.id)
  }
}

/** The facts of an open file; null where the call could hang. */
function factsNow({ volume, descriptor }: LogFile): FileFacts | null {
  const facts = volume.remote || descriptor < 0 ? null : volume.factsOf(descriptor)
  return facts instanceof Promise ? null : facts
}
