/**
 * Which batches leave when, and together with which: a batch goes once it is full or has lingered; those for one broker
 * share a request, one batch a partition. What keeps a lane from sending ends in a call of {@link Dispatcher.look}, or
 * has an appointment in the timetable: a lane is looked at when something about it has changed, and never because
 * another one has something to do.
 */
import type { Batch } from './batch.ts'
import type { Lane } from './lane.ts'
import { TimerQueue } from './timer-queue.ts'
import type { Transport } from '../transport.ts'

export interface Shipment {
  readonly lane: Lane
  readonly batch: Batch
}

export interface DispatcherOptions {
  readonly transport: Pick<Transport, 'ready'>
  readonly lingerMs: number
  readonly now: () => number
  /** The lane's first record was refused for good and leaves now, if it can. */
  dropRefused(lane: Lane): void
  /** A lane without a leader. Returns when to look at it again, Infinity: when something changes. */
  leaderless(lane: Lane, now: number): number
  /** Whether the lane has a producer id. If not, it is looked at again once it has. */
  provideProducerId(lane: Lane): boolean
  /** Close the lane's open batch and make it ready; look at the lane once it is. */
  seal(lane: Lane): void
  /** One request. The batches must be in flight on return. */
  send(node: number, shipments: readonly Shipment[]): void
}

/** Timers may fire this much early. */
const TIMER_SLACK_MS = 1

/**
 * A broker forgets who has sent nothing for long (`producer.id.expiration.ms`, a day, but a setting), and the log of a
 * topic that was made anew meanwhile knows nobody; both take any sequence for the first. Of the new topic we hear only
 * minutes later. One batch alone costs a round trip, so we believe it as soon as there is time to make one.
 */
const FORGOTTEN_MS = 1_000

/** Bytes of a request, if it has more than one batch. A broker refuses requests of 100 MiB, by closing the connection. */
const REQUEST_BYTES = 8 * 1024 * 1024

export class Dispatcher {
  readonly #options: DispatcherOptions
  /** Lanes with anything open, waiting or in flight. */
  readonly #active = new Set<Lane>()
  /** Lanes to look at now. */
  readonly #todo = new Set<Lane>()
  /** Lanes to whose open batch something was appended since the last {@link looked}. */
  readonly #filled = new Set<Lane>()
  /** Lanes whose open batch does not linger any more. */
  readonly #ripe = new Set<Lane>()
  readonly #timers = new TimerQueue<Lane>()
  /** Lanes that wait for a broker, by its node id. */
  readonly #stranded = new Map<number, Set<Lane>>()
  readonly #drained: (() => void)[] = []
  #flushing = 0
  #hurried = false
  #kicked = false
  #stopped = false
  #timer: NodeJS.Timeout | null = null
  #timerAt = Infinity

  constructor(options: DispatcherOptions) {
    this.#options = options
  }

  /** Something about the lane has changed: look at it soon. */
  look(lane: Lane): void {
    this.#active.add(lane)
    this.#todo.add(lane)
    this.#kick()
  }

