/**
 * One record batch (magic 2): open while records are appended, then sealed, stamped at every send, and kept until Kafka
 * has stored it. The records lie in a pooled buffer behind 61 bytes that are left for the header. A column of sizes
 * grows down from the buffer's end, eight bytes a record: the source bytes that the record stands for, and how many of
 * these were settled before it.
 *
 *   0  base offset           8   always 0, the broker sets it
 *   8  batch length          4   bytes behind this field
 *  12  partition leader epoch 4  -1
 *  16  magic                 1   2
 *  17  CRC-32C               4   of everything from `attributes` on
 *  21  attributes            2   bits 0-2: compression
 *  23  last offset delta     4   records - 1
 *  27  base timestamp        8   ms
 *  35  max timestamp         8   ms
 *  43  producer id           8   -1 where not idempotent
 *  51  producer epoch        2
 *  53  base sequence         4
 *  57  record count          4
 *  61  records
 */
import type { Extent, Generation } from '../../flow.ts'
import { RESULT } from '../../kernel/layout.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import type { PooledBuffer } from '../../kernel/pool.ts'
import { join, split } from '../../ranges.ts'
import type { Affinity } from './partition.ts'

export const HEADER_BYTES = 61

/** Bytes of a record in the column of sizes. */
const SIZES_BYTES = 8

/** Records in a row that came from one file. */
export interface Piece {
  readonly file: Generation
  /** The ranges of the file that they were made of, in their order. */
  readonly ranges: Extent[]
  records: number
}

export interface Stamp {
  readonly producerId: number
  readonly epoch: number
  readonly sequence: number
}

export const NO_PRODUCER: Stamp = { producerId: -1, epoch: -1, sequence: -1 }

const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
export type Compression = keyof typeof CODECS

export class Batch {
  readonly #memory: LinearMemory
  buffer: PooledBuffer
  pieces: Piece[] = []
  records = 0
  /** Pointer behind the last record. */
  end: number
  /** Milliseconds; timestamps in the records are relative to it. */
  baseTimestamp = 0
  maxTimestamp = 0
  /** When the first record was appended, on the producer's clock. */
  openedAt = 0
  /** How many records the next send has: fewer than `records` while a batch that was too large is sent in parts. */
  sending = 0
  /** The compressed form of the first `sending` records, or null. */
  compressed: Uint8Array | null = null
  #codec: Compression = 'none'
  /** Sequence number of the first record, -1 while none is assigned. */
  sequence = -1
  /** The batch can be sent: it is sealed, and compressed where the settings say so. */
  ready = false
  inFlight = false
  /** How many of the first records may be stored already, since the outcome of a request with them is not known. */
  uncertain = 0
  /** The strongest affinity of its records. */
  affinity: Affinity = 'while-led'
  /** When it was first sent, on the producer's clock; -1 before. */
  firstSentAt = -1
  /** When it was last sent while no record of it was {@link uncertain}, on the producer's clock. */
  doubtfulSince = -1
  /** The first record was refused for good, and is dropped as soon as nothing is in flight. */
  dropFirst = false

  constructor(memory: LinearMemory, buffer: PooledBuffer) {
    this.#memory = memory
    this.buffer = buffer
    this.end = buffer.address + HEADER_BYTES
  }

  /** Prepares the batch for its first record. */
  begin(timestamp: number, now: number): void {
    this.baseTimestamp = timestamp
    this.maxTimestamp = timestamp
    this.openedAt = now
  }

  /** Bytes of header and records, uncompressed. */
  get bytes(): number {
    return this.end - this.buffer.address
  }

  get bufferEnd(): number {
    return this.buffer.address + this.buffer.bytes
  }

  /** Moves the records to a larger buffer; the old one is returned for release. */
  promote(larger: PooledBuffer): PooledBuffer {
    const old = this.buffer
    const bytes = this.#memory.bytes
    const sizes = SIZES_BYTES * this.records
    bytes.copyWithin(larger.address, old.address, this.end)
    bytes.copyWithin(larger.address + larger.bytes - sizes, old.address + old.bytes - sizes, old.address + old.bytes)
    this.end += larger.address - old.address
    this.buffer = larger
    return old
  }

  /** Notes that records of a file were appended. */
  extend(piece: Piece): void {
    const last = this.pieces.at(-1)
    if (last?.file === piece.file) {
      join(last.ranges, piece.ranges)
      last.records += piece.records
    } else this.pieces.push(piece)
  }

  /** Source bytes of record `index`, including the settled bytes before it. */
  sourceBytes(index: number): number {
    return this.#memory.bytes.readUInt32LE(this.bufferEnd - SIZES_BYTES * (index + 1))
  }

  /** How many of the source bytes of record `index` were settled: they are lines before it that have no record. */
  settledBefore(index: number): number {
    return this.#memory.bytes.readUInt32LE(this.bufferEnd - SIZES_BYTES * (index + 1) + 4)
  }

  /** Bytes of the next send, header included, uncompressed. */
  get sendingBytes(): number {
    return this.#endOf(this.sending) - this.buffer.address
  }

