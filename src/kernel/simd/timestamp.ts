// RFC 3339 with nanoseconds, UTC: 2026-11-22T10:00:00.123456789Z, 30 bytes. Lines that are read together have the
// same time, so the last text is kept and only its changed parts are written again.
import { TIMESTAMP_TEXT } from './layout'

export const TIMESTAMP_BYTES: u32 = 30

let last: i64 = i64.MIN_VALUE
let lastSecond: i64 = i64.MIN_VALUE

/** `size` decimal digits of n at an offset of the text. */
function digits(at: u32, n: u32, size: u32): void {
  let v = n
  for (let p = at + size; p > at; v /= 10) store<u8>(--p, <u8>(48 + (v % 10)), TIMESTAMP_TEXT)
}

// @ts-ignore: decorator
@inline function letter(at: u32, c: u8): void {
  store<u8>(at, c, TIMESTAMP_TEXT)
}

/** Gregorian date of a day number, after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
function writeDate(day: u32): void {
  const z = day + 719468
  const era = z / 146097
  const doe = z - era * 146097
  const yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365
  const doy = doe - (365 * yoe + yoe / 4 - yoe / 100)
  const mp = (5 * doy + 2) / 153
  const month = mp < 10 ? mp + 3 : mp - 9
  digits(0, yoe + era * 400 + (month <= 2 ? 1 : 0), 4)
  letter(4, 45)
  digits(5, month, 2)
  letter(7, 45)
  digits(8, doy - (153 * mp + 2) / 5 + 1, 2)
  letter(10, 84)
}

function writeTime(second: u32): void {
  digits(11, second / 3600, 2)
  letter(13, 58)
  digits(14, (second / 60) % 60, 2)
  letter(16, 58)
  digits(17, second % 60, 2)
  letter(19, 46)
  letter(29, 90)
}

/** The address of the text of a time in nanoseconds since the epoch, not negative (years 1970 to 2262). */
export function timestampText(ns: i64): usize {
  if (ns == last) return TIMESTAMP_TEXT
  last = ns
  const second = ns / 1000000000
  if (second != lastSecond) {
    lastSecond = second
    const day = second / 86400
    writeDate(<u32>day)
    writeTime(<u32>(second - day * 86400))
  }
  digits(20, <u32>(ns - second * 1000000000), 9)
  return TIMESTAMP_TEXT
}
