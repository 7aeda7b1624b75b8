/** The broker's side of the wire: requests read, answers written. Only the versions that src/output/wire speaks. */
import { ResponseReader, Writer } from '../../src/output/kafka/wire/primitives.ts'
import type { ApiName } from './fake-fault.ts'

export interface FakeRequest {
  readonly api: ApiName
  readonly version: number
  readonly correlationId: number
  readonly clientId: string
  readonly body: ResponseReader
  /** Where `body` reads. */
  readonly frame: Buffer
}

const APIS: ReadonlyMap<number, ApiName> = new Map([
  [0, 'Produce'],
  [3, 'Metadata'],
  [18, 'ApiVersions'],
  [22, 'InitProducerId'],
])

export function readRequest(frame: Buffer): FakeRequest {
  const head = new ResponseReader(frame)
  const key = head.int16()
  const api = APIS.get(key)
  if (api === undefined) throw new Error(`a request of API ${key}`)
  const version = head.int16()
  const correlationId = head.int32()
  const clientLength = head.int16()
  const at = 10 + clientLength
  const body = new ResponseReader(frame, at)
  body.skipTaggedFields()
  return { api, version, correlationId, clientId: frame.toString('utf8', 10, at), body, frame }
}

export interface ProduceData {
  readonly acks: number
  readonly timeoutMs: number
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly bytes: Buffer }[]
}

/** Reads a Produce request. Its record batches are views of the frame. */
export function readProduce({ body, frame }: FakeRequest): ProduceData {
  body.compactNullableString()
  const acks = body.int16()
  const timeoutMs = body.int32()
  const partitions: { topic: string; partition: number; bytes: Buffer }[] = []
  for (let topics = body.compactArray(3); topics > 0; topics--) {
    const topic = body.compactString()
    for (let left = body.compactArray(6); left > 0; left--) {
      const partition = body.int32()
      const length = body.unsignedVarint() - 1
      const start = frame.length - body.left
      body.skip(length)
      partitions.push({ topic, partition, bytes: frame.subarray(start, start + length) })
      body.skipTaggedFields()
    }
    body.skipTaggedFields()
  }
  body.skipTaggedFields()
  body.end()
  return { acks, timeoutMs, partitions }
}

export function readMetadata(body: ResponseReader): { topics: readonly string[]; mayCreate: boolean } {
  const topics: string[] = []
  for (let left = body.compactArray(18); left > 0; left--) {
    body.uuid()
    topics.push(body.compactString())
    body.skipTaggedFields()
  }
  const mayCreate = body.boolean()
  body.boolean()
  body.skipTaggedFields()
  body.end()
  return { topics, mayCreate }
}

export interface PartitionResult {
  readonly topic: string
  readonly partition: number
  readonly code: number
  readonly baseOffset: number
  readonly message?: string | null
  readonly recordErrors?: readonly { readonly index: number; readonly message: string | null }[]
}

/** Makes a whole frame: length, correlation id, tagged fields of the header (unless `bare`), body. */
export function frameOf(correlationId: number, write: (writer: Writer) => void, bare = false): Buffer {
  const writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (!bare) writer.noTaggedFields()
  write(writer)
  const frame = writer.cut()
  frame.writeInt32BE(frame.length - 4)
  return frame
}

export function writeProduce(writer: Writer, results: readonly PartitionResult[], throttleMs = 0): void {
  const topics = Map.groupBy(results, (result) => result.topic)
  writer.compactArray(topics.size)
  for (const [topic, partitions] of topics) {
    writer.compactString(topic)
    writer.compactArray(partitions.length)
    for (const { partition, code, baseOffset, message = null, recordErrors = [] } of partitions) {
      writer.int32(partition)
      writer.int16(code)
      writer.int64(baseOffset)
      writer.int64(-1)
      writer.int64(code === 0 ? 0 : -1)
      writer.compactArray(recordErrors.length)
      for (const error of recordErrors) {
        writer.int32(error.index)
        writer.compactNullableString(error.message)
        writer.noTaggedFields()
      }
      writer.compactNullableString(message)
      writer.noTaggedFields()
    }
    writer.noTaggedFields()
  }
  writer.int32(throttleMs)
  writer.noTaggedFields()
}

export interface TopicResult {
  readonly code: number
  readonly name: string
  readonly id: string
  /** Leader and leader epoch by partition. */
  readonly partitions: readonly { readonly leader: number; readonly epoch: number }[]
}

export interface BrokerResult {
  readonly node: number
  readonly host: string
  readonly port: number
}

export function writeMetadata(
  writer: Writer,
  brokers: readonly BrokerResult[],
  topics: readonly TopicResult[],
  throttleMs = 0,
): void {
  writer.int32(throttleMs)
  writer.compactArray(brokers.length)
  for (const { node, host, port } of brokers) {
    writer.int32(node)
    writer.compactString(host)
    writer.int32(port)
    writer.compactNullableString(null)
    writer.noTaggedFields()
  }
  writer.compactNullableString('fake')
  writer.int32(brokers[0]?.node ?? -1)
  writer.compactArray(topics.length)
  for (const topic of topics) writeTopic(writer, topic)
  writer.noTaggedFields()
}

function writeTopic(writer: Writer, { code, name, id, partitions }: TopicResult): void {
  writer.int16(code)
  writer.compactNullableString(name)
  writer.uuid(id)
  writer.boolean(false)
  writer.compactArray(partitions.length)
  for (const [index, { leader, epoch }] of partitions.entries()) {
    writer.int16(leader < 0 ? 5 : 0)
    writer.int32(index)
    writer.int32(leader)
    writer.int32(epoch)
    for (const nodes of [[leader], [leader], []]) {
      writer.compactArray(nodes.length)
      for (const node of nodes) writer.int32(node)
    }
    writer.noTaggedFields()
  }
  writer.int32(-(2 ** 31))
  writer.noTaggedFields()
}

export function writeInitProducerId(writer: Writer, response: { code: number; id: number; throttleMs?: number }): void {
  writer.int32(response.throttleMs ?? 0)
  writer.int16(response.code)
  writer.int64(response.code === 0 ? response.id : -1)
  writer.int16(response.code === 0 ? 0 : -1)
  writer.noTaggedFields()
}

/** API key, first version, last version. */
export type ApiRow = readonly [key: number, min: number, max: number]

export function writeApiVersions(writer: Writer, rows: readonly ApiRow[]): void {
  writer.int16(0)
  writer.compactArray(rows.length)
  for (const row of rows) {
    for (const value of row) writer.int16(value)
    writer.noTaggedFields()
  }
  writer.int32(0)
  writer.noTaggedFields()
}

/** Writes the response of a broker that does not know the requested version: UNSUPPORTED_VERSION in version 0. */
export function writeOldApiVersions(writer: Writer, rows: readonly ApiRow[]): void {
  writer.int16(35)
  writer.int32(rows.length)
  for (const row of rows) for (const value of row) writer.int16(value)
}
