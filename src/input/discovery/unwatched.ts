/**
 * Directories without a watch: local ones that are too busy for one, or for which none is left. Their files are polled
 * (polling.ts); here names that come and go are noticed, and when the directory can be watched again.
 */
import type { Directory } from './directory.ts'
import type { Discovery } from './discover.ts'
import type { LogFile } from '../files/log-file.ts'
import type { Watches } from './watches.ts'

export interface UnwatchedOptions {
  readonly discovery: Pick<Discovery, 'directories' | 'lookIfChanged'>
  readonly watches: Pick<Watches, 'isWatched' | 'arm'>
  /** Whether bytes came to a file a moment ago, as often as it is looked at. */
  readonly isWarm: (file: LogFile) => boolean
  /** Monotonic ms. */
  readonly clock: () => number
}

/** How often directories are asked for their mtime while their files are polled, a ms for each where they are many. */
const POLL_MS = 250

export class Unwatched {
  readonly #options: UnwatchedOptions
  #dueAt = 0

  constructor(options: UnwatchedOptions) {
    this.#options = options
  }

  /** Look at those in which names came or went, now and then. */
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

  /** Watch those again that have become quiet; what came before the watch is found by the look after it. */
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
