/**
 * ApiVersions, version 3: which versions of which APIs a broker supports. Sent once on every new connection.
 * https://kafka.apache.org/protocol#The_Messages_ApiVersions
 */
import type { ResponseReader } from './primitives.ts'
import { beginRequest, endRequest, type Api, type RequestHeader } from './request-header.ts'

export const API_VERSIONS: Api = { name: 'ApiVersions', key: 18, version: 3 }

const UNSUPPORTED_VERSION = 35

/** The first and last version of an API that a broker supports. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

export interface ApiVersionsResponse {
  readonly code: number
  /** By API key. */
  readonly ranges: ReadonlyMap<number, VersionRange>
}

/**
 * ```
 * header
 * client software name     compact string
 * client software version  compact string
 * tagged fields
 * ```
 * A broker refuses names and versions with characters other than letters, digits, '-' and '.'.
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
 * The header of this response has no tagged fields in any version, since the client cannot know yet which versions the
 * broker supports. For the same reason a broker that doesn't know version 3 responds in the form of version 0: error
 * code UNSUPPORTED_VERSION, then an array with an int32 length and no tagged fields, then nothing.
 */
export function decodeApiVersions(reader: ResponseReader): ApiVersionsResponse {
  const code = reader.int16()
  const old = code === UNSUPPORTED_VERSION
  const ranges = new Map<number, VersionRange>()
  for (let left = old ? reader.array(6) : reader.compactArray(7); left > 0; left--) {
    const key = reader.int16()
    ranges.set(key, { min: reader.int16(), max: reader.int16() })
    if (!old) reader.skipTaggedFields()
  }
  if (!old) {
    reader.skip(4)
    reader.skipTaggedFields()
  }
  reader.end()
  return { code, ranges }
}

/** The APIs that are needed and a broker lacks, in words for a person; empty if it lacks none. */
export function missingApis(ranges: ReadonlyMap<number, VersionRange>, needed: readonly Api[]): readonly string[] {
  const missing: string[] = []
  for (const api of needed) {
    const range = ranges.get(api.key)
    if (range === undefined) missing.push(`${api.name} (not supported)`)
    else if (api.version < range.min || api.version > range.max) {
      missing.push(`${api.name} version ${api.version} (the broker supports ${range.min} to ${range.max})`)
    }
  }
  return missing
}
