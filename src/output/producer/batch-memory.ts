/**
 * How the buffers of the pool are divided among the lanes. Each lane has a quota:
 * - a quota may hold a quarter of the pool at most, so that one partition cannot starve the others;
 * - where two brokers lead lanes, the quotas of one broker's lanes may hold half of the pool together; with more
 *   brokers, a third: a broker that does not respond any more must not have all memory before that is noticed. But a
 *   quota that holds nothing may have what its next record needs;
 * - one small buffer is kept back for every lane that has a leader and holds nothing, so that a quiet file never waits
 *   for the backlog of a busy one; and one large buffer, in a pool of at least a few, for a lane that comes later;
 * - lanes that cannot store anything now (no leader, broker unreachable, backing off) get no more once they hold half
 *   of the pool together: four of them would be enough to hold all of it for as long as their broker is down.
 *
 * Memory that the input borrows for reads that may never return has quotas too: read-memory.ts.
 *
 * After a buffer was refused, `onFree` is called when something changes that may help: {@link BatchMemory.turnedAway}.
 */
import { SMALL } from '../../kernel/layout.ts'
import type { BufferPool, PooledBuffer, SizeClass } from '../../kernel/pool.ts'

/**
 * Why a buffer is refused. own: this quota, or the stalled ones together, hold as much as they may; broker: the lanes
 * of its broker do; short: the pool has no buffer to spare.
 */
type Refusal = 'own' | 'broker' | 'short'

/** The pool is divided into at most this many parts for brokers. */
const MOST_PARTS = 3

/** A pool of at least this many large buffers keeps one for a quota that holds nothing. */
const LEAST_TO_SPARE = 4

export class BatchMemory {
  readonly pool: BufferPool
  readonly #onFree: () => void
  #waiting = false
  /** How many quotas hold nothing and have a leader. */
  #quiet = 0
  #stalledBytes = 0
  /** How many quotas of lanes that a broker leads there are, and what they hold, by its node id. */
  readonly #brokers = new Map<number, { quotas: number; bytes: number }>()

  /**
   * `onFree` is called once after {@link turnedAway}, as soon as another attempt makes sense; it must not take a
   * buffer.
   */
  constructor(pool: BufferPool, onFree: () => void) {
    this.pool = pool
    this.#onFree = onFree
  }

  quota(): Quota {
    return new Quota(this)
  }

  /** A buffer was refused, for whatever reason, and somebody waits for it. */
  turnedAway(): void {
    this.#waiting = true
  }

  /**
   * Why the quota may not have a buffer of the class; null: it may have one. `back`: bytes that it gives back for it;
   * `needed`: no smaller buffer would do. For {@link Quota}.
   */
  refusal(quota: Quota, sizeClass: SizeClass, { back, needed }: { back: number; needed: boolean }): Refusal | null {
    const { total, sizes, freeBytes } = this.pool
    const more = sizes[sizeClass] - back
    // a quota that holds nothing else may have any: the largest record must find a buffer, however small the pool is
    const only = quota.heldBytes === back
    if (!only && quota.heldBytes + more > total / 4) return 'own'
    // this buffer was kept back for it
    if (only && sizeClass === 'small') return null
    if (quota.stalled && this.#stalledBytes + more > total / 2) return 'own'
    const ofBroker = (this.#brokers.get(quota.leader)?.bytes ?? 0) + more
    if (!(only && needed) && ofBroker > total / Math.min(this.#brokers.size, MOST_PARTS)) return 'broker'
    const others = this.#quiet - (quota.quiet ? 1 : 0)
    // a partition that comes later, or has a large record next, must not wait for those that cannot store anything
    const spare = only || total < LEAST_TO_SPARE * sizes.large ? 0 : sizes.large
    // with more partitions than the pool has small buffers, no buffer would ever be given out
    const keptBack = Math.min(others * SMALL + spare, total / 2, only ? total - sizes[sizeClass] : total)
    return freeBytes - more >= keptBack ? null : 'short'
  }

  /** Adds a quota to the counts (1), or takes it out before it changes (-1). For {@link Quota}. */
  count(quota: Quota, sign: 1 | -1): void {
    if (quota.quiet) this.#quiet += sign
    if (quota.stalled) this.#stalledBytes += sign * quota.heldBytes
    if (quota.leader < 0) return
    const broker = this.#brokers.get(quota.leader) ?? { quotas: 0, bytes: 0 }
    broker.quotas += sign
    broker.bytes += sign * quota.heldBytes
    if (broker.quotas > 0) this.#brokers.set(quota.leader, broker)
    else this.#brokers.delete(quota.leader)
  }

  /** Memory that was held, or kept back, may be free now. */
  freed(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#onFree()
  }
}

interface TakeSettings {
  readonly instead?: PooledBuffer
  readonly needed?: boolean
}

/** The buffers that one lane holds, and the state that decides whether it may have more. */
export class Quota {
  readonly #memory: BatchMemory
  #heldBytes = 0
  #leader = -1
  #stalled = false
  #refusal: Refusal | null = null

  constructor(memory: BatchMemory) {
    this.#memory = memory
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get stalled(): boolean {
    return this.#stalled
  }

  /** Why the last {@link take} was refused; null when it was not. */
  get refusal(): Refusal | null {
    return this.#refusal
  }

  /** Whether one small buffer is kept back for it. */
  get quiet(): boolean {
    return this.#leader >= 0 && this.#heldBytes === 0
  }

  /** Node id of the lane's leader, -1 where it has none. */
  get leader(): number {
    return this.#leader
  }

  set leader(leader: number) {
    if (leader === this.#leader) return
    this.#change(() => (this.#leader = leader))
    this.#memory.freed()
  }

  /** Whether the lane cannot store anything now. */
  set stalled(stalled: boolean) {
    if (stalled === this.#stalled) return
    this.#change(() => (this.#stalled = stalled))
    if (!stalled) this.#memory.freed()
  }

  /**
   * A buffer of the class, or null when the quota may have none now. `instead`: a buffer that is given back for it;
   * `needed`: no smaller buffer would do.
   */
  take(sizeClass: SizeClass, { instead, needed = false }: TakeSettings = {}): PooledBuffer | null {
    const refusal = this.#memory.refusal(this, sizeClass, { back: instead?.bytes ?? 0, needed })
    const buffer = refusal === null ? this.#memory.pool.take(sizeClass) : null
    this.#refusal = buffer === null ? (refusal ?? 'short') : null
    if (buffer !== null) this.#change(() => (this.#heldBytes += buffer.bytes))
    return buffer
  }

  give(buffer: PooledBuffer): void {
    this.#memory.pool.release(buffer)
    this.#change(() => (this.#heldBytes -= buffer.bytes))
    this.#memory.freed()
  }

  /** Hands a buffer with its content to another quota, which may then hold more than it could have taken. */
  hand(buffer: PooledBuffer, to: Quota): void {
    this.#change(() => (this.#heldBytes -= buffer.bytes))
    to.#change(() => (to.#heldBytes += buffer.bytes))
    this.#memory.freed()
  }

  #change(change: () => void): void {
    this.#memory.count(this, -1)
    change()
    this.#memory.count(this, 1)
  }
}
