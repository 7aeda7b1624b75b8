/**
 * Whose turn it is. Files with something to read stand in a queue. Each has one turn and goes to the end again, so that no
 * file waits for another's backlog. Files that cannot go on are parked (parking.ts) until their obstacle is gone. polling.ts
 * decides when to look at a file that may have something to read.
 *
 * There is one loop for all local files, whose reads are synchronous, and one for each mount whose calls can hang.
 */
import type { Obstacle } from '../../flow.ts'
import type { LogFile } from '../files/log-file.ts'
import { Parking } from './parking.ts'
import { Polling } from './polling.ts'
import { deviceOf } from '../volume/volume.ts'

/**
 * How a turn ended. more: there may be more to read at once. idle: the file is at its end. later: try again at the next
 * poll. unacknowledged: the file is too far ahead of its watermark, and parked until {@link Schedule.acknowledged}. An
 * obstacle: the file is parked until that is gone.
 */
export type TurnEnd = 'more' | 'idle' | 'later' | 'unacknowledged' | Obstacle

export interface ScheduleOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  /** The least time from one look at files that are being written to the next; ms. */
  readonly pollMs: number
  /** Give a file one turn. Synchronous where the file's volume is. Must not throw. */
  turn(file: LogFile): TurnEnd | Promise<TurnEnd>
  /** Whether the file has no watch, so that it has to be polled. */
  readonly isPolled: (file: LogFile) => boolean
  /**
   * Files have had turns. `isOver`: no file waits for a turn, so that nothing comes for a while; else others are about to
   * have theirs.
   */
  looked(isOver: boolean): void
  /** The file is at its end, or parked, for now. */
  rests?(file: LogFile): void
  /** Called at every poll: directories without a watch should be looked at too. */
  readonly polling: () => void
}

/**
 * How many turns are taken before the event loop goes round: turns that did not reach the end of their file, and all turns.
 * Sockets must not wait for a backlog, and many files with a line each must not cost a round of the loop each.
 */
const LONG_TURNS_IN_A_ROW = 4
const TURNS_IN_A_ROW = 64

