/**
 * How large what all records of a file have in common can get: path, id, fields, agent and key. The kernel keeps room for
 * so much and no more (kernel/sizes.ts). encode/json.ts and encode/raw.ts render it; this is never less, and little more.
 */
import { PATH_MAX } from './formats.ts'
import type { RecordKey } from '../shipping-rules.ts'
import type { InputConfig } from './inputs.ts'
import type { Fields } from './template.ts'

export interface MetadataSize {
  /** Bytes, at most. */
  readonly key: number
  readonly rest: number
}

/** The names of the facts, the file's id, and all between them. */
const FRAME_BYTES = 512

/** What a byte of a path becomes at most: a control character escaped in JSON, and a replacement character. */
const TOLD_BYTES = { json: 6, raw: 3 } as const

/** Of a field as a header: `fields.` before its name, and two lengths. */
const HEADER_BYTES = 16

/** For the longest path that there can be. */
export function metadataSize(
  { encoding, headers, key, fields }: Pick<InputConfig, 'encoding' | 'headers' | 'key' | 'fields'>,
  agentId: string,
): MetadataSize {
  const path = TOLD_BYTES[encoding] * PATH_MAX
  const rest =
    encoding === 'json'
      ? path + Buffer.byteLength(JSON.stringify({ agentId, fields }))
      : headers === 'otel'
        ? path + headerBytes(fields)
        : 0
  return { key: keyBytes(key), rest: FRAME_BYTES + rest }
}

function headerBytes(fields: Fields): number {
  const entries = Object.entries(fields)
  return HEADER_BYTES * entries.length + Buffer.byteLength(entries.flat().join(''))
}

function keyBytes(key: RecordKey): number {
  if (key.kind === 'none') return 0
  if (key.kind === 'file') return PATH_MAX
  return key.parts.reduce((bytes, part) => bytes + (typeof part === 'string' ? Buffer.byteLength(part) : PATH_MAX), 0)
}
