/**
 * inotify watches, one for each directory. Their events are hints to look or to read, and never relied on. When files get
 * thousands of lines a second, the events cost more than shipping the lines. A busy directory is therefore un-watched,
 * and its files are polled (schedule.ts); after a second of quiet it is watched again. When no watches are left, all files
 * are polled.
 */
import fs from 'node:fs'
import { basename } from 'node:path'
import { messageOf, systemCodeOf } from '../../errors.ts'
import type { Directory } from './directory.ts'

/** The time over which a directory's events are counted. */
const WINDOW_MS = 1000

/**
 * A directory is busy when it has more events in {@link WINDOW_MS} than half the polls that one busy file would have in
 * that time, and more than this. An event costs several times what a poll does.
 */
const BUSY_EVENTS = 5

/** Events allowed in addition for each file of the directory, since polling it means that quiet files are polled too. */
const BUSY_EVENTS_PER_FILE = 0.05

/** A directory with more events than this is busy, whatever the number of its files. */
const MOST_EVENTS = 400

/** Ms after which a watch that failed is tried again. */
const FAILED_MS = 30_000

export interface WatchesOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  /** The interval at which a busy file is polled, in ms. */
  readonly pollMs: number
  /** Called when the file of this name may have grown; null: anything in the directory may have changed. */
  changed(directory: Directory, name: string | null): void
  /** Called when names came or went. */
  renamed(directory: Directory): void
  /** Called when a directory cannot be watched; once for each directory. */
  unavailable(directory: Directory, reason: string): void
}

/** The watch of a directory, and the events that it had. */
interface Watch {
  watcher: fs.FSWatcher | null
  /** Monotonic ms at which the window of {@link events} began. */
  windowStart: number
  events: number
  /** Monotonic ms of the last failure; -Infinity when there was none. */
  failedAt: number
}

export class Watches {
  readonly #options: WatchesOptions
  readonly #watches = new Map<Directory, Watch>()

  constructor(options: WatchesOptions) {
    this.#options = options
  }

  /** Whether the directory has a watch now. */
  isWatched(directory: Directory): boolean {
    return (this.#watches.get(directory)?.watcher ?? null) !== null
  }

  /**
   * Watches a directory, unless it is watched; false when that is not possible. The caller has to look at the directory
   * afterwards: there are no events of changes that came before the watch.
   */
  arm(directory: Directory): boolean {
    let watch = this.#watches.get(directory)
    if (watch === undefined) {
      watch = { watcher: null, windowStart: 0, events: 0, failedAt: -Infinity }
      this.#watches.set(directory, watch)
    }
    // on a mount that can hang, events are not reliable, and the call that adds a watch can hang
    if (watch.watcher !== null) return true
    if (directory.volume.remote || this.#options.clock() - watch.failedAt < FAILED_MS) return false
    const armed = watch
    try {
      const path = Buffer.from(directory.path, 'latin1')
      const watcher = fs.watch(path, { encoding: 'buffer', persistent: false }, (event, name) =>
        this.#event(directory, armed, event, name),
      )
      watcher.on('error', (error) => {
        this.#fail(directory, armed, error)
        this.#options.changed(directory, null)
      })
      armed.watcher = watcher
      armed.events = 0
      return true
    } catch (error) {
      this.#fail(directory, armed, error)
      return false
    }
  }

  /** Removes the watch of a directory, if there is one. */
  disarm(directory: Directory): void {
    const watch = this.#watches.get(directory)
    watch?.watcher?.close()
    if (watch !== undefined) watch.watcher = null
  }

  /** Removes the watch of a directory that no longer exists, and all that is known of it. */
  forget(directory: Directory): void {
    this.disarm(directory)
    this.#watches.delete(directory)
  }

  /** Removes all watches. */
  close(): void {
    for (const directory of this.#watches.keys()) this.disarm(directory)
    this.#watches.clear()
  }

  #event(directory: Directory, watch: Watch, event: fs.WatchEventType, name: Buffer | null): void {
    if (watch.watcher === null) return
    const now = this.#options.clock()
    if (now - watch.windowStart > WINDOW_MS) {
      watch.windowStart = now
      watch.events = 0
    }
    if (event === 'rename' || name === null) this.#options.renamed(directory)
    if (event === 'change') this.#options.changed(directory, name?.toString('latin1') ?? null)
    // its own name in an event: the directory was removed or moved, and whatever is at the path now is not watched
    const isOver = event === 'rename' && name?.toString('latin1') === basename(directory.path)
    if (isOver || ++watch.events > this.#busyEvents(directory)) {
      this.disarm(directory)
      this.#options.changed(directory, null)
    }
  }

  /** The number of events in a window up to which the directory is not busy. */
  #busyEvents({ files }: Directory): number {
    const least = Math.max(BUSY_EVENTS, WINDOW_MS / this.#options.pollMs / 2)
    return Math.min(MOST_EVENTS, least + files.size * BUSY_EVENTS_PER_FILE)
  }

  #fail(directory: Directory, watch: Watch, error: unknown): void {
    watch.watcher?.close()
    watch.watcher = null
    const code = systemCodeOf(error) || messageOf(error)
    // discovery notices that a directory is gone
    if (code === 'ENOENT') return
    if (watch.failedAt === -Infinity) this.#options.unavailable(directory, code)
    watch.failedAt = this.#options.clock()
  }
}
