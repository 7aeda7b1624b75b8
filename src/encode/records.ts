/**
 * Records as objects, for `--output stdout` and for a record that has to be cut. The hot path never uses them. Layout:
 *   length | attributes (1 byte) | timestamp delta | offset delta | key | value | header count | {name | value}*
 */
import { VarintReader, sized, varint } from './varint.ts'

export interface Header {
  readonly name: string
  readonly value: Uint8Array | null
}

export interface DecodedRecord {
  readonly timestampDelta: number
  readonly offsetDelta: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly Header[]
}

/** Decodes one record, its length included. Throws RangeError when the bytes are not one whole record. */
export function decodeRecord(bytes: Uint8Array): DecodedRecord {
  const reader = new VarintReader(bytes)
  const record = readRecord(reader)
  if (reader.at < bytes.length) throw new RangeError(`${bytes.length - reader.at} bytes behind a record`)
  return record
}

/** Decodes records that lie one behind the other. Throws RangeError when the bytes are anything else. */
export function decodeRecords(bytes: Uint8Array): DecodedRecord[] {
  const reader = new VarintReader(bytes)
  const records: DecodedRecord[] = []
  while (reader.at < bytes.length) records.push(readRecord(reader))
  return records
}

function readRecord(reader: VarintReader): DecodedRecord {
  const length = reader.varint()
  const end = reader.at + length
  reader.bytes(1)
  const timestampDelta = reader.varint()
  const offsetDelta = reader.varint()
  const key = reader.sized()
  const value = reader.sized()
  const headers = Array.from({ length: reader.varint() }, () => ({
    name: Buffer.from(reader.sized() ?? []).toString(),
    value: reader.sized(),
  }))
  if (reader.at !== end) throw new RangeError(`a record of ${length} bytes has ${reader.at - end + length}`)
  return { timestampDelta, offsetDelta, key, value, headers }
}

export function encodeRecord(record: DecodedRecord): Buffer {
  const body = Buffer.concat([
    Buffer.of(0),
    varint(record.timestampDelta),
    varint(record.offsetDelta),
    sized(record.key),
    sized(record.value),
    varint(record.headers.length),
    ...record.headers.flatMap((header) => [sized(Buffer.from(header.name)), sized(header.value)]),
  ])
  return Buffer.concat([varint(body.length), body])
}
