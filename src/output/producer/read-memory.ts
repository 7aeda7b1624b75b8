/**
 * Batch memory that is lent to the input, for reads on mounts that can hang. A read keeps its buffer until the call
 * returns, which may be never, since the operating system may still write into it. So lent memory is charged like a
 * lane's batches, and is never more than half of the pool, however many mounts hang.
 *
 * A read gets a piece of {@link MEDIUM} bytes of a large buffer that is cut up for reads: pieces that the pool gave out
 * one by one could lie between batches for ever, and keep free memory from being joined to a large buffer. Only a line
 * that does not fit into a piece is read into a large buffer of its own.
 */
import { MEDIUM } from '../../kernel/layout.ts'
import type { PooledBuffer } from '../../kernel/pool.ts'
import type { BatchMemory, Quota } from './batch-memory.ts'

/** A large buffer that is cut into pieces. */
interface Block {
  readonly buffer: PooledBuffer
  /** The pieces that are not lent, highest address first. */
  readonly free: PooledBuffer[]
  readonly pieces: number
}

export class ReadMemory {
  readonly #memory: BatchMemory
  /**
   * For blocks that are cut into pieces, and for whole ones: pieces of hanging reads must not keep long lines from
   * being read.
   */
  readonly #cut: Quota
  readonly #whole: Quota
  readonly #blocks = new Set<Block>()
  /** By the address of a piece that is lent. */
  readonly #lent = new Map<number, Block>()

  constructor(memory: BatchMemory) {
    this.#memory = memory
    this.#cut = memory.quota()
    this.#whole = memory.quota()
  }

  /**
   * A buffer for one read; `largest`: one of the largest class, for a line of any length. Null: there is none now, and
   * files that wait for room are woken when there may be one.
   */
  take(largest: boolean): PooledBuffer | null {
    const buffer = largest ? this.#takeFor(this.#whole) : this.#takePiece()
    if (buffer === null) this.#memory.turnedAway()
    return buffer
  }

  /** The read has returned: its buffer is free. */
  give(buffer: PooledBuffer): void {
    if (buffer.sizeClass === 'large') {
      this.#whole.give(buffer)
      return
    }
    const block = this.#lent.get(buffer.address)
    if (block === undefined) throw new Error('a piece was given back twice')
    this.#lent.delete(buffer.address)
    block.free.push(buffer)
    if (block.free.length === block.pieces) {
      this.#blocks.delete(block)
      this.#cut.give(block.buffer)
    } else this.#memory.freed()
  }

  #takePiece(): PooledBuffer | null {
    const block = this.#withPiece()
    const piece = block?.free.pop()
    if (block === null || piece === undefined) return null
    this.#lent.set(piece.address, block)
    return piece
  }

  #withPiece(): Block | null {
    for (const block of this.#blocks) if (block.free.length > 0) return block
    const buffer = this.#takeFor(this.#cut)
    if (buffer === null) return null
    const free: PooledBuffer[] = []
    for (let at = buffer.bytes - MEDIUM; at >= 0; at -= MEDIUM)
      free.push({ address: buffer.address + at, bytes: MEDIUM, sizeClass: 'medium' })
    const block = { buffer, free, pieces: free.length }
    this.#blocks.add(block)
    return block
  }

  #takeFor(quota: Quota): PooledBuffer | null {
    const { total, sizes } = this.#memory.pool
    if (this.#cut.heldBytes + this.#whole.heldBytes + sizes.large > total / 2) return null
    return quota.take('large', { needed: true })
  }
}
