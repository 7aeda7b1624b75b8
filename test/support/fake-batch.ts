/** Record batches for tests that only need something to send, encoded by hand and not by src/encode. */
import { crc32c } from '@node-rs/crc32'
import type { ProduceItem } from '../../src/output/transport.ts'

export interface BatchSettings {
  readonly values?: readonly string[]
  readonly producerId?: number
  readonly epoch?: number
  readonly sequence?: number
}

/** Makes a whole record batch, version 2, uncompressed. */
export function fakeBatch({
  values = ['hello'],
  producerId = -1,
  epoch = -1,
  sequence = -1,
}: BatchSettings = {}): Buffer {
  const records = values.map((value, index) => {
    const text = Buffer.from(value)
    // attributes, timestamp delta, offset delta, no key, value, no headers
    const body = Buffer.concat([Buffer.from([0, 0]), varint(index), varint(-1), varint(text.length), text, varint(0)])
    return Buffer.concat([varint(body.length), body])
  })
  const head = Buffer.alloc(61)
  const batch = Buffer.concat([head, ...records])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt32BE(-1, 12)
  batch[16] = 2
  batch.writeInt32BE(values.length - 1, 23)
  const time = BigInt(Date.UTC(2026, 0, 1))
  batch.writeBigInt64BE(time, 27)
  batch.writeBigInt64BE(time, 35)
  batch.writeBigInt64BE(BigInt(producerId), 43)
  batch.writeInt16BE(epoch, 51)
  batch.writeInt32BE(sequence, 53)
  batch.writeInt32BE(values.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
  return batch
}

export function fakeItem(topic: string, partition: number, settings?: BatchSettings): ProduceItem {
  const batch = fakeBatch(settings)
  return { topic, partition, parts: [batch.subarray(0, 61), batch.subarray(61)] }
}

/** Encodes a number as a zigzag varint. */
function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80)
  bytes.push(rest)
  return Buffer.from(bytes)
}
