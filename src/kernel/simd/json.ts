// Append entries to an open record batch with a JSON object as the value. Oracle: kernel/twin.ts `appendJson`.
//
// The value: HEAD time MESSAGE escaped-text [STDOUT|STDERR] LOG offset BYTES bytes [SKIPPED n] [FLAGS] TAIL
// Record layout and sizes column as in raw.ts; a json record has no headers.
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
import { escape, escapedLength, fits, lastInvalid } from './escape'
import { SLACK } from './raw'
import {
  CONSUMED,
  CUT,
  INVALID,
  MAX_TIMESTAMP,
  NEXT,
  OUT,
  RECORDS,
  SETTLED_BYTES,
  SETTLED_LINES,
  SKIPPED,
  result,
} from './results'
import {
  BYTES,
  FLAGS,
  HEAD,
  KEY,
  LOG,
  MESSAGE,
  SKIPPED_FIELD,
  STDERR,
  STDOUT,
  TAIL,
  segment,
  segmentLength,
} from './template'
import { TIMESTAMP_BYTES, timestampText } from './timestamp'
import { copy, digits, digitsSize, lengthSize, lengthVarint, varint, varintSize } from './write'

/** Parameters, stops and results as `appendRaw`. */
export function appendJson(
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
  const fixed =
    <u32>(
      (segmentLength(HEAD) + segmentLength(MESSAGE) + segmentLength(LOG) + segmentLength(BYTES) + segmentLength(TAIL))
    ) + TIMESTAMP_BYTES
  let o = out
  let n: u32 = 0
  let cut: u32 = 0
  let invalid: u32 = 0
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
    const offsetDigits = digitsSize(start)
    const bytesDigits = digitsSize(bytes)
    const skippedDigits: u32 = skip > 0 ? digitsSize(skip) : 0
    let around: u32 = fixed + offsetDigits + bytesDigits
    if (skippedDigits > 0) around += <u32>segmentLength(SKIPPED_FIELD) + skippedDigits
    if (stream != 0) around += <u32>segmentLength(stream == 1 ? STDOUT : STDERR)
    if (flags & TRUNCATED) around += <u32>segmentLength(FLAGS)
    // attributes, timestamp delta, offset delta, key, header count
    const before: u32 = 2 + deltaSize + lengthSize(index + n) + keySize
    const room = min<usize>(limit, bufferEnd - ((<usize>(index + n + 1)) << 2) - SLACK)
    // without escapes the text keeps its length; six times that is the most it can grow to
    const most: u32 = before + around + 6 * length + 10
    let escaped = length
    if (most > maxRecord || o + most > room) {
      escaped = escapedLength(text, text + length, u32.MAX_VALUE)
      if (before + around + escaped + 10 > maxRecord) {
        const marked: u32 = before + around + (flags & TRUNCATED ? 0 : <u32>segmentLength(FLAGS)) + 10
        escaped = escapedLength(text, text + length, maxRecord > marked ? maxRecord - marked : 0)
        length = <u32>(fits() - text)
        if (!(flags & TRUNCATED)) around += <u32>segmentLength(FLAGS)
        flags |= TRUNCATED
        setFlags(i, flags)
      }
      const value = around + escaped
      const body = before + lengthSize(value) + value
      if (o + lengthSize(body) + body > room) break
    }
    // The sizes are known for certain only behind the text; the first guess is right unless an escape crosses a
    // varint's border, and then the record is moved.
    const record = o
    const guess = around + escaped
    const guessedBody = before + lengthSize(guess) + guess
    let p = record + lengthSize(guessedBody) + before - 1 + lengthSize(guess)
    const value = p
    p = copy(p, segment(HEAD), segmentLength(HEAD))
    p = copy(p, timestampText(timestamp), TIMESTAMP_BYTES)
    p = copy(p, segment(MESSAGE), segmentLength(MESSAGE))
    p = escape(text, text + length, p)
    invalid += lastInvalid()
    if (stream == 1) p = copy(p, segment(STDOUT), segmentLength(STDOUT))
    else if (stream == 2) p = copy(p, segment(STDERR), segmentLength(STDERR))
    p = copy(p, segment(LOG), segmentLength(LOG))
    p = digits(p, start, offsetDigits)
    p = copy(p, segment(BYTES), segmentLength(BYTES))
    p = digits(p, bytes, bytesDigits)
    if (skippedDigits > 0) {
      p = copy(p, segment(SKIPPED_FIELD), segmentLength(SKIPPED_FIELD))
      p = digits(p, skip, skippedDigits)
    }
    if (flags & TRUNCATED) p = copy(p, segment(FLAGS), segmentLength(FLAGS))
    p = copy(p, segment(TAIL), segmentLength(TAIL))
    const valueLength = <u32>(p - value)
    const body = before + lengthSize(valueLength) + valueLength
    const to = record + lengthSize(body) + before - 1 + lengthSize(valueLength)
    if (to != value) memory.copy(to, value, valueLength)
    o = lengthVarint(record, body)
    store<u8>(o++, 0)
    o = varint(o, milliseconds - base)
    o = lengthVarint(o, index + n)
    if (keyLength < 0) store<u8>(o++, 1)
    else {
      o = lengthVarint(o, keyLength)
      // exact, not by 16: the value behind it is already there
      memory.copy(o, segment(KEY), keyLength)
      o += keyLength
    }
    o = lengthVarint(o, valueLength)
    o += valueLength
    store<u8>(o++, 0)
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
  result(INVALID, <f64>invalid)
  result(CUT, <f64>cut)
  result(SETTLED_LINES, <f64>settledLines)
  result(SETTLED_BYTES, <f64>settledBytes)
  result(SKIPPED, <f64>skip)
  result(MAX_TIMESTAMP, <f64>newest)
  return n
}
