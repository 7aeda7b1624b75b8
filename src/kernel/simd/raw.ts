// Append entries to an open record batch with the line's bytes as the value. Oracle: kernel/twin.ts `appendRaw`.
//
// A record (magic 2; every integer a zigzag varint):
//   length | attributes (1 byte, 0) | timestamp delta | offset delta | key length, key | value length, value
//   | header count | { name length, name | value length, value }*
import {
  SHIP,
  TRUNCATED,
  bytesOf,
  flagsOf,
  laneOf,
  lengthOf,
  setFlags,
  startOf,
  streamOf,
  textOf,
  timestampOf,
  verdictOf,
} from './entries'
import { cutLength } from './lines'
import {
  CUT,
  INVALID,
  MAX_TIMESTAMP,
  NEXT,
  OUT,
  RECORDS,
  SETTLED_BYTES,
  SETTLED_LINES,
  SKIPPED,
  CONSUMED,
  result,
} from './results'
import {
  BYTES_NAME,
  HEADERS,
  HEADER_COUNT,
  KEY,
  OFFSET_NAME,
  SKIPPED_NAME,
  STDERR_HEADER,
  STDOUT_HEADER,
  TRUNCATED_HEADER,
  segment,
  segmentLength,
} from './template'
import { copy, digits, digitsSize, lengthSize, lengthVarint, varint, varintSize } from './write'

/** Bytes kept free between the records and the sizes column, because copies overrun. */
export const SLACK: usize = 64

/**
 * Append entries [first, end) of `lane`, from `out` on, as records number `index` and up. Stops before the record that
 * would pass `limit` or reach the sizes column, which grows down from `bufferEnd`: four bytes a record, the source
 * bytes it stands for. `baseTimestamp` in milliseconds; `maxRecord` caps one record's bytes, a longer one is cut;
 * `skipped` are the settled bytes the next record has to tell. Returns the number of records; see results.ts.
 */
