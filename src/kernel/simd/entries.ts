// The columns of the entries, as kernel/layout.ts lays them out: this file only knows how to reach a cell.
// Keep the offsets equal to layout.ts; test/unit/kernel/layout.test.ts compares them.

/** Entries and ranges one call may make. */
export const CAPACITY: u32 = 4096
export const RANGE_CAPACITY: u32 = 8192

const TEXT: usize = 0
const LENGTH: usize = 4 * CAPACITY
const RANGE_END: usize = 8 * CAPACITY
const LANE: usize = 12 * CAPACITY
const TIMESTAMP: usize = 16 * CAPACITY
const STREAM: usize = 24 * CAPACITY
const FLAGS: usize = 25 * CAPACITY
const VERDICT: usize = 26 * CAPACITY
const RANGE_START: usize = 28 * CAPACITY
const RANGE_STOP: usize = RANGE_START + 8 * RANGE_CAPACITY

export const COLUMNS_BYTES: usize = RANGE_STOP + 8 * RANGE_CAPACITY

export const SHIP: u8 = 0
export const SETTLE_EMPTY: u8 = 1
export const SETTLE_TOO_LONG: u8 = 2

export const TRUNCATED: u8 = 1

let base: usize = 0

/** Tell once where the columns lie. */
export function place(columns: usize): void {
  base = columns
}

// @ts-ignore: decorator
@inline export function setEntry(i: u32, text: usize, length: u32, timestamp: i64, flags: u8, verdict: u8): void {
  const four = base + (<usize>i << 2)
  store<u32>(four + TEXT, <u32>text)
  store<u32>(four + LENGTH, length)
  store<u32>(four + RANGE_END, i + 1)
  store<i64>(base + TIMESTAMP + (<usize>i << 3), timestamp)
  store<u8>(base + FLAGS + i, flags)
  store<u8>(base + VERDICT + i, verdict)
}

/** The one range of an entry that came from one place: range i belongs to entry i. */
// @ts-ignore: decorator
@inline export function setRange(i: u32, start: f64, stop: f64): void {
  store<f64>(base + RANGE_START + (<usize>i << 3), start)
  store<f64>(base + RANGE_STOP + (<usize>i << 3), stop)
}

// @ts-ignore: decorator
@inline export function textOf(i: u32): usize {
  return load<u32>(base + TEXT + (<usize>i << 2))
}
// @ts-ignore: decorator
@inline export function lengthOf(i: u32): u32 {
  return load<u32>(base + LENGTH + (<usize>i << 2))
}
// @ts-ignore: decorator
@inline export function timestampOf(i: u32): i64 {
  return load<i64>(base + TIMESTAMP + (<usize>i << 3))
}
// @ts-ignore: decorator
@inline export function streamOf(i: u32): u8 {
  return load<u8>(base + STREAM + i)
}
// @ts-ignore: decorator
@inline export function flagsOf(i: u32): u8 {
  return load<u8>(base + FLAGS + i)
}
// @ts-ignore: decorator
@inline export function setFlags(i: u32, flags: u8): void {
  store<u8>(base + FLAGS + i, flags)
}
// @ts-ignore: decorator
@inline export function verdictOf(i: u32): u8 {
  return load<u8>(base + VERDICT + i)
}
// @ts-ignore: decorator
@inline export function laneOf(i: u32): u32 {
  return load<u32>(base + LANE + (<usize>i << 2))
}
// @ts-ignore: decorator
@inline export function firstRangeOf(i: u32): u32 {
  return i == 0 ? 0 : load<u32>(base + RANGE_END + (<usize>(i - 1) << 2))
}
// @ts-ignore: decorator
@inline export function startOf(i: u32): i64 {
  return <i64>load<f64>(base + RANGE_START + (<usize>firstRangeOf(i) << 3))
}

/** Source bytes of an entry: the sum of its ranges. */
// @ts-ignore: decorator
@inline export function bytesOf(i: u32): i64 {
  const end = load<u32>(base + RANGE_END + (<usize>i << 2))
  let sum: f64 = 0
  for (let r = firstRangeOf(i); r < end; r++) {
    const at = <usize>r << 3
    sum += load<f64>(base + RANGE_STOP + at) - load<f64>(base + RANGE_START + at)
  }
  return <i64>sum
}
