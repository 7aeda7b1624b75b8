/**
 * Produce, version 9: record batches for the partitions that a broker leads, one each, and the outcome of each.
 * https://kafka.apache.org/protocol#The_Messages_Produce
 */
import type { ProduceItem } from '../../transport.ts'
import type { ResponseReader, Writer } from './primitives.ts'
import { beginRequest, type Api, type RequestHeader } from './request-header.ts'

export const PRODUCE: Api = { name: 'Produce', key: 0, version: 9 }

export interface ProduceSettings {
  /** -1: all in-sync replicas, 1: the leader, 0: no response at all. */
  readonly acks: -1 | 0 | 1
  /** How long the broker waits for its replicas before it responds with REQUEST_TIMED_OUT. */
  readonly timeoutMs: number
}

export interface RecordError {
  /** Index of the record in its batch. */
  readonly index: number
  readonly message: string | null
}

export interface PartitionResponse {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly baseOffset: number
  readonly recordErrors: readonly RecordError[]
  readonly message: string | null
}

export interface ProduceResponse {
  readonly partitions: readonly PartitionResponse[]
  readonly throttleMs: number
}

const NO_RECORD_ERRORS: readonly RecordError[] = []

/**
 * ```
 * header
 * transactional id   compact nullable string
 * acks               int16
 * time-out           int32
 * topics             compact array
 *   name             compact string
 *   partitions       compact array
 *     index          int32
 *     records        compact bytes: unsigned varint length + 1, then the record batch
 *     tagged fields
 *   tagged fields
 * tagged fields
 * ```
 * Returns a list of pieces to be written one behind the other. The batches' own bytes are among them as they are, never
 * copied; the bytes between them are in one small buffer.
 */
export function encodeProduce(
  header: RequestHeader,
  settings: ProduceSettings,
  items: readonly ProduceItem[],
): readonly Uint8Array[] {
  const topics = byTopic(items)
  const writer = beginRequest(PRODUCE, header, 64 + header.clientId.length + 32 * topics.length + 16 * items.length)
  writer.compactNullableString(null)
  writer.int16(settings.acks)
  writer.int32(settings.timeoutMs)
  writer.compactArray(topics.length)
  const pieces: Uint8Array[] = []
  for (const topic of topics) {
    writer.compactString(topic[0]!.topic)
    writer.compactArray(topic.length)
    for (const item of topic) {
      encodePartition(writer, item, pieces)
    }
    writer.noTaggedFields()
  }
  writer.noTaggedFields()
  pieces.push(writer.cut())
  let length = -4
  for (const piece of pieces) length += piece.length
  const first = pieces[0]!
  Buffer.from(first.buffer, first.byteOffset, 4).writeInt32BE(length)
  return pieces
}

function encodePartition(writer: Writer, item: ProduceItem, pieces: Uint8Array[]): void {
  let length = 0
  for (const part of item.parts) length += part.length
  writer.int32(item.partition)
  writer.unsignedVarint(length + 1)
  pieces.push(writer.cut())
  for (const part of item.parts) pieces.push(part)
  writer.noTaggedFields()
}

/** The items in groups of one topic each. Nearly always there is one topic, and nothing to do. */
function byTopic(items: readonly ProduceItem[]): readonly (readonly ProduceItem[])[] {
  const first = items[0]?.topic
  if (items.every((item) => item.topic === first)) return first === undefined ? [] : [items]
  return [...Map.groupBy(items, (item) => item.topic).values()]
}

/**
 * ```
 * header's tagged fields
 * responses                 compact array
 *   name                    compact string
 *   partition responses     compact array (decodePartition)
 *   tagged fields
 * throttle time             int32
 * tagged fields
 * ```
 * The topics and partitions may be in any order.
 */
export function decodeProduce(reader: ResponseReader): ProduceResponse {
  reader.skipTaggedFields()
  const partitions: PartitionResponse[] = []
  for (let topics = reader.compactArray(3); topics > 0; topics--) {
    const topic = reader.compactString()
    for (let left = reader.compactArray(33); left > 0; left--) partitions.push(decodePartition(reader, topic))
    reader.skipTaggedFields()
  }
  const throttleMs = reader.int32()
  reader.skipTaggedFields()
  reader.end()
  return { partitions, throttleMs }
}

/**
 * ```
 * index             int32
 * error code        int16
 * base offset       int64
 * log append time   int64
 * log start offset  int64
 * record errors     compact array
 *   batch index     int32
 *   message         compact nullable string
 *   tagged fields
 * error message     compact nullable string
 * tagged fields
 * ```
 */
function decodePartition(reader: ResponseReader, topic: string): PartitionResponse {
  const partition = reader.int32()
  const code = reader.int16()
  const baseOffset = reader.int64()
  reader.skip(16)
  const count = reader.compactArray(6)
  const recordErrors = count === 0 ? NO_RECORD_ERRORS : decodeRecordErrors(reader, count)
  const message = reader.compactNullableString()
  reader.skipTaggedFields()
  return { topic, partition, code, baseOffset, recordErrors, message }
}

function decodeRecordErrors(reader: ResponseReader, count: number): readonly RecordError[] {
  const errors: RecordError[] = []
  for (let left = count; left > 0; left--) {
    errors.push({ index: reader.int32(), message: reader.compactNullableString() })
    reader.skipTaggedFields()
  }
  return errors
}
