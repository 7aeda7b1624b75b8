/**
 * Local directories without a watch, because they are too busy for one, or no watch is left. Their files are polled
 * (polling.ts). This file notices names that come and go in them, and watches them again when that is possible.
 */
import type { Directory } from './directory.ts'
import type { Discovery } from './discover.ts'
import type { LogFile } from '../files/log-file.ts'
import type { Watches } from './watches.ts'

export interface UnwatchedOptions {
  readonly discovery: Pick<Discovery, 'directories' | 'lookIfChanged'>
  readonly watches: Pick<Watches, 'isWatched' | 'arm'>
  /** Whether a file that is polled often has grown a moment ago. */
  readonly isWarm: (file: LogFile) => boolean
  /** Monotonic ms. */
  readonly clock: () => number
}

/** Ms between checks of the directories' mtimes, while files are polled; with more directories than this, a ms for each. */
const POLL_MS = 250

export class Unwatched {
  readonly #options: UnwatchedOptions
  #dueAt = 0

  constructor(options: UnwatchedOptions) {
    this.#options = options
  }

  /** Called while files are polled: looks from time to time at directories in which names came or went. */
  poll(): void {
    const { clock, discovery } = this.#options
    const now = clock()
    if (now < this.#dueAt) return
    let count = 0
    for (const directory of this.#all()) {
      count++
      void discovery.lookIfChanged(directory)
    }
    this.#dueAt = now + Math.max(POLL_MS, count)
  }

  /** Watches directories again that have become quiet. A look afterwards finds names that came before the watch. */
  rewatch(): void {
    const { watches, isWarm } = this.#options
    for (const directory of this.#all()) {
      const isQuiet = ![...directory.files.values()].some(isWarm)
      if (isQuiet && watches.arm(directory)) directory.mtimeMs = -1
    }
  }

  *#all(): Iterable<Directory> {
    const { discovery, watches } = this.#options
    for (const directory of discovery.directories()) {
      if (!directory.volume.remote && !watches.isWatched(directory)) yield directory
    }
  }
}
