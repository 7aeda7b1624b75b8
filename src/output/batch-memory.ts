/**
 * Who may have how many buffers of the pool. One lane holds at most a quarter of it, so that a dead partition cannot
 * starve the others; and one small buffer is kept back for every lane that has a leader and holds nothing, so that a
 * quiet file never waits for a busy one's backlog.
 */
import { type BufferPool, type PooledBuffer, SMALL, type SizeClass } from '../kernel/pool.ts'

/** What is asked of a lane here. */
export interface Holder {
  readonly leader: number
  heldBytes: number
}

export class BatchMemory {
  readonly #pool: BufferPool
  readonly #holders = new Set<Holder>()
  /** Somebody was turned away since the last {@link take} that succeeded for want of any kind. */
  waiting = false
  /** Somebody was turned away because the pool is short, not because of what they hold themselves. */
  short = false

  constructor(pool: BufferPool) {
    this.#pool = pool
  }

  take(holder: Holder, sizeClass: SizeClass): PooledBuffer | null {
    const bytes = this.#pool.sizes[sizeClass]
    this.#holders.add(holder)
    if (holder.heldBytes + bytes > this.#pool.total / 4 && holder.heldBytes > 0) return null
    if (this.#pool.freeBytes - bytes >= this.#keptBack(holder)) {
      const buffer = this.#pool.take(sizeClass)
      if (buffer !== null) return buffer
    }
    this.short = true
    return null
  }

  give(buffer: PooledBuffer): void {
    this.#pool.release(buffer)
    this.short = false
  }

  #keptBack(asking: Holder): number {
    let bytes = 0
    for (const holder of this.#holders) {
      if (holder !== asking && holder.leader >= 0 && holder.heldBytes === 0) bytes += SMALL
    }
    // with more partitions than the pool has small buffers, nothing would ever be given out
    return Math.min(bytes, this.#pool.total / 2)
  }
}
