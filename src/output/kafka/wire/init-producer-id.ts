/**
 * InitProducerId, version 4: a producer id for idempotent sending. Without a transaction any broker gives one.
 * https://kafka.apache.org/protocol#The_Messages_InitProducerId
 */
import type { ResponseReader } from './primitives.ts'
import { beginRequest, endRequest, type Api, type RequestHeader } from './request-header.ts'

export const INIT_PRODUCER_ID: Api = { name: 'InitProducerId', key: 22, version: 4 }

export interface InitProducerIdResponse {
  readonly throttleMs: number
  readonly code: number
  /** -1 where `code` is not 0. */
  readonly producerId: number
  readonly producerEpoch: number
}

/**
 * ```
 * header
 * transactional id        compact nullable string  null: idempotence only
 * transaction time-out    int32                    ms; has no meaning without a transactional id
 * producer id             int64                    -1: a new one
 * producer epoch          int16                    -1: a new one
 * tagged fields
 * ```
 */
export function encodeInitProducerId(header: RequestHeader): readonly Buffer[] {
  const writer = beginRequest(INIT_PRODUCER_ID, header)
  writer.compactNullableString(null)
  writer.int32(60_000)
  writer.int64(-1)
  writer.int16(-1)
  writer.noTaggedFields()
  return endRequest(writer)
}

/**
 * ```
 * header's tagged fields
 * throttle time   int32
 * error code      int16
 * producer id     int64
 * producer epoch  int16
 * tagged fields
 * ```
 */
export function decodeInitProducerId(reader: ResponseReader): InitProducerIdResponse {
  reader.skipTaggedFields()
  const throttleMs = reader.int32()
  const code = reader.int16()
  const producerId = reader.int64()
  const producerEpoch = reader.int16()
  reader.skipTaggedFields()
  reader.end()
  return { throttleMs, code, producerId, producerEpoch }
}
