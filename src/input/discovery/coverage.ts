/** Tells how far the file system has been looked at: whether a path has been seen, and since when all names are known. */
import { dirname } from 'node:path'
import type { Directory } from './directory.ts'
import type { Looks } from './looks.ts'
import type { Volume } from '../volume/volume.ts'

export interface CoverageOptions {
  /** Known directories, by path. */
  readonly directories: ReadonlyMap<string, Directory>
  /** Paths at which there may be a directory: a call that finds out is under way, and the first look is yet to come. */
  readonly entering: ReadonlyMap<string, unknown>
  readonly looks: Pick<Looks, 'isRunning'>
  readonly volumeOf: (path: string) => Volume
}

export class Coverage {
  readonly #options: CoverageOptions

  constructor(options: CoverageOptions) {
    this.#options = options
  }

  /**
   * Whether a file at a path would have been seen, also if it was moved from there to a local directory. True when no local
   * directory, and no directory above the path, is in its first look or waits for it.
   */
  hasSeen(path: string): boolean {
    const { directories, entering, looks } = this.#options
    if (this.askedAt(false) === -Infinity) return false
    const isLookedAt = (directories.get(dirname(path))?.lookedAt ?? 0) > 0
    const isAbove = (directory: string): boolean => path.startsWith(directory === '/' ? '/' : `${directory}/`)
    for (const directory of entering.keys()) if (isAbove(directory) && !isLookedAt) return false
    for (const directory of directories.values()) {
      // a directory that can never be listed must not count as pending for ever
      const isPending = directory.lookedAt === 0 && (!isLookedAt || looks.isRunning(directory))
      if (isPending && isAbove(directory.path)) return false
    }
    return true
  }

  /**
   * Monotonic ms before which every name that came or went is known, in all directories that can be looked at. Directories
   * on mounts that can hang count only if `remote`. -Infinity while a first look is yet to come.
   */
  askedAt(remote: boolean): number {
    const { directories, entering, volumeOf } = this.#options
    for (const path of entering.keys()) if (remote || !volumeOf(path).remote) return -Infinity
    let askedAt = Infinity
    for (const directory of directories.values())
      if (remote || !directory.volume.remote) askedAt = Math.min(askedAt, directory.askedAt)
    return askedAt
  }
}
