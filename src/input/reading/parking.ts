/**
 * Files that cannot go on, each with the obstacle that it waits for, in the order in which they came. Exactly one thing wakes
 * a file: room for its partition, its topic, a descriptor that comes free or, if it is too far ahead of its watermark, a
 * receipt of its own.
 *
 * Room wakes one file at first. Only when that file has had its turn and found room is the next one of the same partition
 * woken, so that no more files are woken than there is room for. A file that found none keeps its place.
 *
 * A turn on a mount ends when the mount answers, which may be never. So files of a mount that has not answered are passed
 * over, even if they were woken, and keep their place until it has answered.
 */
import type { Obstacle } from '../../flow.ts'
import type { LogFile } from '../files/log-file.ts'

interface Waiting {
  readonly obstacle: Obstacle
  /** Where its next read began when it was woken; -1 while it is parked. */
  next: number
}

export interface ParkingOptions {
  /** Give a file a turn. False if it can have none now. */
  readonly wake: (file: LogFile) => boolean
  /** The mount that has to answer before a turn of the file can end; null if there is none. */
  readonly mountAwaitedBy: (file: LogFile) => string | null
}

export class Parking {
  readonly #options: ParkingOptions
  readonly #files = new Map<Obstacle, Set<LogFile>>()
  readonly #waiting = new Map<LogFile, Waiting>()
  readonly #tooFarAhead = new Set<LogFile>()
  /** By mount that has not answered: the obstacles of its files that were passed over. */
  readonly #passedOver = new Map<string, Set<Obstacle>>()

  constructor(options: ParkingOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#waiting.size + this.#tooFarAhead.size
  }

  /** The obstacles that files wait for, the longest awaited first. Files may come and go while it is iterated. */
  obstacles(): Iterable<Obstacle> {
    return [...this.#files.keys()]
  }

  isTooFarAhead(file: LogFile): boolean {
    return this.#tooFarAhead.has(file)
  }

  /** Let the file wait from now on. If it was woken and came no further, it keeps its place; else it is the last. */
  park(file: LogFile, obstacle: Obstacle | 'unacknowledged'): void {
    file.turn.parked = true
    if (obstacle === 'unacknowledged') {
      const woken = this.#leave(file)
      this.#tooFarAhead.add(file)
      if (woken !== null) this.wakeFirst(woken)
      return
    }
    const before = this.#waiting.get(file)
    if (before?.obstacle === obstacle && before.next === file.next) {
      before.next = -1
      return
    }
    const woken = this.#leave(file)
    const files = this.#files.get(obstacle)
    if (files === undefined) this.#files.set(obstacle, new Set([file]))
    else files.add(file)
    this.#waiting.set(file, { obstacle, next: -1 })
    // it has passed the obstacle that it was woken for, so the next file may try
    if (woken !== null && woken !== obstacle) this.wakeFirst(woken)
  }

  /** The file had a turn and does not wait. If it was woken before, the next file may try. */
  went(file: LogFile): void {
    if ((this.#waiting.get(file)?.next ?? -1) >= 0) this.leave(file)
  }

  /** The file does not wait any more, whatever it waited for. */
  leave(file: LogFile): void {
    file.turn.parked = false
    const woken = this.#leave(file)
    // the turn that it now does not have would have woken the next file
    if (woken !== null) this.wakeFirst(woken)
  }

  /** Wake one of the files that wait for this obstacle. */
  wakeFirst(obstacle: Obstacle): void {
    const { wake, mountAwaitedBy } = this.#options
    for (const file of this.#files.get(obstacle) ?? []) {
      const waiting = this.#waiting.get(file)
      if (waiting === undefined) return
      if (this.#isPassedOver(file, obstacle)) continue
      // it is about to have its turn, and wakes the next one then
      if (waiting.next >= 0) return
      waiting.next = file.next
      file.turn.parked = false
      if (!wake(file)) {
        waiting.next = -1
        this.#leave(file)
      } else if (mountAwaitedBy(file) === null) return
    }
  }

  /** Whether files of this mount were passed over. If so, {@link answered} has to be called when it has answered. */
  hasPassedOver(mount: string): boolean {
    return this.#passedOver.has(mount)
  }

  /** The mount has answered all calls: its files need not be passed over any more. */
  answered(mount: string): void {
    const obstacles = this.#passedOver.get(mount) ?? []
    this.#passedOver.delete(mount)
    for (const obstacle of obstacles) this.wakeFirst(obstacle)
  }

  /** Wake all files that wait for an obstacle of this topic. */
  wakeAll(topic: string): void {
    for (const obstacle of this.obstacles()) {
      if (obstacle.topic !== topic) continue
      // a copy of the set: a file that is refused a turn may be parked again at once
      for (const file of Array.from(this.#files.get(obstacle) ?? [])) {
        this.#leave(file)
        file.turn.parked = false
        this.#options.wake(file)
      }
    }
  }

  #isPassedOver(file: LogFile, obstacle: Obstacle): boolean {
    const mount = this.#options.mountAwaitedBy(file)
    if (mount === null) return false
    const obstacles = this.#passedOver.get(mount) ?? new Set()
    this.#passedOver.set(mount, obstacles.add(obstacle))
    return true
  }

  /** Returns the obstacle that the file was woken for, if it has not had its turn since. */
  #leave(file: LogFile): Obstacle | null {
    this.#tooFarAhead.delete(file)
    const waiting = this.#waiting.get(file)
    if (waiting === undefined) return null
    const { obstacle, next } = waiting
    this.#waiting.delete(file)
    const files = this.#files.get(obstacle)
    files?.delete(file)
    if (files?.size === 0) this.#files.delete(obstacle)
    return next >= 0 ? obstacle : null
  }
}
