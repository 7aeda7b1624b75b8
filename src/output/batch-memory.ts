/**
 * Who may have how many buffers of the pool. Each lane has a share:
 * - it may hold a quarter of the pool at most, so that one partition cannot starve the others;
 * - one small buffer is kept back for every lane that has a leader and holds nothing, so that a quiet file never waits
 *   for a busy one's backlog;
 * - lanes that get nothing stored now (no leader, broker unreachable, backing off) get no more once they hold half of
 *   the pool together: four of them would be enough to hold all of it for as long as their broker is down.
 *
 * Whoever is turned away is told when something changes that may let them in: {@link BatchMemory.turnedAway}.
 */
import { type BufferPool, type PooledBuffer, SMALL, type SizeClass } from '../kernel/pool.ts'

export class BatchMemory {
  readonly pool: BufferPool
  readonly #onFree: () => void
  #waiting = false
  /** Shares that hold nothing and have a leader. */
  #quiet = 0
  #stalledBytes = 0

  /** `onFree` is called once after {@link turnedAway}, as soon as trying again makes sense; it must not take anything. */
  constructor(pool: BufferPool, onFree: () => void) {
    this.pool = pool
    this.#onFree = onFree
  }

  share(): Share {
    return new Share(this)
  }

  /** Somebody could not have what they need, for whatever reason, and waits. */
  turnedAway(): void {
    this.#waiting = true
  }

  /** Why the share, that gives `back` bytes for it, may not have such a buffer; null: it may. For {@link Share}. */
  refusal(share: Share, sizeClass: SizeClass, back: number): 'own' | 'short' | null {
    const { total, sizes, freeBytes } = this.pool
    const more = sizes[sizeClass] - back
    // whoever holds nothing else may have any: the largest record must find a buffer, however small the pool is
    const only = share.heldBytes === back
    if (!only && share.heldBytes + more > total / 4) return 'own'
    // this one is what was kept back
    if (only && sizeClass === 'small') return null
    if (share.stalled && this.#stalledBytes + more > total / 2) return 'own'
    const others = this.#quiet - (share.quiet ? 1 : 0)
    // with more partitions than the pool has small buffers, nothing would ever be given out
    const keptBack = Math.min(others * SMALL, total / 2, only ? total - sizes[sizeClass] : total)
    return freeBytes - more >= keptBack ? null : 'short'
  }

  /** A share is another one than before by this much. For {@link Share}. */
  changed(quiet: number, stalledBytes: number): void {
    this.#quiet += quiet
    this.#stalledBytes += stalledBytes
  }

  /** What was held, or kept back, may be free now. For {@link Share}. */
  freed(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#onFree()
  }
}

/** The buffers of one lane, and what decides about more. */
export class Share {
  readonly #memory: BatchMemory
  #heldBytes = 0
  #led = false
  #stalled = false
  #short = false

  constructor(memory: BatchMemory) {
    this.#memory = memory
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  get stalled(): boolean {
    return this.#stalled
  }

  /** The last {@link take} failed because the pool is short, and not because of what the share, or its kind, holds. */
  get short(): boolean {
    return this.#short
  }

  /** One small buffer is kept back for it. */
  get quiet(): boolean {
    return this.#led && this.#heldBytes === 0
  }

  /** Whether the lane has a leader. */
  set led(led: boolean) {
    this.#change(() => (this.#led = led))
    if (!led) this.#memory.freed()
  }

  /** Whether nothing of the lane gets stored now. */
  set stalled(stalled: boolean) {
    if (stalled === this.#stalled) return
    this.#change(() => (this.#stalled = stalled))
    if (!stalled) this.#memory.freed()
  }

  /** A buffer of the class, or null when the share may have none now. `instead`: one that is given back for it. */
  take(sizeClass: SizeClass, instead?: PooledBuffer): PooledBuffer | null {
    const refusal = this.#memory.refusal(this, sizeClass, instead?.bytes ?? 0)
    const buffer = refusal === null ? this.#memory.pool.take(sizeClass) : null
    this.#short = buffer === null && refusal !== 'own'
    if (buffer !== null) this.#change(() => (this.#heldBytes += buffer.bytes))
    return buffer
  }

  give(buffer: PooledBuffer): void {
    this.#memory.pool.release(buffer)
    this.#change(() => (this.#heldBytes -= buffer.bytes))
    this.#memory.freed()
  }

  /** Let another share have a buffer with what is in it. It may then hold more than it could have taken. */
  hand(buffer: PooledBuffer, to: Share): void {
    this.#change(() => (this.#heldBytes -= buffer.bytes))
    to.#change(() => (to.#heldBytes += buffer.bytes))
    this.#memory.freed()
  }

  #change(change: () => void): void {
    const quiet = this.quiet ? 1 : 0
    const stalledBytes = this.#stalled ? this.#heldBytes : 0
    change()
    this.#memory.changed((this.quiet ? 1 : 0) - quiet, (this.#stalled ? this.#heldBytes : 0) - stalledBytes)
  }
}
