/**
 * The log of one partition of a fake broker: it keeps the stored batches, and refuses the batches that a real broker
 * refuses. The rules are those of Kafka's ProducerAppendInfo and ProducerStateEntry (4.0), as far as an idempotent
 * producer can meet them.
 */
import { crc32c } from '@node-rs/crc32'

export interface FakeBatch {
  readonly baseOffset: number
  readonly producerId: number
  readonly epoch: number
  readonly baseSequence: number
  readonly records: number
  /** The whole record batch as it was sent. */
  readonly bytes: Buffer
}

export interface Appended {
  readonly code: number
  readonly baseOffset: number
}

interface ProducerEntry {
  epoch: number
  /** The last five batches, oldest first. */
  batches: { readonly first: number; readonly last: number; readonly offset: number }[]
}

const MAX_SEQUENCE = 2 ** 31 - 1
const REMEMBERED = 5

export class FakeLog {
  readonly batches: FakeBatch[] = []
  /** max.message.bytes */
  maxBatchBytes = 1_048_588
  readonly #producers = new Map<number, ProducerEntry>()
  #next = 0

  /** How many records are stored; repeats are not counted. */
  get records(): number {
    return this.#next
  }

  /** Forgets a producer, as after retention: its next batch may have any sequence. */
  forget(producerId: number): void {
    this.#producers.delete(producerId)
  }

  append(bytes: Buffer): Appended {
    const refused = (code: number): Appended => ({ code, baseOffset: -1 })
    if (bytes.length > this.maxBatchBytes) return refused(10)
    if (!isWhole(bytes)) return refused(2)
    const batch = readHeader(bytes, this.#next)
    if (batch.producerId >= 0) {
      const first = batch.baseSequence
      const last = wrap(first + batch.records - 1)
      const entry = this.#producers.get(batch.producerId) ?? { epoch: -1, batches: [] }
      const repeat =
        entry.epoch === batch.epoch && entry.batches.find((known) => known.first === first && known.last === last)
      if (repeat) return { code: 0, baseOffset: repeat.offset }
      const code = check(entry, batch)
      if (code !== 0) return refused(code)
      if (entry.epoch !== batch.epoch) entry.batches = []
      entry.epoch = batch.epoch
      entry.batches.push({ first, last, offset: this.#next })
      if (entry.batches.length > REMEMBERED) entry.batches.shift()
      this.#producers.set(batch.producerId, entry)
    }
    this.batches.push(batch)
    this.#next += batch.records
    return { code: 0, baseOffset: batch.baseOffset }
  }
}

/** The error code for a batch: INVALID_PRODUCER_EPOCH 47, OUT_OF_ORDER_SEQUENCE_NUMBER 45, or 0. */
function check(entry: ProducerEntry, batch: FakeBatch): number {
  if (batch.epoch < entry.epoch) return 47
  // The producer is unknown: any sequence is accepted, even one that leaves a hole.
  if (entry.epoch < 0) return 0
  if (batch.epoch > entry.epoch) return batch.baseSequence === 0 ? 0 : 45
  const last = entry.batches.at(-1)?.last ?? -1
  return batch.baseSequence === wrap(last + 1) ? 0 : 45
}

function wrap(sequence: number): number {
  return sequence > MAX_SEQUENCE ? sequence - MAX_SEQUENCE - 1 : sequence
}

/**
 * Whether these bytes are one batch with the right length, version, checksum and number of records.
 *
 * ```
 * base offset 0 | batch length 8 | leader epoch 12 | magic 16 | crc 17 | attributes 21 | last offset delta 23 |
 * base timestamp 27 | max timestamp 35 | producer id 43 | producer epoch 51 | base sequence 53 | records 57 | ...
 * ```
 */
function isWhole(bytes: Buffer): boolean {
  return (
    bytes.length >= 61 &&
    bytes.readInt32BE(8) === bytes.length - 12 &&
    bytes[16] === 2 &&
    bytes.readUInt32BE(17) === crc32c(bytes.subarray(21)) &&
    bytes.readInt32BE(23) === bytes.readInt32BE(57) - 1
  )
}

function readHeader(bytes: Buffer, baseOffset: number): FakeBatch {
  return {
    baseOffset,
    producerId: Number(bytes.readBigInt64BE(43)),
    epoch: bytes.readInt16BE(51),
    baseSequence: bytes.readInt32BE(53),
    records: bytes.readInt32BE(57),
    bytes,
  }
}
