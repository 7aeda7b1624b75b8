/**
 * Makes one encoded record smaller, for a broker that accepts less than the settings say: the line is cut at the border
 * of a character and marked as truncated; the metadata stays whole.
 */
import type { CutRecord } from '../flow.ts'
import { type DecodedRecord, decodeRecord, encodeRecord } from './records.ts'

const MARK = 'truncated'
const MARKING = { name: 'log.flags', value: Buffer.from(MARK) }

/** The record cut to at most `maxBytes` bytes, or null when not even an empty line would fit. */
export function cutRecord(bytes: Uint8Array, maxBytes: number): CutRecord | null {
  const record = decodeRecord(bytes)
  if (record.value === null) return null
  const message = record.headers.length > 0 ? null : messageOf(record.value)
  const rebuild = (kept: number): Rebuilt => (message === null ? cutRaw(record, kept) : cutJson(record, message, kept))
  const length = message === null ? record.value.length : message.text.length
  // how long a cut text is depends on its escapes, so the right place is found by binary search
  let fits = -1
  let low = 0
  let high = Math.max(0, length - 1)
  while (low <= high) {
    const middle = (low + high) >> 1
    if (encodeRecord(rebuild(middle).record).length <= maxBytes) {
      fits = middle
      low = middle + 1
    } else high = middle - 1
  }
  if (fits < 0) return null
  const { record: smaller, cutBytes } = rebuild(fits)
  return { bytes: encodeRecord(smaller), cutBytes, wasWhole: !isMarked(record, message) }
}

interface Rebuilt {
  readonly record: DecodedRecord
  readonly cutBytes: number
}

interface Message {
  readonly object: object & { readonly log: object & { readonly flags?: unknown } }
  readonly text: string
}

/**
 * The object of a json record, or null for a raw one. A raw line that is shipped without headers may be a json record
 * that another agent has written. It is cut like one, in its message and not at its end, so that it stays valid JSON.
 */
function messageOf(value: Uint8Array): Message | null {
  if (!Buffer.from(value.subarray(0, 15)).equals(Buffer.from('{"@timestamp":"'))) return null
  try {
    const object: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value))
    if (!isObject(object) || !('log' in object) || !('message' in object) || !('agent' in object)) return null
    const { log, message } = object
    return typeof message === 'string' && isObject(log) ? { object: { ...object, log }, text: message } : null
  } catch {
    return null
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function cutJson(record: DecodedRecord, { object, text }: Message, kept: number): Rebuilt {
  // a surrogate pair is never split
  const end = kept > 0 && /[\uD800-\uDBFF]/.test(text.charAt(kept - 1)) ? kept - 1 : kept
  const cut = { ...object, message: text.slice(0, end), log: { ...object.log, flags: [MARK] } }
  return {
    record: { ...record, value: Buffer.from(JSON.stringify(cut)) },
    cutBytes: Buffer.byteLength(text.slice(end)),
  }
}

function cutRaw(record: DecodedRecord, kept: number): Rebuilt {
  const value = record.value ?? Buffer.alloc(0)
  let end = kept
  while (end > 0 && kept - end < 3 && ((value[end] ?? 0) & 0xc0) === 0x80) end--
  const hasHeaders = record.headers.length > 0
  const headers = hasHeaders && !isMarked(record, null) ? [...record.headers, MARKING] : record.headers
  return { record: { ...record, value: value.subarray(0, end), headers }, cutBytes: value.length - end }
}

/** Whether the record is marked as cut already. A record without headers has no place for the mark. */
function isMarked({ headers }: DecodedRecord, message: Message | null): boolean {
  if (message === null) return headers.some(({ name }) => name === MARKING.name)
  const { flags } = message.object.log
  return Array.isArray(flags) && flags.includes(MARK)
}
