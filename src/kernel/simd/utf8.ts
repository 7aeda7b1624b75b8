// Which bytes are well-formed UTF-8 (Unicode 3.9, table 3-7): for sixteen bytes at once, and for one character.
import { ALL_15, ALL_60, ALL_70, ALL_80, FIRST_HIGH, FIRST_LOW, SECOND_HIGH } from './vectors'

// What can be wrong with two neighbouring bytes, one bit each. After John Keiser and Daniel Lemire, "Validating UTF-8
// In Less Than One Instruction Per Byte" (2021): every fault but a missing third or fourth byte shows in the first
// byte's two halves and the second byte's upper half, so three look-ups of sixteen entries, and-ed, find it.
const TOO_SHORT: u8 = 1 // a leading byte without a continuation
const TOO_LONG: u8 = 2 // ASCII with a continuation
const OVERLONG_3: u8 = 4 // e0 80-9f
const TOO_LARGE: u8 = 8 // f4 90-bf, f5-ff 90-bf
const SURROGATE: u8 = 16 // ed a0-bf
const OVERLONG_2: u8 = 32 // c0-c1 80-bf
const TOO_LARGE_1000: u8 = 64 // f5-ff 80-8f
const OVERLONG_4: u8 = 64 // f0 80-8f
const TWO_CONTINUATIONS: u8 = 128 // right only where a third or fourth byte is due

/** Faults that the lower half of the first byte says nothing about. */
const ANY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS
const F_LOW: u8 = ANY | TOO_LARGE | TOO_LARGE_1000
const C_HIGH: u8 = TOO_SHORT | OVERLONG_2
const E_HIGH: u8 = TOO_SHORT | OVERLONG_3 | SURROGATE
const F_HIGH: u8 = TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4
const CONTINUATION: u8 = TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS
const SECOND_8: u8 = CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4
const SECOND_9: u8 = CONTINUATION | OVERLONG_3 | TOO_LARGE
const SECOND_AB: u8 = CONTINUATION | SURROGATE | TOO_LARGE

export function makeFaultTables(): void {
  v128.store(FIRST_HIGH,
    i8x16(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
      TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, TWO_CONTINUATIONS, C_HIGH, TOO_SHORT, E_HIGH, F_HIGH))
  v128.store(FIRST_LOW,
    i8x16(ANY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, ANY | OVERLONG_2, ANY, ANY, ANY | TOO_LARGE, F_LOW, F_LOW, F_LOW,
      F_LOW, F_LOW, F_LOW, F_LOW, F_LOW, F_LOW | SURROGATE, F_LOW, F_LOW))
  v128.store(SECOND_HIGH,
    i8x16(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
      SECOND_8, SECOND_9, SECOND_AB, SECOND_AB, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT))
}

/**
 * Bits of the positions in x that are ill-formed; `before` are the sixteen bytes before x. A character that the end of
 * x cuts off is no fault.
 */
// @ts-ignore: decorator
@inline export function faults(before: v128, x: v128): u32 {
  const one = i8x16.shuffle(before, x, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30)
  const two = i8x16.shuffle(before, x, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29)
  const three = i8x16.shuffle(before, x, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28)
  const firstHigh = i8x16.swizzle(v128.load(FIRST_HIGH), v128.and(i16x8.shr_u(one, 4), v128.load(ALL_15)))
  const firstLow = i8x16.swizzle(v128.load(FIRST_LOW), v128.and(one, v128.load(ALL_15)))
  const secondHigh = i8x16.swizzle(v128.load(SECOND_HIGH), v128.and(i16x8.shr_u(x, 4), v128.load(ALL_15)))
  const pairs = v128.and(v128.and(firstHigh, firstLow), secondHigh)
  // the top bit means two continuations in a row, which is right exactly two behind e0-ff or three behind f0-ff
  const due = v128.or(i8x16.sub_sat_u(two, v128.load(ALL_60)), i8x16.sub_sat_u(three, v128.load(ALL_70)))
  const right = i8x16.eq(pairs, v128.and(due, v128.load(ALL_80)))
  return <u32>i8x16.bitmask(right) ^ 0xffff
}

/**
 * Where the last whole character of [start, end) ends. The text is well-formed, but its end may cut a character off.
 */
// @ts-ignore: decorator
@inline export function wholeCharacters(start: usize, end: usize): usize {
  if (end > start && load<u8>(end - 1) >= 0xc0) return end - 1
  if (end > start + 1 && load<u8>(end - 2) >= 0xe0) return end - 2
  if (end > start + 2 && load<u8>(end - 3) >= 0xf0) return end - 3
  return end
}

/**
 * The length of the well-formed sequence at p, whose first byte is >= 0x80 (2, 3, 4), or minus the length of the
 * ill-formed maximal subpart there (-1, -2, -3).
 */
export function sequence(p: usize, end: usize): i32 {
  const a = load<u8>(p)
  if (a < 0xc2 || a > 0xf4) return -1
  if (p + 1 >= end) return -1
  const b = load<u8>(p, 1)
  if (a < 0xe0) return (b & 0xc0) == 0x80 ? 2 : -1
  let low: u8 = 0x80
  let high: u8 = 0xbf
  if (a == 0xe0) low = 0xa0
  else if (a == 0xed) high = 0x9f
  else if (a == 0xf0) low = 0x90
  else if (a == 0xf4) high = 0x8f
  if (b < low || b > high) return -1
  if (p + 2 >= end || (load<u8>(p, 2) & 0xc0) != 0x80) return -2
  if (a < 0xf0) return 3
  if (p + 3 >= end || (load<u8>(p, 3) & 0xc0) != 0x80) return -3
  return 4
}
