/**
 * The linear memory: all line bytes live here, from the read to the socket. It is reserved once, with the size that
 * `buffer.maxBytes` allows, and never grows (growing would detach every view). Pages that are never touched cost
 * nothing.
 */
import { GUARD_BYTES, PAGE, RESULTS, TABLES, TABLES_BYTES, TEMPLATE, TEMPLATE_TEXT_BYTES } from './layout.ts'
import { type Kernel, instantiate } from './kernel.ts'
import { BufferPool } from './pool.ts'
import { type MemorySizes, TEMPLATE_BYTES, poolAddress } from './sizes.ts'

export class LinearMemory {
  readonly kernel: Kernel
  readonly bytes: Buffer
  readonly floats: Float64Array
  readonly words: Int32Array
  readonly pool: BufferPool
  /** Where the template's text may be written, and how many bytes there are. */
  readonly templateText: { readonly pointer: number; readonly length: number }
  /** Where a read puts its bytes: {@link GUARD_BYTES} of guard lie directly before. */
  readonly chunk: { readonly pointer: number; readonly length: number }

  /** `module` is another build of the kernel, to be measured against this one. */
  constructor(sizes: MemorySizes, module?: Uint8Array<ArrayBuffer>) {
    const pages = Math.floor(sizes.total / PAGE)
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    this.kernel = instantiate(memory, module)
    this.bytes = Buffer.from(memory.buffer)
    this.floats = new Float64Array(memory.buffer)
    this.words = new Int32Array(memory.buffer)
    const text = TABLES + TABLES_BYTES
    this.templateText = { pointer: text, length: TEMPLATE_BYTES }
    const chunk = text + TEMPLATE_TEXT_BYTES + GUARD_BYTES
    this.chunk = { pointer: chunk, length: sizes.chunk }
    const pool = poolAddress(sizes.chunk)
    this.pool = new BufferPool({ address: pool, bytes: pages * PAGE - pool, largest: sizes.largest })
  }

  /** The value of a slot of the results block after the last kernel call; layout.ts RESULT has the slots. */
  result(slot: number): number {
    return this.floats[RESULTS / 8 + slot] ?? 0
  }

  /**
   * Points segments of the template at bytes. `rows` has three numbers for each: the segment's index, where its bytes
   * begin behind `pointer`, and how many there are (-1 is Kafka's null).
   */
  setSegments(rows: Int32Array, pointer: number): void {
    const { words } = this
    for (let at = 0; at < rows.length; at += 3) {
      const cell = TEMPLATE / 4 + 2 * rows[at]!
      words[cell] = pointer + rows[at + 1]!
      words[cell + 1] = rows[at + 2]!
    }
  }

  /**
   * CRC-32C, as a signed number, of bytes outside this memory. They pass through the chunk, which is not in use between
   * two file turns. `previous` is the checksum of the bytes before them.
   */
  crc32c(bytes: Uint8Array, previous: number): number {
    const { pointer, length } = this.chunk
    let crc = previous
    for (let at = 0; at < bytes.length; at += length) {
      const piece = bytes.subarray(at, at + length)
      this.bytes.set(piece, pointer)
      crc = this.kernel.crc32c(pointer, piece.length, crc)
    }
    return crc
  }

  view(pointer: number, length: number): Buffer {
    return this.bytes.subarray(pointer, pointer + length)
  }
}
