/**
 * Buffers for record batches in three size classes, cut from one region: a large block splits into medium ones, a
 * medium one into small ones, and the parts are joined again when all of them are free. A quiet partition thus costs
 * 16 KiB, and a busy one gets whole batches. The partitions' quotas are in output/producer/batch-memory.ts.
 */

import { MEDIUM, SMALL } from './layout.ts'
import { wholeBuffer } from './sizes.ts'

export type SizeClass = 'small' | 'medium' | 'large'

/** A range of linear memory on loan from the pool. */
export interface PooledBuffer {
  readonly address: number
  readonly bytes: number
  readonly sizeClass: SizeClass
}

interface Block extends PooledBuffer {
  readonly parent: Block | null
  /** How many of its parts are on loan or split; only meaningful while this block is split. */
  busy: number
}

export const LARGER: Readonly<Record<SizeClass, SizeClass | null>> = { small: 'medium', medium: 'large', large: null }
export const SMALLER: Readonly<Record<SizeClass, SizeClass | null>> = { large: 'medium', medium: 'small', small: null }
const BY_SIZE: readonly SizeClass[] = ['small', 'medium', 'large']

export function largerOf(a: SizeClass, b: SizeClass): SizeClass {
  return BY_SIZE.indexOf(a) > BY_SIZE.indexOf(b) ? a : b
}

export class BufferPool {
  /** Bytes of all buffers, a multiple of the largest class. */
  readonly total: number
  readonly sizes: Readonly<Record<SizeClass, number>>
  readonly #free: Record<SizeClass, Block[]> = { small: [], medium: [], large: [] }
  readonly #onLoan = new Map<number, Block>()
  #freeBytes: number

  /**
   * `largest` is rounded up to whole medium blocks. Throws RangeError when the region has no room for one large block.
   */
  constructor(region: { address: number; bytes: number; largest: number }) {
    const large = wholeBuffer(region.largest)
    this.sizes = { small: SMALL, medium: MEDIUM, large }
    const count = Math.floor(region.bytes / large)
    if (count < 1) throw new RangeError(`a pool of ${region.bytes} bytes holds no buffer of ${large}`)
    this.total = count * large
    this.#freeBytes = this.total
    // the lowest address is taken first, so that a quiet agent touches few pages
    for (let i = count - 1; i >= 0; i--) this.#free.large.push(this.#block(region.address + i * large, 'large', null))
  }

  get freeBytes(): number {
    return this.#freeBytes
  }

  /** A buffer of the class, or null when none is free. Its bytes keep whatever values they had. */
  take(sizeClass: SizeClass): PooledBuffer | null {
    const block = this.#takeBlock(sizeClass)
    if (block === null) return null
    this.#onLoan.set(block.address, block)
    this.#freeBytes -= block.bytes
    return block
  }

  /** Gives a buffer back. Giving one back twice would corrupt the pool and throws. */
  release(buffer: PooledBuffer): void {
    const block = this.#onLoan.get(buffer.address)
    if (block === undefined || block !== buffer) throw new Error('a buffer was released twice')
    this.#onLoan.delete(block.address)
    this.#freeBytes += block.bytes
    this.#releaseBlock(block)
  }

  #block(address: number, sizeClass: SizeClass, parent: Block | null): Block {
    return { address, bytes: this.sizes[sizeClass], sizeClass, parent, busy: 0 }
  }

  #takeBlock(sizeClass: SizeClass): Block | null {
    const free = this.#free[sizeClass]
    if (free.length === 0) this.#split(sizeClass)
    const block = free.pop()
    if (block === undefined) return null
    if (block.parent !== null) block.parent.busy++
    block.busy = 0
    return block
  }

  #split(sizeClass: SizeClass): void {
    const larger = LARGER[sizeClass]
    const parent = larger === null ? null : this.#takeBlock(larger)
    if (parent === null) return
    const size = this.sizes[sizeClass]
    for (let at = parent.address + parent.bytes - size; at >= parent.address; at -= size) {
      this.#free[sizeClass].push(this.#block(at, sizeClass, parent))
    }
  }

  #releaseBlock(block: Block): void {
    this.#free[block.sizeClass].push(block)
    const parent = block.parent
    if (parent === null || --parent.busy > 0) return
    // all parts are free: they become one block again
    const parts = this.#free[block.sizeClass]
    this.#free[block.sizeClass] = parts.filter((part) => part.parent !== parent)
    this.#releaseBlock(parent)
  }
}