  /** Records were appended to the lane's open batch. */
  appended(lane: Lane): void {
    this.#active.add(lane)
    if (this.#flushing > 0 || this.#options.lingerMs <= 0) this.look(lane)
    else this.#filled.add(lane)
  }

  /**
   * All is appended for now. `isOver`: nothing more comes within the time that batches linger, so they leave; else they
   * linger. Has to follow every {@link appended}.
   */
  looked(isOver: boolean): void {
    if (this.#filled.size === 0) return
    for (const lane of this.#filled) {
      if (lane.open === null || lane.open.records === 0) continue
      if (isOver) {
        this.#ripe.add(lane)
        this.#todo.add(lane)
      } else this.#timers.set(lane, lane.open.openedAt + this.#options.lingerMs)
    }
    this.#filled.clear()
    if (isOver) this.#kick()
    else this.#arm()
  }

  /** A broker can be used again. */
  ready(node: number): void {
    const lanes = this.#stranded.get(node)
    if (lanes === undefined) return
    this.#stranded.delete(node)
    for (const lane of lanes) this.look(lane)
  }

  /** Memory is short: the batch that has been open longest goes out early, so that its buffer comes back. */
  hurry(): void {
    this.#hurried = true
    this.#kick()
  }

  /** Let nothing linger; resolves when all lanes are empty. */
  async flush(): Promise<void> {
    this.#flushing++
    for (const lane of this.#active) this.look(lane)
    while (this.#active.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve))
    this.#flushing--
  }

  stop(): void {
    this.#stopped = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #kick(): void {
    if (this.#kicked || this.#stopped) return
    this.#kicked = true
    setImmediate(() => {
      this.#kicked = false
      this.#pump()
    })
  }

  /** Send whatever may be sent now. */
  #pump(): void {
    if (this.#stopped) return
    const now = this.#options.now()
    if (this.#hurried) this.#sealOldest(now)
    for (const { who } of this.#timers.takeUntil(now + TIMER_SLACK_MS)) this.#todo.add(who)
    while (this.#todo.size > 0) {
      const lanes = [...this.#todo]
      this.#todo.clear()
      const loads = new Map<number, Shipment[]>()
      for (const lane of lanes) this.#load(loads, lane, this.#departing(lane, now, TIMER_SLACK_MS))
      if (loads.size > 0) this.#takeAlong(loads, now)
      for (const [node, shipments] of loads) {
        for (const request of inRequests(shipments)) this.#options.send(node, request)
        // they may have more to send
        for (const { lane } of shipments) this.#todo.add(lane)
      }
    }
    this.#arm()
    if (this.#active.size === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }

  #load(loads: Map<number, Shipment[]>, lane: Lane, batch: Batch | null): void {
    if (batch === null) return
    const others = loads.get(lane.leader)
    if (others === undefined) loads.set(lane.leader, [{ lane, batch }])
    else others.push({ lane, batch })
  }

  /** Batches that have lingered for half their time go along with what leaves for the same broker anyway. */
  #takeAlong(loads: Map<number, Shipment[]>, now: number): void {
    const early = this.#options.lingerMs / 2
    const loaded = new Set<Lane>()
    for (const shipments of loads.values()) for (const { lane } of shipments) loaded.add(lane)
    for (const { who: lane, at } of this.#timers.takeUntil(now + early)) {
      if (loads.has(lane.leader) && !loaded.has(lane)) this.#load(loads, lane, this.#departing(lane, now, early))
      else this.#timers.set(lane, at)
    }
  }

  /** The batch that leaves now, or null; then something is sure to bring the lane here again if it has to come. */
  #departing(lane: Lane, now: number, early: number): Batch | null {
    this.#options.dropRefused(lane)
    if (!this.#maySend(lane, now) || !this.#options.provideProducerId(lane)) return null
    const { sequence } = lane
    // After a move of the leader, what is on its way to the old one is waited for: the order is safe then even where the
    // new one does not know our producer id.
    if (sequence.inFlight > 0 && lane.node !== lane.leader) return null
    if (sequence.inFlight === 0 && now - lane.storedAt > FORGOTTEN_MS) sequence.doubt()
    let batch = sequence.next(lane.queue)
    if (batch === null && !this.#isOpenDue(lane, now, early)) return null
    if (!this.#isReady(lane)) return null
    if (batch === null) {
      this.#ripe.delete(lane)
      this.#options.seal(lane)
      batch = sequence.next(lane.queue)
    }
    return batch
  }

  /** Whether it has anything to send, somebody to send it to, and is not to wait after a failure. */
  #maySend(lane: Lane, now: number): boolean {
    if (lane.leader < 0) this.#timers.set(lane, this.#options.leaderless(lane, now))
    if (lane.idle) this.#active.delete(lane)
    else if (lane.leader >= 0 && lane.retryAt > now) this.#timers.set(lane, lane.retryAt)
    return !lane.idle && lane.leader >= 0 && lane.retryAt <= now
  }

  #isOpenDue(lane: Lane, now: number, early: number): boolean {
    const { open } = lane
    if (open === null || open.records === 0 || !lane.sequence.hasRoom(lane.queue)) return false
    const dueAt = open.openedAt + this.#options.lingerMs
    if (this.#flushing > 0 || this.#ripe.has(lane) || now + early >= dueAt) return true
    this.#timers.set(lane, dueAt)
    return false
  }

  #isReady(lane: Lane): boolean {
    const { leader } = lane
    const ready = this.#options.transport.ready(leader)
    lane.isReachable = ready
    if (ready) return true
    const others = this.#stranded.get(leader)
    if (others === undefined) this.#stranded.set(leader, new Set([lane]))
    else others.add(lane)
    return false
  }

  #sealOldest(now: number): void {
    this.#hurried = false
    let oldest: Lane | null = null
    let openedAt = Infinity
    for (const lane of this.#active) {
      const { open } = lane
      if (open === null || open.records === 0 || open.openedAt >= openedAt) continue
      if (lane.leader < 0 || lane.retryAt > now || !lane.sequence.hasRoom(lane.queue)) continue
      if (!this.#options.transport.ready(lane.leader)) continue
      oldest = lane
      openedAt = open.openedAt
    }
    if (oldest === null) return
    this.#options.seal(oldest)
    this.#todo.add(oldest)
  }

  #arm(): void {
    const at = this.#timers.next
    if (at >= this.#timerAt || this.#stopped) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#timerAt = Infinity
        // not here: what is read by timers of the same moment goes along
        this.#kick()
      },
      Math.max(1, Math.ceil(at - this.#options.now())),
    )
  }
}

/** In parts that a broker takes. */
function inRequests(shipments: readonly Shipment[]): readonly (readonly Shipment[])[] {
  const requests: Shipment[][] = []
  let bytes = Infinity
  for (const shipment of shipments) {
    bytes += shipment.batch.wireBytes
    if (bytes > REQUEST_BYTES) {
      requests.push([])
      bytes = shipment.batch.wireBytes
    }
    requests.at(-1)!.push(shipment)
  }
  return requests
}
