// JSON string escaping of arbitrary bytes, 16 at a time. Ill-formed UTF-8 becomes U+FFFD, one for each maximal subpart
// (Unicode 3.9), as TextDecoder does. Oracle: kernel/twin-json.ts `escape`.
import { ESCAPE_TABLE } from './layout'
import { faults, sequence, wholeCharacters } from './utf8'

const QUOTE: u8 = 34
const BACKSLASH: u8 = 92

let stopped: usize = 0
let invalid: u32 = 0

/** Up to where the last `escape` took the text. */
// @ts-ignore: decorator
@inline export function lastStop(): usize {
  return stopped
}

/** Ill-formed sequences that the last `escape` replaced. */
// @ts-ignore: decorator
@inline export function lastInvalid(): u32 {
  return invalid
}

/**
 * For every set of marked bytes among eight, the indexes that spread the eight so that each marked one has a gap (an
 * index out of range) before it.
 */
export function makeEscapeTable(): void {
  for (let marks: u32 = 0; marks < 256; marks++) {
    let at = ESCAPE_TABLE + (<usize>marks << 4)
    memory.fill(at, 0x80, 16)
    for (let i: u32 = 0; i < 8; i++) {
      if (marks & (1 << i)) at++
      store<u8>(at++, <u8>i)
    }
  }
}

/** Eight bytes of x, from index `first` on, with a backslash before each marked one. */
// @ts-ignore: decorator
@inline function withBackslashes(x: v128, marks: u32, first: u8): v128 {
  const spread = i8x16.add(v128.load(<usize>marks << 4, ESCAPE_TABLE), i8x16.splat(first))
  const gaps = v128.and(i8x16.lt_s(spread, i8x16.splat(0)), i8x16.splat(BACKSLASH))
  return v128.or(i8x16.swizzle(x, spread), gaps)
}

/** The letters of \b, \t, \n, \f and \r in the places of their control characters, 0 elsewhere. */
// @ts-ignore: decorator
@inline function letters(x: v128): v128 {
  return i8x16.swizzle(i8x16(0, 0, 0, 0, 0, 0, 0, 0, 98, 116, 110, 0, 102, 114, 0, 0), x)
}

// @ts-ignore: decorator
@inline function letter(c: u8): u8 {
  return i8x16.extract_lane_u(letters(i8x16.splat(c)), 0)
}

// @ts-ignore: decorator
@inline function hex(n: u8): u8 {
  return n < 10 ? 48 + n : 87 + n
}

/**
 * Write the first character of [p, end) at o, escaped or replaced; overruns to 8 bytes. Returns the bytes taken, plus
 * the bytes written << 8, plus 1 << 16 for a replacement.
 */
function character(p: usize, end: usize, o: usize): u32 {
  const c = load<u8>(p)
  if (c >= 0x80) {
    const n = sequence(p, end)
    if (n < 0) {
      store<u32>(o, 0xbdbfef)
      return 0x10300 | -n
    }
    store<u32>(o, load<u32>(p))
    return (n << 8) | n
  }
  if (c >= 32 && c != QUOTE && c != BACKSLASH) {
    store<u8>(o, c)
    return 0x101
  }
  const short = c < 32 ? letter(c) : c
  if (short != 0) {
    store<u16>(o, BACKSLASH | (<u16>short << 8))
    return 0x201
  }
  store<u32>(o, 0x3030755c) // \u00
  store<u8>(o, 48 + (c >> 4), 4)
  store<u8>(o, hex(c & 15), 5)
  return 0x601
}

/**
 * Write the text [from, end) at `to` as the inside of a JSON string, as many whole characters as end before `limit`.
 * Returns the new end, see also `lastStop` and `lastInvalid`. Reads 15 bytes over `end`, writes 8 over `limit`.
 */
export function escape(from: usize, end: usize, to: usize, limit: usize): usize {
  let p = from
  let o = to
  invalid = 0
  while (p < end) {
    if (o + 32 <= limit) {
      const left = min<usize>(end - p, 16)
      let x = v128.load(p)
      if (left < 16) {
        // blanks instead of what is behind the text: they are plain, and end a character that is cut off
        const own = i8x16.lt_u(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(<u8>left))
        x = v128.bitselect(x, i8x16.splat(32), own)
      }
      // " is 34, and no other byte but those below 32 gets below 33 when its second bit is flipped
      const unplain = v128.or(
        // signed: 0x80..0xff are negative, so this finds all multi-byte bytes as well
        i8x16.lt_s(v128.xor(x, i8x16.splat(2)), i8x16.splat(33)),
        i8x16.eq(x, i8x16.splat(BACKSLASH)),
      )
      if (!v128.any_true(unplain)) {
        v128.store(o, x)
        p += left
        o += left
        continue
      }
      const high = <u32>i8x16.bitmask(x)
      if (high == 0) {
        const control = i8x16.lt_u(x, i8x16.splat(32))
        const replaced = letters(x)
        if (!v128.any_true(v128.andnot(control, i8x16.ne(replaced, i8x16.splat(0))))) {
          const marks = <u32>i8x16.bitmask(unplain)
          const text = v128.bitselect(replaced, x, control)
          v128.store(o, withBackslashes(text, marks & 255, 0))
          v128.store(o + 8 + <usize>popcnt(marks & 255), withBackslashes(text, marks >> 8, 8))
          p += left
          o += left + <usize>popcnt(marks)
          continue
        }
      } else {
        const stops = faults(x) | (<u32>i8x16.bitmask(unplain) & ~high) | (1 << <u32>left)
        const n = wholeCharacters(p, ctz(stops))
        v128.store(o, x)
        p += n
        o += n
        // all sixteen are without fault, but a character goes on behind them; or all that was left is written
        if (stops == 0x10000 || p == end) continue
      }
    }
    const step = character(p, end, o)
    const written = (step >> 8) & 255
    if (o + written > limit) break
    p += step & 255
    o += written
    invalid += step >> 16
  }
  stopped = p
  return o
}
