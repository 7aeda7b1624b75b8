/**
 * inotify, as a wake-up and never as the truth. One watch a directory. A watch costs more than shipping once files are
 * written by the thousand lines a second, so a busy directory is un-watched and its files are polled (schedule.ts);
 * after a second of quiet it is watched again. Where there are no watches left, everything is polled.
 */
import fs from 'node:fs'
import { basename } from 'node:path'
import { messageOf, systemCodeOf } from '../../errors.ts'
import type { Directory } from './directory.ts'

/**
 * An event costs several times what a poll does. A directory is busy when it has more events in a second than half the
 * polls that its one busy file would have then, at least so many; those of its files that are quiet are polled too, which
 * is worth so many more events for each of them.
 */
const WINDOW_MS = 1000
const BUSY_EVENTS = 5
const BUSY_EVENTS_PER_FILE = 0.05
const MOST_EVENTS = 400

/** A watch that could not be had is asked for again after so long. */
const FAILED_MS = 30_000

export interface WatchesOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  /** How often a busy file is polled, ms. */
  readonly pollMs: number
  /** A file in it may have grown; null: anything may have happened. */
  changed(directory: Directory, name: string | null): void
  /** Names came or went. */
  renamed(directory: Directory): void
  /** No watch can be had (told once a directory). */
  unavailable(directory: Directory, reason: string): void
}

interface Watch {
  watcher: fs.FSWatcher | null
  windowStart: number
  events: number
  failedAt: number
}

export class Watches {
  readonly #options: WatchesOptions
  readonly #watches = new Map<Directory, Watch>()

  constructor(options: WatchesOptions) {
    this.#options = options
  }

  isWatched(directory: Directory): boolean {
    return (this.#watches.get(directory)?.watcher ?? null) !== null
  }

  /**
   * Watch a directory; false when it cannot be. The caller looks at it afterwards: what came before the watch tells
   * nobody.
   */
  arm(directory: Directory): boolean {
    let watch = this.#watches.get(directory)
    if (watch === undefined) {
      watch = { watcher: null, windowStart: 0, events: 0, failedAt: -Infinity }
      this.#watches.set(directory, watch)
    }
    // a mount that can hang gives no reliable wake-ups either, and asking for one can hang too
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

  disarm(directory: Directory): void {
    const watch = this.#watches.get(directory)
    watch?.watcher?.close()
    if (watch !== undefined) watch.watcher = null
  }

  forget(directory: Directory): void {
    this.disarm(directory)
    this.#watches.delete(directory)
  }

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
    // its own name: it was removed or moved, and the watch with it, whatever is at the path now
    const isOver = event === 'rename' && name?.toString('latin1') === basename(directory.path)
    if (isOver || ++watch.events > this.#busyEvents(directory)) {
      this.disarm(directory)
      this.#options.changed(directory, null)
    }
  }

  #busyEvents({ files }: Directory): number {
    const least = Math.max(BUSY_EVENTS, WINDOW_MS / this.#options.pollMs / 2)
    return Math.min(MOST_EVENTS, least + files.size * BUSY_EVENTS_PER_FILE)
  }

  #fail(directory: Directory, watch: Watch, error: unknown): void {
    watch.watcher?.close()
    watch.watcher = null
    const code = systemCodeOf(error) || messageOf(error)
    // a directory that is gone is discovery's affair
    if (code === 'ENOENT') return
    if (watch.failedAt === -Infinity) this.#options.unavailable(directory, code)
    watch.failedAt = this.#options.clock()
  }
}
