/**
 * Open files, and how many there may be. A file that has its name and nothing on its way can be closed for another one, and
 * opened again: first those that are read and stored to their end, then those that end in half a line, then those that
 * cannot go on. The others keep their descriptors. Who is refused one waits until one of those that are open can be closed.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Obstacle } from '../../flow.ts'
import type { Directory } from '../discovery/directory.ts'
import { isSame } from './identity.ts'
import type { LogFile } from './log-file.ts'
import { type OpenFile, openLog } from '../volume/open.ts'
import { rootsOf } from '../input-rules.ts'
import { type FileFacts, closeOn } from '../volume/volume.ts'

/** As many files are open as may be, and all of them are needed. */
export const NO_DESCRIPTOR: Obstacle = { kind: 'descriptor', topic: '' }

export interface DescriptorsOptions {
  /** So many files may be open. */
  readonly max: number
  /** Monotonic ms. */
  readonly clock: () => number
  /**
   * There may be room again for those that were refused it: files, and directories with files that were not taken in.
   * Called once, until somebody is refused again.
   */
  readonly freed: (directories: Iterable<Directory>) => void
}

export class Descriptors {
  readonly #options: DescriptorsOptions
  readonly #open = new Set<LogFile>()
  /** Somebody was refused, and nothing has changed since. */
  #isFull = false
  /** Directories with files that there was no room for. */
  #refused = new Set<Directory>()

  constructor(options: DescriptorsOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#open.size
  }

  adopt(file: LogFile, descriptor: number, facts: FileFacts): void {
    file.descriptor = descriptor
    this.#open.add(file)
    file.note(facts)
    file.life.noteActivity(this.#options.clock())
  }

  /** Make sure that a file is open; false when it cannot be now (all may be in use), or something else is at its place. */
  async open(file: LogFile): Promise<boolean> {
    if (file.descriptor >= 0) return true
    if (file.isOver || !this.makeRoom()) return false
    const { place } = file
    const opened = await openLog(file.volume, place, rootsOf(file.location.within))
    if (opened.kind !== 'open') return false
    const same = await this.#isFile(file, place, opened)
    // a slow mount may have answered two of us, or meanwhile have lost the file
    if (same && file.descriptor < 0 && !file.isOver) this.adopt(file, opened.descriptor, opened.facts)
    else closeOn(file.volume, opened.descriptor)
    return same && !file.isOver
  }

  /**
   * Whether the file at a path, that was just seen to have its inode, is this closed one, by its content. 'unsure': it
   * cannot be looked at now, or is gone from there again.
   */
  async isSameAt(file: LogFile, path: string, within = file.location.within): Promise<'same' | 'other' | 'unsure'> {
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

  /** As {@link makeRoom}, for a new file in a directory, which is looked at again when there is room. */
  makeRoomIn(directory: Directory): boolean {
    const isRoom = this.makeRoom()
    if (!isRoom) this.#refused.add(directory)
    return isRoom
  }

  /** Something of a file was stored, or it has had a turn: if it can be closed now, those that were refused try again. */
  rested(file: LogFile): void {
    if (this.#isFull && file.descriptor >= 0 && riskOf(file) !== NEEDED) this.retry()
  }

  /** Those that were refused try again. */
  retry(): void {
    if (!this.#isFull) return
    this.#isFull = false
    const refused = this.#refused
    this.#refused = new Set()
    this.#options.freed(refused)
  }
}

const NEEDED = 3

/** What is lost should an open file be deleted while it is closed: nothing (0), half a line (1), what is unread (2). */
function riskOf(file: LogFile): 0 | 1 | 2 | typeof NEEDED {
  if (file.standing !== 'live' || file.unacknowledged > 0 || file.turn.queued) return NEEDED
  // a call that is under way would meet whatever file gets the descriptor next
  if (file.turn.reading || file.turn.checking) return NEEDED
  if (file.next >= file.size) return 0
  if (file.endsInHalfLine) return 1
  return file.parked ? 2 : NEEDED
}
