// Append entries to an open record batch: the loop around the records, which raw.ts and json.ts write.
// The tests' oracle is `append` of test/support/twin/twin.ts.
import {
  bytesIn,
  flagsOf,
  routeOf,
  lengthOf,
  rangeEndOf,
  rangeStart,
  setVerdict,
  timestampOf,
  verdictOf,
} from './entries'
import { lastInvalid } from './escape'
import { jsonRecord, prepareJson } from './json'
import {
  CONSUMED,
  CUT,
  CUT_BYTES,
  INVALID,
  MAX_TIMESTAMP,
  NEXT,
  OUT,
  OVERSIZE,
  OVERSIZE_AT,
  RECORDS,
  SETTLED_BYTES,
  SETTLED_LINES,
  SETTLE_TOO_LARGE,
  SHIP,
  SKIPPED,
  SLACK,
  TRUNCATED,
} from './layout'
import { prepareRaw, rawRecord } from './raw'
import { NO_ROOM, TOO_LARGE, takeKept } from './record'
import { result } from './results'

/**
 * Append entries [first, end) of `route` from `out` on, as records with the numbers `index` and up. Stops before a
 * record that would pass `limit` or come within SLACK of the sizes column. That column grows down from `bufferEnd` and
 * has eight bytes a record: the source bytes that the record stands for, and how many of these were settled before it.
 * `baseTimestamp` is in milliseconds; `skipped` are the settled bytes that the next record has to report. A record over
 * `maxRecord` bytes is cut where there is room for one of that size. An entry is settled as too large if its record
 * would be over `maxRecord` even without the text, or with `drop` if its record is over it at all. Returns the number
 * of records; layout.ts has the results.
 */
// @ts-ignore: decorator
@inline function append(
  json: bool,
  first: u32,
  end: u32,
  route: u32,
  out: usize,
  limit: usize,
  bufferEnd: usize,
  index: u32,
  baseTimestamp: f64,
  maxRecord: u32,
  drop: bool,
  skipped: f64,
): u32 {
  const base = <i64>baseTimestamp
  let o = out
  let number = index
  let cut: u32 = 0
  let cutBytes: i64 = 0
  let tooLarge: u32 = 0
  let tooLargeAt: u64 = 0
  let invalid: u32 = 0
  let skip = <u64>skipped
  /** Source bytes since the last record. */
  let covered: u64 = 0
  let shipped: u64 = 0
  let settledLines: u32 = 0
  let settledBytes: u64 = 0
  let timestamp: i64 = i64.MIN_VALUE
  let milliseconds: i64 = 0
  let newest: i64 = i64.MIN_VALUE
  let range = first == 0 ? 0 : rangeEndOf(first - 1)
  let i = first
  for (; i < end; i++) {
    const firstRange = range
    range = rangeEndOf(i)
    if (routeOf(i) != route) continue
    const bytes = bytesIn(firstRange, range)
    if (verdictOf(i) == SHIP) {
      if (timestampOf(i) != timestamp) {
        timestamp = timestampOf(i)
        milliseconds = timestamp / 1000000
      }
      const start = <u64>rangeStart(firstRange)
      const delta = milliseconds - base
      const size = bufferEnd - ((<usize>number + 1) << 3)
      const room = <i32>(min<usize>(limit, size - SLACK) - o)
      const to = json
        ? jsonRecord(i, o, room, maxRecord, drop, number, delta, start, bytes, skip)
        : rawRecord(i, o, room, maxRecord, drop, number, delta, start, bytes, skip)
      if (to == NO_ROOM) break
      if (to != TOO_LARGE) {
        o = to
        number++
        if (flagsOf(i) & TRUNCATED) {
          cut++
          const kept = takeKept()
          cutBytes += <i64>bytes - <i64>(kept < 0 ? lengthOf(i) : <u32>kept)
          if (kept >= 0 && tooLarge++ == 0) tooLargeAt = start
        }
        if (json) invalid += lastInvalid()
        if (milliseconds > newest) newest = milliseconds
        store<u32>(size, <u32>covered, 4)
        covered += bytes
        store<u32>(size, <u32>covered)
        shipped += covered
        covered = 0
        skip = 0
        continue
      }
      setVerdict(i, SETTLE_TOO_LARGE)
    }
    skip += bytes
    covered += bytes
    settledLines++
    settledBytes += bytes
  }
  result(NEXT, <f64>i)
  result(OUT, <f64>o)
  result(RECORDS, <f64>(number - index))
  result(CONSUMED, <f64>shipped)
  result(INVALID, <f64>invalid)
  result(CUT, <f64>cut)
  result(CUT_BYTES, <f64>cutBytes)
  result(OVERSIZE, <f64>tooLarge)
  result(OVERSIZE_AT, <f64>tooLargeAt)
  result(SETTLED_LINES, <f64>settledLines)
  result(SETTLED_BYTES, <f64>settledBytes)
  result(SKIPPED, <f64>skip)
  result(MAX_TIMESTAMP, <f64>newest)
  return number - index
}

/** Records with the line's bytes as the value. */
export function appendRaw(
  first: u32,
  end: u32,
  route: u32,
  out: usize,
  limit: usize,
  bufferEnd: usize,
  index: u32,
  baseTimestamp: f64,
  maxRecord: u32,
  drop: bool,
  skipped: f64,
): u32 {
  prepareRaw()
  return append(false, first, end, route, out, limit, bufferEnd, index, baseTimestamp, maxRecord, drop, skipped)
}

/** Records with a JSON object as the value. */
export function appendJson(
  first: u32,
  end: u32,
  route: u32,
  out: usize,
  limit: usize,
  bufferEnd: usize,
  index: u32,
  baseTimestamp: f64,
  maxRecord: u32,
  drop: bool,
  skipped: f64,
): u32 {
  prepareJson()
  return append(true, first, end, route, out, limit, bufferEnd, index, baseTimestamp, maxRecord, drop, skipped)
}
