// JSON string escaping of arbitrary bytes, 16 at a time. Ill-formed UTF-8 becomes U+FFFD, one for each maximal subpart
// (Unicode 3.9), as TextDecoder does. The tests' oracle is test/support/twin/json.ts.
import { ESCAPE_TABLE } from './layout'
import { faults, sequence, wholeCharacters } from './utf8'
import { ALL_2, ALL_33, ALL_8, BACKSLASHES, BLANKS, LETTERS, ZERO_TO_15 } from './vectors'

const QUOTE: u8 = 34
const BACKSLASH: u8 = 92

/** With at most this many multi-byte bytes among sixteen, one character at a time is faster. */
const FEW: u32 = 4

let stopped: usize = 0
let invalid: u32 = 0

/** Where the last call of `escape` stopped in the text. */
// @ts-ignore: decorator
@inline export function lastStop(): usize {
  return stopped
}

/** Ill-formed sequences that the last call of `escape` replaced. */
// @ts-ignore: decorator
@inline export function lastInvalid(): u32 {
  return invalid
}

/**
 * For every set of marked bytes among eight, the indexes that spread the eight so that each marked one has a gap (an
 * index out of range) before it.
 */
export function makeEscapeTable(): void {
  v128.store(LETTERS, i8x16(0, 0, 0, 0, 0, 0, 0, 0, 98, 116, 110, 0, 102, 114, 0, 0))
  for (let marks: u32 = 0; marks < 256; marks++) {
    let at = ESCAPE_TABLE + (<usize>marks << 4)
    memory.fill(at, 0x80, 16)
    for (let i: u32 = 0; i < 8; i++) {
      if (marks & (1 << i)) at++
      store<u8>(at++, <u8>i)
    }
  }
}

/** Bytes of x by indexes of the escape table, with a backslash in each gap. */
// @ts-ignore: decorator
@inline function withBackslashes(x: v128, spread: v128): v128 {
  return v128.or(i8x16.swizzle(x, spread), v128.and(i8x16.shr_s(spread, 7), v128.load(BACKSLASHES)))
}

/** The letters of \b, \t, \n, \f and \r in the places of their control characters, 0 elsewhere. */
// @ts-ignore: decorator
@inline function letters(x: v128): v128 {
  return i8x16.swizzle(v128.load(LETTERS), x)
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

/** The first `length` bytes of x, then blanks: blanks need no escape, and end a character that is cut off. */
// @ts-ignore: decorator
@inline function withBlanks(x: v128, length: usize): v128 {
  return v128.bitselect(x, v128.load(BLANKS), i8x16.lt_u(v128.load(ZERO_TO_15), i8x16.splat(<u8>length)))
}

/** Bits of the bytes that are not plain ASCII text. */
// @ts-ignore: decorator
@inline function unplain(x: v128, all2: v128, all33: v128, backslashes: v128): u32 {
  // a quote is 34, and no other byte but those below 32 gets below 33 when its second bit is flipped;
  // signed: 0x80..0xff are negative, so this finds all multi-byte bytes as well
  return <u32>i8x16.bitmask(v128.or(i8x16.lt_s(v128.xor(x, all2), all33), i8x16.eq(x, backslashes)))
}

/**
 * Copy multi-byte text as it is, up to the first byte that needs an escape or is ill-formed, or to the end of sixteen
 * bytes of plain ASCII. Returns where the copied text ends.
 */
function copyMultibyte(from: usize, end: usize, to: usize, limit: usize): usize {
  let p = from
  let o = to
  let before = i64x2.splat(0)
  const all2 = v128.load(ALL_2)
  const all33 = v128.load(ALL_33)
  const backslashes = v128.load(BACKSLASHES)
  while (p < end && o + 16 <= limit) {
    let x = v128.load(p)
    let stops: u32 = 0
    if (p + 16 > end) {
      x = withBlanks(x, end - p)
      stops = 1 << <u32>(end - p)
    }
    const high = <u32>i8x16.bitmask(x)
    stops |= faults(before, x) | (unplain(x, all2, all33, backslashes) & ~high)
    v128.store(o, x)
    if (stops != 0) return wholeCharacters(from, p + ctz(stops))
    p += 16
    o += 16
    if (high == 0) return p
    before = x
  }
  return wholeCharacters(from, p)
}

/** Write sixteen ASCII bytes, with a backslash before each marked one. Returns the new end. */
// @ts-ignore: decorator
@inline function storeMarked(o: usize, x: v128, marks: u32): usize {
  const first = marks & 255
  const second = marks >> 8
  v128.store(o, withBackslashes(x, v128.load(<usize>first << 4, ESCAPE_TABLE)))
  const spread = i8x16.add(v128.load(<usize>second << 4, ESCAPE_TABLE), v128.load(ALL_8))
  v128.store(o + 8 + <usize>popcnt(first), withBackslashes(x, spread))
  return o + 16 + <usize>popcnt(marks)
}

/**
 * Write the text [from, end) at `to` as the inside of a JSON string: the whole characters that end at or before
 * `limit`. Returns the new end; `lastStop` and `lastInvalid` return the rest. May read 15 bytes beyond `end` and write
 * 8 beyond `limit`.
 */
export function escape(from: usize, end: usize, to: usize, limit: usize): usize {
  let p = from
  let o = to
  const all2 = v128.load(ALL_2)
  const all33 = v128.load(ALL_33)
  const backslashes = v128.load(BACKSLASHES)
  invalid = 0
  while (p < end) {
    if (o + 32 <= limit) {
      let x = v128.load(p)
      let length: usize = 16
      if (p + 16 > end) {
        length = end - p
        x = withBlanks(x, length)
      }
      const marks = unplain(x, all2, all33, backslashes)
      if (marks == 0) {
        v128.store(o, x)
        p += length
        o += length
        continue
      }
      const high = <u32>i8x16.bitmask(x)
      if (high == 0) {
        const control = i8x16.lt_s(x, v128.load(BLANKS))
        const replaced = letters(x)
        // every control character has a letter
        if (i8x16.bitmask(v128.and(control, i8x16.eq(replaced, i8x16.splat(0)))) == 0) {
          o = storeMarked(o, v128.bitselect(replaced, x, control), marks) - (16 - length)
          p += length
          continue
        }
      } else if (popcnt(high) > FEW) {
        const copied = copyMultibyte(p, end, o, limit) - p
        p += copied
        o += copied
        if (copied >= 16 || p == end) continue
      } else {
        // one or two multi-byte characters among ASCII
        const plain = <usize>ctz(marks)
        v128.store(o, x)
        p += plain
        o += plain
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
