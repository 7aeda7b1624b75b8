/**
 * The open files, and how many there may be. Where there are more files, they take turns: a file that can do without its
 * descriptor is closed for another one, and is opened again when it has something to be read. A file that has bytes in flight
 * keeps its descriptor, for it may be deleted meanwhile. A file that is refused a descriptor waits until one of the open
 * files can be closed.
 */
import type { Events } from '../../observe/events.ts'
import { ignoreSystemError } from '../../errors.ts'
import type { Obstacle } from '../../flow.ts'
import { isSame } from './identity.ts'
import { type Bounds, rootsOf } from '../input-rules.ts'
import type { LogFile } from './log-file.ts'
import { type OpenFile, openLog } from '../volume/open.ts'
import { type FileFacts, type Volume, closeOn } from '../volume/volume.ts'

/** The limit of open files is reached, and all of them are needed. */
export const NO_DESCRIPTOR: Obstacle = { kind: 'descriptor', topic: '' }

/** full: no further file can be open now; elsewhere: another file is at its place, or it cannot be opened there. */
export type Opening = 'open' | 'full' | 'elsewhere'

export interface DescriptorsOptions {
  /** How many files may be open. */
  readonly max: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly events: Pick<Events, 'fileDenied'>
  /**
   * There may be a descriptor again for those that were refused one. Called once, until a descriptor is refused again.
   */
  readonly freed: () => void
}

export class Descriptors {
  readonly #options: DescriptorsOptions
  readonly #open = new Set<LogFile>()
  /** A descriptor was refused, and nothing has changed since. */
  #isFull = false
  /** By volume: the work that was put in line last. */
  readonly #lines = new WeakMap<Volume, Promise<unknown>>()

  constructor(options: DescriptorsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /**
   * Do work that opens a file and then either adopts or closes it. On each volume such work is done one after another, so
   * that at most one file of a volume is open beyond {@link DescriptorsOptions.max}.
   */
  inLine<T>(volume: Volume, work: () => Promise<T>): Promise<T> {
    const before = this.#lines.get(volume) ?? Promise.resolve()
    const turn = before.then(work)
    this.#lines.set(
      volume,
      turn.catch(() => undefined),
    )
    return turn
  }

  /** Let the file have this descriptor from now on. False where there is no room for it: then the descriptor is closed. */
  adopt(file: LogFile, descriptor: number, facts: FileFacts): boolean {
    if (!this.makeRoom()) {
      this.leave(file, descriptor, facts)
      return false
    }
    this.#note(file, facts)
    file.descriptor = descriptor
    this.#open.add(file)
    return true
  }

  /** Close the descriptor of a file that was opened only to be known. */
  leave(file: LogFile, descriptor: number, facts: FileFacts): void {
    this.#note(file, facts)
    closeOn(file.volume, descriptor)
  }

  #note(file: LogFile, facts: FileFacts): void {
    file.note(facts)
    file.life.noteActivity(this.#options.clock())
  }

