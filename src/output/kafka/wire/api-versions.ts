/**
 * ApiVersions, version 3: which versions of which APIs a broker speaks. Asked once on every new connection.
 * https://kafka.apache.org/protocol#The_Messages_ApiVersions
 */
import type { AnswerReader } from './primitives.ts'
import { beginRequest, endRequest, type Api, type RequestHeader } from './request-header.ts'

export const API_VERSIONS: Api = { name: 'ApiVersions', key: 18, version: 3 }

const UNSUPPORTED_VERSION = 35

/** First and last version a broker speaks. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface ApiVersionsAnswer {
  readonly code: number
  /** By API key. */
  readonly ranges: ReadonlyMap<number, VersionRange>
  readonly throttleMs: number
}

/**
 * ```
 * header
 * client software name     compact string
 * client software version  compact string
 * tagged fields
 * ```
 * A broker refuses names and versions that are not letters, digits, '-' and '.'.
 */
export function encodeApiVersions(
  header: RequestHeader,
  software: { name: string; version: string },
): readonly Buffer[] {
  const writer = beginRequest(API_VERSIONS, header)
  writer.compactString(software.name)
  writer.compactString(software.version)
  writer.noTaggedFields()
  return endRequest(writer)
}

/**
 * ```
 * error code     int16
 * api keys       compact array
 *   api key      int16
 *   min version  int16
 *   max version  int16
 *   tagged fields
 * throttle time  int32
 * tagged fields
 * ```
 * The header of this answer has no tagged fields in any version, for the client that asks can't know yet what the
 * broker speaks. For the same reason a broker that doesn't know version 3 answers in the form of version 0: error code
 * UNSUPPORTED_VERSION, then an array with an int32 length and no tagged fields, then nothing.
 */
export function decodeApiVersions(reader: AnswerReader): ApiVersionsAnswer {
  const code = reader.int16()
  const old = code === UNSUPPORTED_VERSION
  const ranges = new Map<number, VersionRange>()
  for (let left = old ? reader.array(6) : reader.compactArray(7); left > 0; left--) {
    const key = reader.int16()
    ranges.set(key, { min: reader.int16(), max: reader.int16() })
    if (!old) reader.skipTaggedFields()
  }
  let throttleMs = 0
  if (!old) {
    throttleMs = reader.int32()
    reader.skipTaggedFields()
  }
  reader.end()
  return { code, ranges, throttleMs }
}

/** What a broker lacks of the APIs we need, in words for a person; empty if nothing. */
export function missingApis(ranges: ReadonlyMap<number, VersionRange>, needed: readonly Api[]): readonly string[] {
  const missing: string[] = []
  for (const api of needed) {
    const range = ranges.get(api.key)
    if (range === undefined) missing.push(`${api.name} (not spoken at all)`)
    else if (api.version < range.min || api.version > range.max) {
      missing.push(`${api.name} version ${api.version} (it speaks ${range.min} to ${range.max})`)
    }
  }
  return missing
}
