/** Reads the records in a fake Kafka, decoded by hand and not by any reader of the project; only uncompressed ones. */
import type { FakeKafka } from './fake-broker.ts'
import type { FakeBatch } from './fake-log.ts'
import type { KafkaRecord } from './java-reader.ts'

const HEADER_BYTES = 61

/** All records of a topic, each partition in its order. */
export function storedRecords(kafka: FakeKafka, topic: string, partitions: number): KafkaRecord[] {
  const records: KafkaRecord[] = []
  for (let partition = 0; partition < partitions; partition++) {
    for (const batch of kafka.log(topic, partition).batches) records.push(...recordsOf(batch, partition))
  }
  return records
}

function* recordsOf({ bytes, baseOffset, records }: FakeBatch, partition: number): Generator<KafkaRecord> {
  const baseTimestamp = Number(bytes.readBigInt64BE(27))
  let at = HEADER_BYTES
  /** Reads a zigzag varint. */
  const varint = (): number => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return Number((value >> 1n) ^ -(value & 1n))
  }
  const sized = (): Buffer | null => {
    const length = varint()
    return length < 0 ? null : bytes.subarray(at, (at += length))
  }
  for (let index = 0; index < records; index++) {
    const length = varint()
    const end = at + length
    at++ // attributes
    const timestamp = baseTimestamp + varint()
    const offset = baseOffset + varint()
    const key = sized()
    const value = sized()
    const headers = Array.from({ length: varint() }, () => ({ name: sized()?.toString() ?? '', value: sized() }))
    if (at !== end) throw new Error(`record ${index} of the batch at ${baseOffset} ends at ${at}, not ${end}`)
    yield { partition, offset, timestamp, key, value, headers }
  }
}
