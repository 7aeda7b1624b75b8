/**
 * Open files, and how many there may be. Where there are more, they take turns: one that can do without its descriptor is
 * closed for another, and opened again when it has something to be read. One that has bytes under way keeps it, for it may
 * be deleted meanwhile. A file that is refused a descriptor waits until one of those that are open can be closed.
 */
import type { Events } from '../../observe/events.ts'
import { ignoreSystemError } from '../../errors.ts'
import type { Obstacle } from '../../flow.ts'
import { isSame } from './identity.ts'
import { type Bounds, rootsOf } from '../input-rules.ts'
import type { LogFile } from './log-file.ts'
import { openLog } from '../volume/open.ts'
import { type FileFacts, type Volume, closeOn } from '../volume/volume.ts'

interface Open {
  readonly descriptor: number
  readonly facts: FileFacts
}

/** As many files are open as may be, and all of them are needed. */
export const NO_DESCRIPTOR: Obstacle = { kind: 'descriptor', topic: '' }

/** full: nothing more can be open now; elsewhere: something else is at its place, or it cannot be opened there. */
export type Opening = 'open' | 'full' | 'elsewhere'

export interface DescriptorsOptions {
  /** So many files may be open. */
  readonly max: number
  /** Monotonic ms. */
  readonly clock: () => number
  readonly events: Pick<Events, 'fileDenied'>
  /** There may be room again for those that were refused it. Called once, until somebody is refused again. */
  readonly freed: () => void
}

export class Descriptors {
  readonly #options: DescriptorsOptions
  readonly #open = new Set<LogFile>()
  /** Somebody was refused, and nothing has changed since. */
  #isFull = false
  /** The last of those that are opened one after another. */
  readonly #lines = new WeakMap<Volume, Promise<unknown>>()

  constructor(options: DescriptorsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  /**
   * Does work that opens a file and then either adopts or closes it: one after another on each volume. Of all that are
   * opened in a moment no more than one is open beside those that may be.
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

  /** The file has this descriptor from now on; false where there is no room for it, and it is closed. */
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

  /** The file was opened to be known, and needs no descriptor. */
  leave(file: LogFile, descriptor: number, facts: FileFacts): void {
    this.#note(file, facts)
    closeOn(file.volume, descriptor)
  }

  #note(file: LogFile, facts: FileFacts): void {
    file.note(facts)
    file.activeAt = this.#options.clock()
  }

  /** Make sure that a file is open, if that can be. Throws what the file system throws when it is read. */
  open(file: LogFile): Promise<Opening> {
    return this.inLine(file.volume, () => this.#openNow(file))
  }

  async #openNow(file: LogFile): Promise<Opening> {
    if (file.descriptor >= 0) return 'open'
    if (file.isOver) return 'elsewhere'
    if (!this.makeRoom()) return 'full'
    const { place } = file
    const opened = await openLog(file.volume, place, rootsOf(file.within))
    if (opened.kind === 'exhausted') {
      this.#options.events.fileDenied(place, opened.reason)
      this.#isFull = true
      return 'full'
    }
    if (opened.kind !== 'open') return 'elsewhere'
    // a slow mount may meanwhile have lost the file
    if ((await this.#isFile(file, place, opened)) && !file.isOver)
      return this.adopt(file, opened.descriptor, opened.facts) ? 'open' : 'full'
    closeOn(file.volume, opened.descriptor)
    return 'elsewhere'
  }

  /**
   * Whether the file at a path, that was just seen to have its inode, is this closed one, by its content. 'unsure': it
   * cannot be looked at now, or is gone from there again.
   */
  isSameAt(file: LogFile, path: string, within = file.within): Promise<'same' | 'other' | 'unsure'> {
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

  async #isFile(file: LogFile, path: string, { descriptor, facts }: Open): Promise<boolean> {
    if (facts.key !== file.key) return false
    try {
      return await isSame(file.volume, descriptor, { facts, path, stored: file.toStored() })
    } catch (error) {
      // what cannot be read is asked for again and again
      closeOn(file.volume, descriptor)
      throw error
    }
  }

  /** The descriptor goes on with the next generation of the same file. */
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
   * Make sure that one more file may be open: if need be close one, of those that risk least the one that was quiet longest.
   * False when every open file is still needed: then who asks waits.
   */
  makeRoom(): boolean {
    // thousands may ask in a row
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

  mayClose(file: LogFile): boolean {
    return file.descriptor >= 0 && riskOf(file) < NEEDED
  }

  /** Something of a file was stored, or it has had a turn: if it can be closed now, those that were refused try again. */
  rested(file: LogFile): void {
    if (this.#isFull && this.mayClose(file)) this.retry()
  }

  /** Those that were refused try again. */
  retry(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#options.freed()
  }
}

const NEEDED = 3

/** What may be lost should an open file be deleted while it is closed: nothing (0), half a line (1), what is unread (2). */
function riskOf(file: LogFile): 0 | 1 | 2 | typeof NEEDED {
  const { standing, limit } = file
  if (file.unacknowledged > 0 || file.queued) return NEEDED
  // a call that is under way would meet whatever file gets the descriptor next
  if (file.reading || file.asking) return NEEDED
  // how much was cut off is found out by its descriptor
  if (file.seenSize.hasShrunk) return NEEDED
  const isLast = limit < Infinity
  if (file.next >= Math.min(file.size, limit) && (standing === 'live' || isLast)) return 0
  // else it could not be opened again
  const hasName = standing === 'live' || (standing === 'rotated' && file.directory.files.get(file.name) === file)
  // a deleted file's half line counts at a stop
  if (file.isRead && (hasName || (isLast && standing === 'rotated'))) return 1
  // nothing of it can be shipped now, and others may be able to go on
  return file.parked && hasName ? 2 : NEEDED
}
