/**
 * The largest size of what all records of a file have in common: path, id, fields, agent and key. The kernel has
 * limited room for it (kernel/sizes.ts). encode/json.ts and encode/raw.ts render it; the size here is never less than
 * what they make of it, and little more.
 */
import { PATH_MAX } from './formats.ts'
import type { RecordKey } from '../shipping-rules.ts'
import type { InputConfig } from './inputs.ts'
import type { Fields } from './template.ts'

export interface MetadataSize {
  /** The most bytes of the record key. */
  readonly key: number
  /** The most bytes of all other parts. */
  readonly rest: number
}

/** Bytes of the names of the facts, the file's id, and the characters between them. */
const FRAME_BYTES = 512

/**
 * The most bytes that one byte of a path becomes: an escaped control character in JSON, else a replacement character.
 */
const RENDERED_BYTES = { json: 6, raw: 3 } as const

/** Bytes that a field has as a header beside its name and value: `fields.` and two lengths. */
const HEADER_BYTES = 16

/** The largest size for an input, with the longest path that is possible. */
export function metadataSize(
  { encoding, headers, key, fields }: Pick<InputConfig, 'encoding' | 'headers' | 'key' | 'fields'>,
  agentId: string,
): MetadataSize {
  const path = RENDERED_BYTES[encoding] * PATH_MAX
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
