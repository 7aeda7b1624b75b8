// Access to the cells of the entries' columns (layout.ts).
import {
  FLAGS,
  ROUTE,
  LENGTH,
  RANGE_END,
  RANGE_START,
  RANGE_STOP,
  STREAM,
  TEXT,
  TIMESTAMP,
  VERDICT,
} from './layout'

// @ts-ignore: decorator
@inline export function setEntry(i: u32, text: usize, length: u32, timestamp: i64, flags: u8, verdict: u8): void {
  const four = <usize>i << 2
  store<u32>(four, <u32>text, TEXT)
  store<u32>(four, length, LENGTH)
  store<i64>(<usize>i << 3, timestamp, TIMESTAMP)
  store<u8>(i, flags, FLAGS)
  store<u8>(i, verdict, VERDICT)
}

/** Set the range of an entry that has only one: range i belongs to entry i. */
// @ts-ignore: decorator
@inline export function setRange(i: u32, start: f64, stop: f64): void {
  store<u32>(<usize>i << 2, i + 1, RANGE_END)
  store<f64>(<usize>i << 3, start, RANGE_START)
  store<f64>(<usize>i << 3, stop, RANGE_STOP)
}

/** Give entries [0, n) no stream and route 0, instead of what an earlier call left in these columns. */
export function clearRouting(n: u32): void {
  memory.fill(STREAM, 0, n)
  memory.fill(ROUTE, 0, n << 2)
}

// @ts-ignore: decorator
@inline export function textOf(i: u32): usize {
  return load<u32>(<usize>i << 2, TEXT)
}
// @ts-ignore: decorator
@inline export function lengthOf(i: u32): u32 {
  return load<u32>(<usize>i << 2, LENGTH)
}
// @ts-ignore: decorator
@inline export function timestampOf(i: u32): i64 {
  return load<i64>(<usize>i << 3, TIMESTAMP)
}
// @ts-ignore: decorator
@inline export function streamOf(i: u32): u8 {
  return load<u8>(i, STREAM)
}
// @ts-ignore: decorator
@inline export function flagsOf(i: u32): u8 {
  return load<u8>(i, FLAGS)
}
// @ts-ignore: decorator
@inline export function setFlags(i: u32, flags: u8): void {
  store<u8>(i, flags, FLAGS)
}
// @ts-ignore: decorator
@inline export function verdictOf(i: u32): u8 {
  return load<u8>(i, VERDICT)
}
// @ts-ignore: decorator
@inline export function setVerdict(i: u32, verdict: u8): void {
  store<u8>(i, verdict, VERDICT)
}
// @ts-ignore: decorator
@inline export function routeOf(i: u32): u32 {
  return load<u32>(<usize>i << 2, ROUTE)
}
/** Where the entry's ranges end; they begin where those of the entry before it end. */
// @ts-ignore: decorator
@inline export function rangeEndOf(i: u32): u32 {
  return load<u32>(<usize>i << 2, RANGE_END)
}
// @ts-ignore: decorator
@inline export function rangeStart(range: u32): f64 {
  return load<f64>(<usize>range << 3, RANGE_START)
}

/** Source bytes in ranges [first, end). */
// @ts-ignore: decorator
@inline export function bytesIn(first: u32, end: u32): u64 {
  let sum: f64 = 0
  for (let r = first; r < end; r++) {
    sum += load<f64>(<usize>r << 3, RANGE_STOP) - load<f64>(<usize>r << 3, RANGE_START)
  }
  return <u64>sum
}
