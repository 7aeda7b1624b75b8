/**
 * The frame and the header that every request begins with. It is header version 2, as in all flexible requests. The
 * header of responses (correlation id, then tagged fields) is read by connection.ts and the API's own file.
 */
import { Writer } from './primitives.ts'

/** An API, in the one version that we use. */
export interface Api {
  readonly name: string
  readonly key: number
  readonly version: number
}

/** The fields of a request's header besides its API. */
export interface RequestHeader {
  /** Given by the connection. The response has the same one. */
  readonly correlationId: number
  readonly clientId: string
}

/**
 * ```
 * frame length    int32   of everything behind it; 0 at first, filled in by endRequest
 * api key         int16
 * api version     int16
 * correlation id  int32
 * client id       string  int16 length: this one field was never made compact, so that any broker can read the header
 * tagged fields
 * ```
 */
export function beginRequest(api: Api, header: RequestHeader, capacity?: number): Writer {
  const writer = new Writer(capacity)
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(api.version)
  writer.int32(header.correlationId)
  writer.string(header.clientId)
  writer.noTaggedFields()
  return writer
}

/** Fills in the frame length of a request whose bytes are all in the writer; returns its frame. */
export function endRequest(writer: Writer): readonly [Buffer] {
  const frame = writer.cut()
  frame.writeInt32BE(frame.length - 4)
  return [frame]
}