export class Schedule {
  readonly #options: ScheduleOptions
  readonly #local = new Queue()
  readonly #remote = new Map<string, Queue>()
  readonly #parking = new Parking({
    wake: (file) => this.wake(file),
    mountAwaitedBy: (file) => this.#mountAwaitedBy(file),
  })
  readonly #polling: Polling
  /** Files whose last turn ended with 'later': they could not be opened, judged or read. */
  readonly #postponed = new Set<LogFile>()
  #next: NodeJS.Immediate | null = null
  #stopped = false
  /** The number of asynchronous turns under way, and of those among them that are of local files. */
  #busy = 0
  #busyLocal = 0
  #idle: (() => void)[] = []

  constructor(options: ScheduleOptions) {
    this.#options = options
    const { clock, pollMs, isPolled, polling } = options
    this.#polling = new Polling({
      clock,
      pollMs,
      isPolled,
      polling,
      wake: (file) => this.wake(file),
      takeTurns: () => this.#takeTurns(),
    })
  }

  /**
   * The file may have something to read. Cheap, and without effect if it is queued or parked already. True if it is going to
   * have a turn.
   */
  wake(file: LogFile): boolean {
    if (file.turn.queued) return true
    if (file.parked || file.finished || !file.life.admitted || file.isOver || this.#stopped) return false
    file.turn.queued = true
    if (file.volume.remote) this.#wakeRemote(file)
    else {
      this.#local.push(file)
      this.#run()
    }
    return true
  }

  /** The obstacles that parked files wait for, the longest awaited first. */
  obstacles(): Iterable<Obstacle> {
    return this.#parking.obstacles()
  }

  /** The obstacle is gone for now: the files that wait for it may try, one after another. */
  unblock(obstacle: Obstacle): void {
    this.#parking.wakeFirst(obstacle)
  }

  /** A topic has changed: all files that wait for something of it may try. */
  topicChanged(topic: string): void {
    this.#parking.wakeAll(topic)
  }

  /** The file is not too far ahead of its watermark any more. */
  acknowledged(file: LogFile): void {
    if (this.#parking.isTooFarAhead(file)) this.resume(file)
  }

  /** This one file may go on, whatever it waits for. */
  resume(file: LogFile): void {
    this.#parking.leave(file)
    this.wake(file)
  }

  get parkedFiles(): number {
    return this.#parking.count
  }

  /** Whether no file has a turn, waits for one, is parked, or was postponed with something to read. */
  get quiet(): boolean {
    for (const file of this.#postponed) if (file.next < file.size) return false
    return this.#local.length === 0 && this.#remote.size === 0 && this.#busy === 0 && this.parkedFiles === 0
  }

  /** Something happened to the file: it has its turn with the next beat. */
  notice(file: LogFile): void {
    if (!file.turn.queued && !file.parked) this.#polling.notice(file)
  }

  /** Whether the file had bytes a moment ago, measured by how often it is looked at. */
  isWarm(file: LogFile): boolean {
    return this.#polling.isWarm(file)
  }

  /** Poll this file from now on, until it turns out to have a watch. */
  poll(file: LogFile): void {
    this.#polling.poll(file)
  }

  forget(file: LogFile): void {
    this.#polling.forget(file)
    this.#postponed.delete(file)
    // the file may come back, and must not be parked then
    this.#parking.leave(file)
  }

  /** No more turns. Resolves when no turn of a local file is under way; a mount that hangs is not waited for. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#polling.stop()
    if (this.#busyLocal > 0) await new Promise<void>((resolve) => this.#idle.push(resolve))
  }

  // -- turns ----------------------------------------------------------------------------------------------------------

  #run(): void {
    if (this.#next === null) this.#next = setImmediate(() => this.#takeTurns())
  }

  #takeTurns(): void {
    let long = 0
    for (let i = 0; i < TURNS_IN_A_ROW && long < LONG_TURNS_IN_A_ROW && !this.#stopped; i++) {
      const file = this.#local.shift()
      if (file === undefined) break
      file.turn.queued = false
      const turn = this.#options.turn(file)
      // an asynchronous turn counts as long, since it opens a file: many at once would take many descriptors
      if (turn !== 'idle') long++
      if (!(turn instanceof Promise)) this.#after(file, turn)
      else void this.#awaitTurn(file, turn)
    }
    if (this.#next !== null) clearImmediate(this.#next)
    this.#next = null
    if (this.#stopped) return
    const isOver = this.#local.length === 0
    if (!isOver) this.#run()
    this.#options.looked(isOver)
  }

  #mountAwaitedBy(file: LogFile): string | null {
    if (!file.volume.remote) return null
    const mount = deviceOf(file.key)
    return this.#remote.has(mount) ? mount : null
  }

  #wakeRemote(file: LogFile): void {
    const mount = deviceOf(file.key)
    let queue = this.#remote.get(mount)
    if (queue !== undefined) {
      queue.push(file)
      return
    }
    queue = new Queue()
    queue.push(file)
    this.#remote.set(mount, queue)
    void this.#runRemote(mount, queue)
  }

  async #runRemote(mount: string, queue: Queue): Promise<void> {
    for (let file = queue.shift(); file !== undefined && !this.#stopped; file = queue.shift()) {
      file.turn.queued = false
      const turn = this.#options.turn(file)
      // not awaited, since the obstacle that it waits for may be gone before the next microtask
      if (!(turn instanceof Promise)) this.#after(file, turn)
      else await this.#awaitTurn(file, turn)
    }
    this.#remote.delete(mount)
    // not at once, since one of its files may be in the middle of being woken
    if (this.#parking.hasPassedOver(mount)) setImmediate(() => this.#parking.answered(mount))
  }

  async #awaitTurn(file: LogFile, turn: TurnEnd | Promise<TurnEnd>): Promise<void> {
    const local = file.volume.remote ? 0 : 1
    this.#busy++
    this.#busyLocal += local
    const result = await turn
    this.#busy--
    this.#busyLocal -= local
    if (!this.#stopped) {
      this.#after(file, result)
      this.#options.looked(this.#local.length === 0)
    }
    if (this.#busyLocal === 0) for (const resolve of this.#idle.splice(0)) resolve()
  }

  #after(file: LogFile, turn: TurnEnd): void {
    // it was lost or cut while it had its turn
    if (file.isOver) {
      this.forget(file)
      return
    }
    if (turn !== 'later') this.#postponed.delete(file)
    if (typeof turn === 'object' || turn === 'unacknowledged') {
      this.#parking.park(file, turn)
      this.#options.rests?.(file)
      return
    }
    this.#parking.went(file)
    switch (turn) {
      case 'more':
        this.wake(file)
        return
      case 'later':
        this.#postponed.add(file)
        this.poll(file)
        return
      case 'idle':
        if (this.#options.isPolled(file)) this.poll(file)
        this.#options.rests?.(file)
    }
  }
}

/** First in, first out, without moving the files that wait. */
class Queue {
  #files: (LogFile | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#files.length - this.#head
  }

  push(file: LogFile): void {
    this.#files.push(file)
  }

  shift(): LogFile | undefined {
    const file = this.#files[this.#head]
    if (file === undefined) return undefined
    this.#files[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#files.length) {
      this.#files = this.#files.slice(this.#head)
      this.#head = 0
    }
    return file
  }
}
