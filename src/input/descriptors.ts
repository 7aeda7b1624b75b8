/**
 * Open files, and how many there may be. A file that is read and stored to its end can be closed and opened again when
 * it grows; one that is not keeps its descriptor, for it may be deleted meanwhile.
 */
import { ignoreSystemError } from '../errors.ts'
import { isSame } from './identity.ts'
import type { LogFile } from './log-file.ts'
import { openLog, rootsOf } from './open.ts'
import { type FileFacts, closeOn } from './volume.ts'

interface Open {
  readonly descriptor: number
  readonly facts: FileFacts
}

export class Descriptors {
  readonly #max: number
  readonly #clock: () => number
  readonly #open = new Set<LogFile>()

  /** `clock`: monotonic ms. */
  constructor(max: number, clock: () => number) {
    this.#max = max
    this.#clock = clock
  }

  get count(): number {
    return this.#open.size
  }

  get isFull(): boolean {
    return this.#open.size >= this.#max
  }

  adopt(file: LogFile, descriptor: number, facts: FileFacts): void {
    file.descriptor = descriptor
    this.#open.add(file)
    file.note(facts)
    file.activeAt = this.#clock()
  }

  /** Make sure that a file is open; false when it cannot be now (all may be in use: {@link isFull}), or something else is at its place. */
  async open(file: LogFile): Promise<boolean> {
    if (file.descriptor >= 0) return true
    if (file.isOver || !this.makeRoom()) return false
    const { place } = file
    const opened = await openLog(file.volume, place, rootsOf(file.within))
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
  async isSameAt(file: LogFile, path: string, within = file.within): Promise<'same' | 'other' | 'unsure'> {
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
  }

  closeAll(): void {
    for (const file of this.#open) this.close(file)
  }

  /**
   * Make sure that one more file may be open: if need be close the one that was quiet longest, among those that are
   * read and stored to their end. False when every open file is still needed: then who asks waits.
   */
  makeRoom(): boolean {
    if (this.#open.size < this.#max) return true
    let quietest: LogFile | null = null
    for (const file of this.#open) {
      if (file.standing !== 'live' || file.next < file.size || file.unacknowledged > 0 || file.queued) continue
      // a call that is under way would meet whatever file gets the descriptor next
      if (file.reading || file.asking) continue
      if (quietest === null || file.activeAt < quietest.activeAt) quietest = file
    }
    if (quietest === null) return false
    this.close(quietest)
    return true
  }
}
