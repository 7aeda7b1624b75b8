/**
 * When directories are looked at: one look at a directory at a time, another one after it if a look was requested
 * meanwhile, and a rest after looks that take long. What a look does is in discover.ts.
 */
import type { Directory } from './directory.ts'

export interface LooksOptions {
  /** Looks at a directory once. Never rejects. */
  readonly lookOnce: (directory: Directory) => Promise<void>
  /** Whether the directory has not been left since. */
  readonly isKnown: (directory: Directory) => boolean
  /** Monotonic ms. */
  readonly clock: () => number
}

export class Looks {
  readonly #options: LooksOptions
  readonly #running = new Map<Directory, Promise<void>>()
  readonly #resting = new Map<Directory, NodeJS.Timeout>()
  #stopped = false

  constructor(options: LooksOptions) {
    this.#options = options
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  /** Whether the directory is being looked at. */
  isRunning(directory: Directory): boolean {
    return this.#running.has(directory)
  }

  /**
   * Looks at a directory now; while a look runs, once more after it. Resolves when that is done. A directory that rests is
   * looked at when its rest is over, which is not waited for.
   */
  at(directory: Directory): Promise<void> {
    const running = this.#running.get(directory)
    if (running !== undefined) {
      directory.lookAgain = true
      return running
    }
    if (this.#stopped) return Promise.resolve()
    const rest = directory.notBefore - this.#options.clock()
    if (rest > 0) {
      directory.mtimeMs = -1
      this.#after(rest, directory)
      return Promise.resolve()
    }
    const look = this.#untilDone(directory)
    this.#running.set(directory, look)
    return look
  }

  async #untilDone(directory: Directory): Promise<void> {
    do {
      directory.lookAgain = false
      await this.#options.lookOnce(directory)
    } while (directory.lookAgain && !this.#stopped)
    this.#running.delete(directory)
  }

  /** Names came or went during a rest. The next tick would be too late: a file may live for less than one. */
  #after(ms: number, directory: Directory): void {
    if (this.#resting.has(directory)) return
    const timer = setTimeout(() => {
      this.#resting.delete(directory)
      if (this.#options.isKnown(directory)) void this.at(directory)
    }, ms)
    this.#resting.set(directory, timer.unref())
  }

  /** Cancels the looks that are to follow rests. */
  cancelRests(): void {
    for (const timer of this.#resting.values()) clearTimeout(timer)
    this.#resting.clear()
  }

  /** Begins no more looks. */
  stop(): void {
    this.#stopped = true
    this.cancelRests()
  }
}
