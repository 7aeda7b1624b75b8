/**
 * Decides which batches are sent when, and with which others in one request: a batch is sent once it is full or has
 * lingered; the batches for one broker share a request, one batch a partition. Every reason that keeps a lane from
 * sending ends with a call of {@link Dispatcher.look}, or has a time in the timer queue: a lane is looked at when
 * something about it has changed, and never because another lane has something to send.
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
  /** Drops the lane's first record, if it was refused for good and nothing is in flight. */
  dropRefused(lane: Lane): void
  /**
   * Called for a lane without a leader. Returns when to look at it again; Infinity: when something about it changes.
   */
  leaderless(lane: Lane, now: number): number
  /** Whether the lane has a producer id. If it has none, {@link Dispatcher.look} is called once it has. */
  provideProducerId(lane: Lane): boolean
  /** Seals the lane's open batch, and calls {@link Dispatcher.look} once the batch is ready. */
  seal(lane: Lane): void
  /** Sends one request. The batches must be in flight on return. */
  send(node: number, shipments: readonly Shipment[]): void
}

/** Timers may fire this many milliseconds early. */
const TIMER_SLACK_MS = 1

/**
 * After this time without a stored batch the broker may not know our producer id any more, and the next batch is sent
 * alone. A broker forgets a producer that has sent nothing for long (`producer.id.expiration.ms`, a day by default),
 * and the log of a topic that was created anew knows no producers; in both cases any sequence is taken for the first.
 * We learn about a new topic only minutes later. A batch sent alone costs one round trip, which does not matter when
 * nothing was stored for a second.
 */
const FORGOTTEN_MS = 1_000

/** Bytes of a request with more than one batch. A broker refuses requests of 100 MiB by closing the connection. */
const REQUEST_BYTES = 8 * 1024 * 1024

export class Dispatcher {
  readonly #options: DispatcherOptions
  /** Lanes with records that are open, waiting or in flight. */
  readonly #active = new Set<Lane>()
  /** Lanes to look at now. */
  readonly #todo = new Set<Lane>()
  /** Lanes whose open batch got records since the last {@link looked}. */
  readonly #filled = new Set<Lane>()
  /** Lanes whose open batch does not linger any longer. */
  readonly #ripe = new Set<Lane>()
  readonly #timers = new TimerQueue<Lane>()
  /** Lanes that wait until a broker can be used, by its node id. */
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
   * Everything that was read is appended for now. `isOver`: no more lines come within the time that batches linger, so
   * they are sent now; otherwise they linger. Has to follow every {@link appended}.
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

  /** A broker can be used now. */
  ready(node: number): void {
    const lanes = this.#stranded.get(node)
    if (lanes === undefined) return
    this.#stranded.delete(node)
    for (const lane of lanes) this.look(lane)
  }

  /** Memory is short: send the batch that has been open longest early, so that its buffer is released. */
  hurry(): void {
    this.#hurried = true
    this.#kick()
  }

  /** Lets no batch linger any longer; resolves when all lanes are empty. */
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

  /** Sends all batches that may be sent now. */
  #pump(): void {
    if (this.#stopped) return
    const now = this.#options.now()
    if (this.#hurried) this.#sealOldest(now)
    for (const { item } of this.#timers.takeUntil(now + TIMER_SLACK_MS)) this.#todo.add(item)
    while (this.#todo.size > 0) {
      const lanes = [...this.#todo]
      this.#todo.clear()
      const loads = new Map<number, Shipment[]>()
      for (const lane of lanes) this.#load(loads, lane, this.#departing(lane, now, TIMER_SLACK_MS))
      if (loads.size > 0) this.#takeAlong(loads, now)
      for (const [node, shipments] of loads) {
        for (const request of inRequests(shipments)) this.#options.send(node, request)
        // these lanes may have more to send
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

  /** Adds the batches that have lingered for half their time to the requests that are sent to their brokers anyway. */
  #takeAlong(loads: Map<number, Shipment[]>, now: number): void {
    const early = this.#options.lingerMs / 2
    const loaded = new Set<Lane>()
    for (const shipments of loads.values()) for (const { lane } of shipments) loaded.add(lane)
    for (const { item: lane, at } of this.#timers.takeUntil(now + early)) {
      if (loads.has(lane.leader) && !loaded.has(lane)) this.#load(loads, lane, this.#departing(lane, now, early))
      else this.#timers.set(lane, at)
    }
  }

  /** The batch to send now, or null. If null, the lane is looked at again when that may have changed. */
  #departing(lane: Lane, now: number, early: number): Batch | null {
    this.#options.dropRefused(lane)
    if (!this.#maySend(lane, now) || !this.#options.provideProducerId(lane)) return null
    const { sequence } = lane
    // When the leader has moved, the lane waits until nothing is in flight to the old one: then the order is kept even
    // where the new leader does not know our producer id.
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

  /** Whether the lane has something to send, has a leader, and does not back off after a failure. */
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
        // not here: lines that timers of the same moment read are sent with it
        this.#kick()
      },
      Math.max(1, Math.ceil(at - this.#options.now())),
    )
  }
}

/** The shipments in groups of {@link REQUEST_BYTES} at most. */
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