  /** Make sure that a file is open, if it can be. Throws the file system's error when the file cannot be read. */
  open(file: LogFile): Promise<Opening> {
    return this.inLine(file.volume, () => this.#openNow(file))
  }

  async #openNow(file: LogFile): Promise<Opening> {
    if (file.descriptor >= 0) return 'open'
    if (file.isOver) return 'elsewhere'
    if (!this.makeRoom()) return 'full'
    const { place } = file
    const opened = await openLog(file.volume, place, rootsOf(file.location.within))
    if (opened.kind === 'exhausted') {
      this.#options.events.fileDenied(place, opened.reason)
      this.#isFull = true
      return 'full'
    }
    if (opened.kind !== 'open') return 'elsewhere'
    // on a slow mount it may have been lost meanwhile
    if ((await this.#isFile(file, place, opened)) && !file.isOver)
      return this.adopt(file, opened.descriptor, opened.facts) ? 'open' : 'full'
    closeOn(file.volume, opened.descriptor)
    return 'elsewhere'
  }

  /**
   * Whether the file at a path is this closed file, by its content. Its inode was just seen there. 'unsure': it cannot be
   * looked at now, or is gone from there again.
   */
  isSameAt(file: LogFile, path: string, within = file.location.within): Promise<'same' | 'other' | 'unsure'> {
    return this.inLine(file.volume, () => this.#isSameAt(file, path, within))
  }

  async #isSameAt(file: LogFile, path: string, within: Bounds): Promise<'same' | 'other' | 'unsure'> {
    const opened = await openLog(file.volume, path, rootsOf(within))
    if (opened.kind === 'refused') return 'other'
    if (opened.kind !== 'open') return 'unsure'
    try {
      const same = await this.#isFile(file, path, opened)
      closeOn(file.volume, opened.descriptor)
      if (opened.facts.key !== file.key) return 'unsure'
      return same ? 'same' : 'other'
    } catch (error) {
      ignoreSystemError(error)
      return 'unsure'
    }
  }

  async #isFile(file: LogFile, path: string, { descriptor, facts }: OpenFile): Promise<boolean> {
    if (facts.key !== file.key) return false
    try {
      return await isSame(file.volume, descriptor, { facts, path, stored: file.toStored() })
    } catch (error) {
      // a file that cannot be read is tried again and again, which must leave no descriptor open
      closeOn(file.volume, descriptor)
      throw error
    }
  }

  /** Hand the descriptor over to the next generation of the same file. */
  hand(from: LogFile, to: LogFile): void {
    to.descriptor = from.descriptor
    from.descriptor = -1
    this.#open.delete(from)
    this.#open.add(to)
  }

  close(file: LogFile): void {
    if (file.descriptor < 0) return
    closeOn(file.volume, file.descriptor)
    file.descriptor = -1
    this.#open.delete(file)
    this.retry()
  }

  closeAll(): void {
    this.#isFull = false
    for (const file of this.#open) this.close(file)
  }

  /**
   * Make sure that one more file may be open. If need be, a file is closed: of those that risk least, the one that was quiet
   * longest. False when every open file is still needed; {@link DescriptorsOptions.freed} is called when one may be closed.
   */
  makeRoom(): boolean {
    // thousands of files may want one in a row
    if (this.#isFull) return false
    if (this.#open.size < this.#options.max) return true
    let best: LogFile | null = null
    let least: number = NEEDED
    for (const file of this.#open) {
      const risk = riskOf(file)
      if (risk === NEEDED || risk > least || (risk === least && best !== null && file.activeAt >= best.activeAt))
        continue
      best = file
      least = risk
    }
    this.#isFull = best === null
    if (best !== null) this.close(best)
    return best !== null
  }

  /** Whether the file is open and can be closed for another one. */
  mayClose(file: LogFile): boolean {
    return file.descriptor >= 0 && riskOf(file) < NEEDED
  }

  /** A file had bytes stored, or a turn: if it can be closed now, those that were refused a descriptor try again. */
  rested(file: LogFile): void {
    if (this.#isFull && this.mayClose(file)) this.retry()
  }

  /** Let those that were refused a descriptor try again. */
  retry(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#options.freed()
  }
}

const NEEDED = 3

/** What may be lost if an open file is deleted while it is closed: nothing (0), half a line (1), the unread rest (2). */
function riskOf(file: LogFile): 0 | 1 | 2 | typeof NEEDED {
  const { standing } = file
  const { limit } = file.cursor
  if (file.unacknowledged > 0 || file.turn.queued) return NEEDED
  // a call that is under way would meet whatever file gets the descriptor next
  if (file.turn.reading || file.turn.checking) return NEEDED
  // only its descriptor can tell how much was cut off
  if (file.seenSize.hasShrunk) return NEEDED
  const isLast = limit < Infinity
  if (file.next >= Math.min(file.size, limit) && (standing === 'live' || isLast)) return 0
  // a file without a name could not be opened again
  const hasName = standing === 'live' || (standing === 'rotated' && file.directory.files.get(file.name) === file)
  // the half line of a deleted file counts at a stop
  if (file.isRead && (hasName || (isLast && standing === 'rotated'))) return 1
  // nothing of it can be shipped now, and others may be able to go on
  return file.parked && hasName ? 2 : NEEDED
}
