// RFC 3339 with nanoseconds, UTC: 2026-11-22T10:00:00.123456789Z, 30 bytes. Lines read together share their time, so
// the last text is kept and only what changed is written again.
import { digits } from './write'

export const TIMESTAMP_BYTES: u32 = 30

let text: usize = 0
let last: i64 = i64.MIN_VALUE
let lastSecond: i64 = i64.MIN_VALUE

/** Tell once where the 32 bytes of the text lie. */
export function placeTimestamp(at: usize): void {
  text = at
  last = i64.MIN_VALUE
  lastSecond = i64.MIN_VALUE
}

/** Gregorian date of a day number, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
function writeDate(at: usize, day: i64): void {
  const z = day + 719468
  const era = (z >= 0 ? z : z - 146096) / 146097
  const doe = <u32>(z - era * 146097)
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
  const mp = (5 * doy + 2) / 153
  const month = mp < 10 ? mp + 3 : mp - 9
  const year = <i64>yoe + era * 400 + (month <= 2 ? 1 : 0)
  digits(at, <u64>year, 4)
  store<u8>(at, 45, 4)
  digits(at + 5, month, 2)
  store<u8>(at, 45, 7)
  digits(at + 8, doy - (153 * mp + 2) / 5 + 1, 2)
  store<u8>(at, 84, 10)
}

/** The address of the text of a time in nanoseconds since the epoch (years 1970 to 2262). */
export function timestampText(ns: i64): usize {
  if (ns == last) return text
  last = ns
  const second = ns / 1000000000
  if (second != lastSecond) {
    lastSecond = second
    const day = second / 86400
    const rest = <u32>(second - day * 86400)
    writeDate(text, day)
    digits(text + 11, rest / 3600, 2)
    store<u8>(text, 58, 13)
    digits(text + 14, (rest / 60) % 60, 2)
    store<u8>(text, 58, 16)
    digits(text + 17, rest % 60, 2)
    store<u8>(text, 46, 19)
    store<u8>(text, 90, 29)
  }
  digits(text + 20, <u64>(ns - second * 1000000000), 9)
  return text
}
