/**
 * Metadata, version 12: the brokers' addresses, and the id, the partitions and their leaders of each requested topic.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */
import { AgentError } from '../../../errors.ts'
import { NO_TOPIC_ID } from '../../transport.ts'
import type { ResponseReader } from './primitives.ts'
import { beginRequest, endRequest, type Api, type RequestHeader } from './request-header.ts'

export const METADATA: Api = { name: 'Metadata', key: 3, version: 12 }

/** Several times the size of the largest clusters. Each broker costs us more memory than its bytes in the response. */
const MAX_BROKERS = 10_000

export interface BrokerMetadata {
  readonly node: number
  readonly host: string
  readonly port: number
}

export interface PartitionMetadata {
  readonly partition: number
  /** Node id, -1 where there is no leader now. */
  readonly leader: number
  /** Grows with every election. A response with a smaller one is older than what is known. */
  readonly leaderEpoch: number
}

/** A topic in a response. Each topic has an error code of its own: one bad topic says nothing of the others. */
export interface TopicMetadata {
  readonly code: number
  /** null only in responses to requests by id, which we never send. */
  readonly name: string | null
  /** 32 hexadecimal digits. Another id under the same name means another topic. */
  readonly id: string
  readonly partitions: readonly PartitionMetadata[]
  /** Bit field of what we may do with the topic (bit 4: write), -2^31 where it was not requested. */
  readonly authorizedOperations: number
}

export interface MetadataResponse {
  readonly throttleMs: number
  readonly brokers: readonly BrokerMetadata[]
  readonly clusterId: string | null
  readonly topics: readonly TopicMetadata[]
}

/**
 * ```
 * header
 * topics                               compact array  (null would mean all, an empty one means none)
 *   topic id                           uuid           zero: the topic is given by name
 *   name                               compact nullable string
 *   tagged fields
 * allow auto topic creation            boolean        false: a request for a topic must not create it
 * include topic authorized operations  boolean
 * tagged fields
 * ```
 */
export function encodeMetadata(
  header: RequestHeader,
  topics: readonly string[],
  authorizedOperations = false,
): readonly Buffer[] {
  const writer = beginRequest(METADATA, header)
  writer.compactArray(topics.length)
  for (const topic of topics) {
    writer.uuid(NO_TOPIC_ID)
    writer.compactNullableString(topic)
    writer.noTaggedFields()
  }
  writer.boolean(false)
  writer.boolean(authorizedOperations)
  writer.noTaggedFields()
  return endRequest(writer)
}

/**
 * ```
 * header's tagged fields
 * throttle time                  int32
 * brokers                        compact array
 *   node id                      int32
 *   host                         compact string
 *   port                         int32
 *   rack                         compact nullable string
 *   tagged fields
 * cluster id                     compact nullable string
 * controller id                  int32
 * topics                         compact array
 *   error code                   int16
 *   name                         compact nullable string
 *   topic id                     uuid
 *   is internal                  boolean
 *   partitions                   compact array (decodePartition)
 *   topic authorized operations  int32
 *   tagged fields
 * tagged fields
 * ```
 */
export function decodeMetadata(reader: ResponseReader): MetadataResponse {
  reader.skipTaggedFields()
  const throttleMs = reader.int32()
  const brokers: BrokerMetadata[] = []
  const count = reader.compactArray(11)
  if (count > MAX_BROKERS) throw new AgentError('protocol-violation', `a cluster of ${count} brokers was announced`)
  for (let left = count; left > 0; left--) {
    brokers.push({ node: reader.int32(), host: reader.compactString(), port: reader.int32() })
    reader.compactNullableString()
    reader.skipTaggedFields()
  }
  const clusterId = reader.compactNullableString()
  reader.int32()
  const topics: TopicMetadata[] = []
  for (let left = reader.compactArray(26); left > 0; left--) topics.push(decodeTopic(reader))
  reader.skipTaggedFields()
  reader.end()
  return { throttleMs, brokers, clusterId, topics }
}

function decodeTopic(reader: ResponseReader): TopicMetadata {
  const code = reader.int16()
  const name = reader.compactNullableString()
  const id = reader.uuid()
  reader.boolean()
  const partitions: PartitionMetadata[] = []
  for (let left = reader.compactArray(18); left > 0; left--) partitions.push(decodePartition(reader))
  const authorizedOperations = reader.int32()
  reader.skipTaggedFields()
  return { code, name, id, partitions, authorizedOperations }
}

/**
 * ```
 * error code        int16
 * partition index   int32
 * leader id         int32
 * leader epoch      int32
 * replica nodes     compact array of int32
 * isr nodes         compact array of int32
 * offline replicas  compact array of int32
 * tagged fields
 * ```
 */
function decodePartition(reader: ResponseReader): PartitionMetadata {
  reader.skip(2)
  const partition = reader.int32()
  const leader = reader.int32()
  const leaderEpoch = reader.int32()
  for (let lists = 3; lists > 0; lists--) reader.skip(4 * reader.compactArray(4))
  reader.skipTaggedFields()
  return { partition, leader, leaderEpoch }
}
