/**
 * The open files, and how many there may be. A file that still has its name and has no bytes in flight can be closed for
 * another one, and opened again later. Files that are read and stored to their end are closed first, then those that end in
 * half a line, then those that cannot go on. The others keep their descriptors. A file that is refused a descriptor waits
 * until one of the open files can be closed.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Obstacle } from '../../flow.ts'
import type { Directory } from '../discovery/directory.ts'
import { isSame } from './identity.ts'
import type { LogFile } from './log-file.ts'
import { type OpenFile, openLog } from '../volume/open.ts'
import { rootsOf } from '../input-rules.ts'
import { type FileFacts, closeOn } from '../volume/volume.ts'

/** The limit of open files is reached, and all of them are needed. */
export const NO_DESCRIPTOR: Obstacle = { kind: 'descriptor', topic: '' }

export interface DescriptorsOptions {
  /** How many files may be open. */
  readonly max: number
  /** Monotonic ms. */
  readonly clock: () => number
  /**
   * There may be a descriptor again for those that were refused one: parked files, and these directories, in which files
   * were not taken in. Called once, until a descriptor is refused again.
   */
  readonly freed: (directories: Iterable<Directory>) => void
}

export class Descriptors {
  readonly #options: DescriptorsOptions
  readonly #open = new Set<LogFile>()
  /** A descriptor was refused, and nothing has changed since. */
  #isFull = false
  /** Directories in which a new file was refused a descriptor. */
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

  /**
   * Make sure that a file is open. False when it cannot be opened now (all descriptors may be in use), or when another file
   * is at its place.
   */
  async open(file: LogFile): Promise<boolean> {
    if (file.descriptor >= 0) return true
    if (file.isOver || !this.makeRoom()) return false
    const { place } = file
    const opened = await openLog(file.volume, place, rootsOf(file.location.within))
    if (opened.kind !== 'open') return false
    const same = await this.#isFile(file, place, opened)
    // a slow mount may have opened it twice, or it may have been lost meanwhile
    if (same && file.descriptor < 0 && !file.isOver) this.adopt(file, opened.descriptor, opened.facts)
    else closeOn(file.volume, opened.descriptor)
    return same && !file.isOver
  }

  /**
   * Whether the file at a path is this closed file, by its content. Its inode was just seen there. 'unsure': it cannot be
   * looked at now, or is gone from there again.
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

  /** Like {@link makeRoom}, for a new file in a directory. The directory is looked at again when there is room. */
  makeRoomIn(directory: Directory): boolean {
    const isRoom = this.makeRoom()
    if (!isRoom) this.#refused.add(directory)
    return isRoom
  }

  /** A file had bytes stored, or a turn: if it can be closed now, those that were refused a descriptor try again. */
  rested(file: LogFile): void {
    if (this.#isFull && file.descriptor >= 0 && riskOf(file) !== NEEDED) this.retry()
  }

  /** Let those that were refused a descriptor try again. */
  retry(): void {
    if (!this.#isFull) return
    this.#isFull = false
    const refused = this.#refused
    this.#refused = new Set()
    this.#options.freed(refused)
  }
}

const NEEDED = 3

/** What would be lost if a file were deleted while it is closed: nothing (0), half a line (1), the unread rest (2). */
function riskOf(file: LogFile): 0 | 1 | 2 | typeof NEEDED {
  if (file.standing !== 'live' || file.unacknowledged > 0 || file.turn.queued) return NEEDED
  // a call that is under way would meet whatever file gets the descriptor next
  if (file.turn.reading || file.turn.checking) return NEEDED
  if (file.next >= file.size) return 0
  if (file.endsInHalfLine) return 1
  return file.parked ? 2 : NEEDED
}