export function appendRaw(
  first: u32,
  end: u32,
  lane: u32,
  out: usize,
  limit: usize,
  bufferEnd: usize,
  index: u32,
  baseTimestamp: f64,
  maxRecord: u32,
  skipped: f64,
): u32 {
  const base = <i64>baseTimestamp
  const keyLength = segmentLength(KEY)
  const keySize = keyLength < 0 ? 1 : lengthSize(keyLength) + <u32>keyLength
  const constant = segmentLength(HEADER_COUNT)
  const constantLength = <u32>segmentLength(HEADERS)
  let o = out
  let n: u32 = 0
  let cut: u32 = 0
  let skip = <u64>skipped
  let covered: u64 = 0
  let shipped: u64 = 0
  let settledLines: u32 = 0
  let settledBytes: u64 = 0
  let lastTimestamp: i64 = i64.MIN_VALUE
  let milliseconds: i64 = 0
  let newest: i64 = i64.MIN_VALUE
  let deltaSize: u32 = 0
  let i = first
  for (; i < end; i++) {
    if (laneOf(i) != lane) continue
    const bytes = <u64>bytesOf(i)
    if (verdictOf(i) != SHIP) {
      skip += bytes
      covered += bytes
      settledLines++
      settledBytes += bytes
      continue
    }
    let length = lengthOf(i)
    const text = textOf(i)
    const timestamp = timestampOf(i)
    if (timestamp != lastTimestamp) {
      lastTimestamp = timestamp
      milliseconds = timestamp / 1000000
      deltaSize = varintSize(milliseconds - base)
    }
    let flags = flagsOf(i)
    const stream = streamOf(i)
    const start = <u64>startOf(i)
    let headers: u32 = 0
    let headersSize: u32 = 1
    let offsetDigits: u32 = 0
    let bytesDigits: u32 = 0
    let skippedDigits: u32 = 0
    if (constant >= 0) {
      offsetDigits = digitsSize(start)
      bytesDigits = digitsSize(bytes)
      headers = constant + 2
      headersSize =
        constantLength +
        <u32>segmentLength(OFFSET_NAME) +
        1 +
        offsetDigits +
        <u32>segmentLength(BYTES_NAME) +
        1 +
        bytesDigits
      if (skip > 0) {
        skippedDigits = digitsSize(skip)
        headers++
        headersSize += <u32>segmentLength(SKIPPED_NAME) + 1 + skippedDigits
      }
      if (stream != 0) {
        headers++
        headersSize += <u32>segmentLength(stream == 1 ? STDOUT_HEADER : STDERR_HEADER)
      }
      if (flags & TRUNCATED) {
        headers++
        headersSize += <u32>segmentLength(TRUNCATED_HEADER)
      }
      headersSize += lengthSize(headers)
    }
    const around: u32 = 1 + deltaSize + lengthSize(index + n) + keySize + headersSize
    let body: u32 = around + lengthSize(length) + length
    if (body + 5 > maxRecord) {
      // room for the value once its mark is there too
      let marked: u32 = around
      if (constant >= 0 && !(flags & TRUNCATED)) {
        headersSize += <u32>segmentLength(TRUNCATED_HEADER) + lengthSize(headers + 1) - lengthSize(headers)
        marked = 1 + deltaSize + lengthSize(index + n) + keySize + headersSize
        headers++
      }
      const room = <i32>maxRecord - <i32>marked - 10
      length = room > 0 ? cutLength(text, min(<u32>room, length)) : 0
      body = marked + lengthSize(length) + length
      flags |= TRUNCATED
      setFlags(i, flags)
    }
    const whole = lengthSize(body) + body
    if (o + whole > limit || o + whole + SLACK > bufferEnd - ((<usize>(index + n + 1)) << 2)) break
    // length | attributes | timestamp delta | offset delta
    o = lengthVarint(o, body)
    store<u8>(o++, 0)
    o = varint(o, milliseconds - base)
    o = lengthVarint(o, index + n)
    // key
    if (keyLength < 0) store<u8>(o++, 1)
    else {
      o = lengthVarint(o, keyLength)
      o = copy(o, segment(KEY), keyLength)
    }
    // value
    o = lengthVarint(o, length)
    o = copy(o, text, length)
    // headers
    o = lengthVarint(o, headers)
    if (constant >= 0) {
      o = copy(o, segment(HEADERS), constantLength)
      o = copy(o, segment(OFFSET_NAME), segmentLength(OFFSET_NAME))
      o = lengthVarint(o, offsetDigits)
      o = digits(o, start, offsetDigits)
      o = copy(o, segment(BYTES_NAME), segmentLength(BYTES_NAME))
      o = lengthVarint(o, bytesDigits)
      o = digits(o, bytes, bytesDigits)
      if (skippedDigits > 0) {
        o = copy(o, segment(SKIPPED_NAME), segmentLength(SKIPPED_NAME))
        o = lengthVarint(o, skippedDigits)
        o = digits(o, skip, skippedDigits)
      }
      if (stream == 1) o = copy(o, segment(STDOUT_HEADER), segmentLength(STDOUT_HEADER))
      else if (stream == 2) o = copy(o, segment(STDERR_HEADER), segmentLength(STDERR_HEADER))
      if (flags & TRUNCATED) o = copy(o, segment(TRUNCATED_HEADER), segmentLength(TRUNCATED_HEADER))
    }
    if (flags & TRUNCATED) cut++
    covered += bytes
    n++
    store<u32>(bufferEnd - ((<usize>(index + n - 1)) << 2) - 4, <u32>covered)
    shipped += covered
    covered = 0
    skip = 0
    if (milliseconds > newest) newest = milliseconds
  }
  result(NEXT, <f64>i)
  result(OUT, <f64>o)
  result(RECORDS, <f64>n)
  result(CONSUMED, <f64>shipped)
  result(INVALID, 0)
  result(CUT, <f64>cut)
  result(SETTLED_LINES, <f64>settledLines)
  result(SETTLED_BYTES, <f64>settledBytes)
  result(SKIPPED, <f64>skip)
  result(MAX_TIMESTAMP, <f64>newest)
  return n
}
