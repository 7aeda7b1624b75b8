/** How much of what there is has been looked at: by the directories that are known, being asked about, being listed. */
import { dirname } from 'node:path'
import type { Directory } from './directory.ts'
import type { Volume } from '../volume/volume.ts'

export interface CoverageOptions {
  /** By path. */
  readonly directories: ReadonlyMap<string, Directory>
  /** Paths that are asked whether there is a directory: its first look is to come. */
  readonly entering: ReadonlyMap<string, unknown>
  /** Directories that are being looked at. */
  readonly looks: ReadonlyMap<Directory, unknown>
  readonly volumeOf: (path: string) => Volume
}

export class Coverage {
  readonly #options: CoverageOptions

  constructor(options: CoverageOptions) {
    this.#options = options
  }

  /**
   * Whether what is at a path has been seen, and what was moved from there to a local directory: none of those, and no
   * directory above the path is in its first look, or waits for it.
   */
  hasSeen(path: string): boolean {
    const { directories, entering, looks } = this.#options
    if (this.askedAt(false) === -Infinity) return false
    const isLookedAt = (directories.get(dirname(path))?.lookedAt ?? 0) > 0
    const isAbove = (directory: string): boolean => path.startsWith(directory === '/' ? '/' : `${directory}/`)
    for (const directory of entering.keys()) if (isAbove(directory) && !isLookedAt) return false
    for (const directory of directories.values()) {
      // one that cannot be listed at all must not keep what is below it for ever
      const isPending = directory.lookedAt === 0 && (!isLookedAt || looks.has(directory))
      if (isPending && isAbove(directory.path)) return false
    }
    return true
  }

  /**
   * Monotonic ms: what came or went before in any directory that can be looked at is known. Of mounts that can hang, only
   * if `remote`. -Infinity while one has its first look to come.
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
