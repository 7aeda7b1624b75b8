/**
 * Files that cannot go on, each with what it waits for, in the order in which they came. Who waits is woken by exactly one
 * thing: one who waits for room by room for its partition, one who waits for a topic by that topic, one who is too far
 * ahead of its watermark by a receipt of its own, one who waits for a descriptor by one that comes free.
 *
 * Room is for one file at first: only when that has had its turn, and found room, is the next one of the same partition
 * woken, so that as many are woken as there is room for. One that found none keeps its place.
 *
 * A turn on a mount ends when the mount answers, which may be never. So files of a mount that has not answered are passed
 * over, those that were woken too, and keep their place until it has.
 */
import type { Obstacle } from '../../flow.ts'
import type { LogFile } from '../files/log-file.ts'

interface Waiting {
  readonly obstacle: Obstacle
  /** Where its next read began when it was woken; -1 while it is parked. */
  next: number
}

export interface ParkingOptions {
  /** Gives a file a turn; false if it can have none now. */
  readonly wake: (file: LogFile) => boolean
  /** The mount whose answer a turn of the file waits for, or would have to wait for; null if there is none. */
  readonly mountAwaitedBy: (file: LogFile) => string | null
}

export class Parking {
  readonly #options: ParkingOptions
  readonly #files = new Map<Obstacle, Set<LogFile>>()
  readonly #waiting = new Map<LogFile, Waiting>()
  readonly #tooFarAhead = new Set<LogFile>()
  /** What files wait for that were passed over, by the mount that has not answered. */
  readonly #passedOver = new Map<string, Set<Obstacle>>()

  constructor(options: ParkingOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#waiting.size + this.#tooFarAhead.size
  }

  /** What files wait for, the longest awaited first. It may change while it is gone through. */
  obstacles(): Iterable<Obstacle> {
    return [...this.#files.keys()]
  }

  isTooFarAhead(file: LogFile): boolean {
    return this.#tooFarAhead.has(file)
  }

  /** The file waits from now on. It comes first where it was woken and came no further, else last. */
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
    // it has got past what it was woken for: the next one may
    if (woken !== null && woken !== obstacle) this.wakeFirst(woken)
  }

  /** The file had a turn and does not wait: if it was woken, the next one may try. */
  went(file: LogFile): void {
    if ((this.#waiting.get(file)?.next ?? -1) >= 0) this.leave(file)
  }

  /** The file does not wait any more, whatever it waited for. */
  leave(file: LogFile): void {
    file.turn.parked = false
    const woken = this.#leave(file)
    // its turn would have woken the next one
    if (woken !== null) this.wakeFirst(woken)
  }

  /** One of the files that wait for this may try. */
  wakeFirst(obstacle: Obstacle): void {
    const { wake, mountAwaitedBy } = this.#options
    for (const file of this.#files.get(obstacle) ?? []) {
      const waiting = this.#waiting.get(file)
      if (waiting === undefined) return
      if (this.#isPassedOver(file, obstacle)) continue
      // it has its turn, and wakes the next one
      if (waiting.next >= 0) return
      waiting.next = file.next
      file.turn.parked = false
      if (!wake(file)) {
        waiting.next = -1
        this.#leave(file)
      } else if (mountAwaitedBy(file) === null) return
    }
  }

  /** Whether files were passed over for this mount: once it has answered, {@link answered} has to be called. */
  hasPassedOver(mount: string): boolean {
    return this.#passedOver.has(mount)
  }

  /** The mount has answered all that it was asked. */
  answered(mount: string): void {
    const obstacles = this.#passedOver.get(mount) ?? []
    this.#passedOver.delete(mount)
    for (const obstacle of obstacles) this.wakeFirst(obstacle)
  }

  /** Everyone who waits for something of this topic may try. */
  wakeAll(topic: string): void {
    for (const obstacle of this.obstacles()) {
      if (obstacle.topic !== topic) continue
      // one that is refused a turn may be parked again at once
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

  /** Returns what the file had been woken for, if it has not had its turn since. */
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