  /**
   * How many of its first records have no more than `bytes` bytes together with the header; at least 1, even if that
   * has more. Where the first records are much smaller than the others, the result may be smaller than it could be.
   */
  fitting(bytes: number): number {
    if (this.bytes <= bytes) return this.records
    const onAverage = Math.ceil((this.records * bytes) / this.bytes)
    let low = 1
    let high = Math.min(this.records - 1, 2 * onAverage)
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#endOf(middle) - this.buffer.address <= bytes) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Bytes of the next send on the wire. */
  get wireBytes(): number {
    return this.compressed === null ? this.sendingBytes : HEADER_BYTES + this.compressed.length
  }

  /** The bytes of the first record, including its length, as they lie in memory. */
  firstRecord(): Uint8Array {
    const start = this.buffer.address + HEADER_BYTES
    return this.#memory.view(start, this.#endOf(1) - start)
  }

  /** Replaces the first record by one that is not longer. */
  replaceFirst(record: Uint8Array): void {
    const start = this.buffer.address + HEADER_BYTES
    const rest = this.#endOf(1)
    this.#memory.bytes.set(record, start)
    this.#memory.bytes.copyWithin(start + record.length, rest, this.end)
    this.end -= rest - start - record.length
  }

  /** The records of the next send, as they lie in memory. */
  payload(): Uint8Array {
    const start = this.buffer.address + HEADER_BYTES
    return this.#memory.view(start, this.#endOf(this.sending) - start)
  }

  /** Takes over the compressed form of {@link payload}; null sends it as it is. */
  compress(codec: Compression, bytes: Uint8Array | null): void {
    this.compressed = bytes
    this.#codec = bytes === null ? 'none' : codec
  }

  /** Writes the header and returns the bytes to send. Stamping again touches header and CRC only. */
  stamp(stamp: Stamp): Uint8Array[] {
    const { address } = this.buffer
    const bytes = this.#memory.bytes
    const end = this.#endOf(this.sending)
    const payload = this.compressed === null ? end - address - HEADER_BYTES : this.compressed.length
    bytes.fill(0, address, address + 8)
    bytes.writeInt32BE(HEADER_BYTES - 12 + payload, address + 8)
    bytes.writeInt32BE(-1, address + 12)
    bytes[address + 16] = 2
    bytes.writeInt16BE(CODECS[this.#codec], address + 21)
    bytes.writeInt32BE(this.sending - 1, address + 23)
    writeInt64(bytes, address + 27, this.baseTimestamp)
    writeInt64(bytes, address + 35, this.maxTimestamp)
    writeInt64(bytes, address + 43, stamp.producerId)
    bytes.writeInt16BE(stamp.epoch, address + 51)
    bytes.writeInt32BE(stamp.sequence, address + 53)
    bytes.writeInt32BE(this.sending, address + 57)
    if (this.compressed === null) {
      bytes.writeInt32BE(this.#memory.kernel.crc32c(address + 21, end - address - 21, 0), address + 17)
      return [bytes.subarray(address, end)]
    }
    const head = this.#memory.kernel.crc32c(address + 21, HEADER_BYTES - 21, 0)
    bytes.writeInt32BE(this.#memory.crc32c(this.compressed, head), address + 17)
    return [bytes.subarray(address, address + HEADER_BYTES), this.compressed]
  }

  /**
   * Removes the first `count` records, which are stored or settled, and returns their pieces. The other records are
   * numbered from 0 again, in place (a smaller number never takes more bytes).
   */
  remove(count: number): Piece[] {
    const gone = this.#cutPieces(count)
    const start = this.buffer.address + HEADER_BYTES
    const left = this.records - count
    if (left > 0) {
      this.#memory.kernel.copyRecords(this.#endOf(count), left, start)
      this.end = this.#memory.result(RESULT.out)
      const top = this.bufferEnd
      const [from, to] = [top - SIZES_BYTES * this.records, top - SIZES_BYTES * count]
      this.#memory.bytes.copyWithin(top - SIZES_BYTES * left, from, to)
    } else this.end = start
    this.records = left
    this.uncertain = Math.max(0, this.uncertain - count)
    if (this.sequence >= 0) this.sequence = nextSequence(this.sequence, count)
    return gone
  }

  #cutPieces(count: number): Piece[] {
    if (count === this.records) {
      const all = this.pieces
      this.pieces = []
      return all
    }
    const gone: Piece[] = []
    let index = 0
    while (index < count) {
      const piece = this.pieces[0]
      if (piece === undefined) break
      if (index + piece.records <= count) {
        gone.push(piece)
        this.pieces.shift()
        index += piece.records
        continue
      }
      let bytes = 0
      for (let i = index; i < count; i++) bytes += this.sourceBytes(i)
      const [first, rest] = split(piece.ranges, bytes)
      gone.push({ file: piece.file, ranges: first, records: count - index })
      this.pieces[0] = { file: piece.file, ranges: rest, records: piece.records - (count - index) }
      index = count
    }
    return gone
  }

  #endOf(count: number): number {
    if (count === this.records) return this.end
    return this.#memory.kernel.skipRecords(this.buffer.address + HEADER_BYTES, count)
  }
}

/** The sequence number after `records` records: numbers go from 0 to 2^31 - 1, and begin at 0 again. */
export function nextSequence(sequence: number, records: number): number {
  return (sequence + records) % 0x80000000
}

function writeInt64(bytes: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x100000000)
  bytes.writeInt32BE(high, at)
  bytes.writeUInt32BE(value - high * 0x100000000, at + 4)
}
