// JSON string escaping of arbitrary bytes, 16 at a time where they are plain ASCII. Ill-formed UTF-8 becomes U+FFFD,
// one for each maximal subpart (Unicode 3.9, table 3-7), as TextDecoder does. Oracle: kernel/twin.ts `escape`.

const QUOTE: u8 = 34
const BACKSLASH: u8 = 92

/** Ill-formed sequences replaced by the last `escape` or counted by the last `escapedLength`. */
let invalid: u32 = 0

export function lastInvalid(): u32 {
  return invalid
}

/** Bits of the bytes, among the 16 in x, that are not plain ASCII text. */
// @ts-ignore: decorator
@inline function special(x: v128): u32 {
  return <u32>(
    i8x16.bitmask(
      v128.or(
        v128.or(i8x16.eq(x, i8x16.splat(QUOTE)), i8x16.eq(x, i8x16.splat(BACKSLASH))),
        // signed: 0x80..0xff are negative, so this finds control characters and all multi-byte bytes
        i8x16.lt_s(x, i8x16.splat(32)),
      ),
    )
  )
}

/**
 * How the bytes at p (the first is >= 0x80) begin: the length of a well-formed sequence (2, 3, 4), or minus the
 * length of the ill-formed maximal subpart (-1, -2, -3).
 */
function sequence(p: usize, end: usize): i32 {
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

/** The letter after the backslash for the control characters that have a short form, else 0. */
// @ts-ignore: decorator
@inline function short(c: u8): u8 {
  if (c == 10) return 110 // n
  if (c == 9) return 116 // t
  if (c == 13) return 114 // r
  if (c == 8) return 98 // b
  if (c == 12) return 102 // f
  return 0
}

// @ts-ignore: decorator
@inline function hex(n: u8): u8 {
  return n < 10 ? 48 + n : 87 + n
}

/** Write the bytes [p, end) at o as the inside of a JSON string; at most 6 bytes a byte. Returns the new o. */
export function escape(from: usize, end: usize, to: usize): usize {
  let p = from
  let o = to
  invalid = 0
  while (p < end) {
    const x = v128.load(p)
    let mask = special(x)
    if (end - p < 16) mask |= 0xffff << <u32>(end - p)
    v128.store(o, x)
    if ((mask & 0xffff) == 0) {
      p += 16
      o += 16
      continue
    }
    const plain = <usize>ctz(mask)
    p += plain
    o += plain
    if (p >= end) break
    let c = load<u8>(p)
    if (c < 0x80) {
      store<u8>(o++, BACKSLASH)
      if (c == QUOTE || c == BACKSLASH) store<u8>(o++, c)
      else {
        const letter = short(c)
        if (letter != 0) store<u8>(o++, letter)
        else {
          store<u32>(o, 0x30303075) // u000
          store<u8>(o, 48 + (c >> 4), 3)
          store<u8>(o, hex(c & 15), 4)
          o += 5
        }
      }
      p++
      continue
    }
    // a run of multi-byte characters
    do {
      const n = sequence(p, end)
      if (n > 0) {
        store<u32>(o, load<u32>(p)) // overruns by at most 2 bytes on both sides
        o += n
        p += n
      } else {
        store<u16>(o, 0xbfef)
        store<u8>(o, 0xbd, 2)
        o += 3
        p -= n
        invalid++
      }
      if (p >= end) break
      c = load<u8>(p)
    } while (c >= 0x80)
  }
  return o
}

/**
 * How many bytes `escape` would write for [from, end), or for as much of it as fits into `room`: then `fits` returns
 * where the text has to be cut, at the border of a character.
 */
export function escapedLength(from: usize, end: usize, room: u32): u32 {
  let p = from
  let size: u32 = 0
  invalid = 0
  while (p < end) {
    let mask = special(v128.load(p))
    if (end - p < 16) mask |= 0xffff << <u32>(end - p)
    const plain = (mask & 0xffff) == 0 ? 16 : <u32>ctz(mask)
    if (size + plain > room) {
      fitting = p + (room - size)
      return room
    }
    size += plain
    p += plain
    if (plain == 16 || p >= end) continue
    const c = load<u8>(p)
    let step: u32 = 1
    let bytes: u32 = 6
    if (c >= 0x80) {
      const n = sequence(p, end)
      if (n > 0) {
        step = n
        bytes = n
      } else {
        step = -n
        bytes = 3
      }
    } else if (c == QUOTE || c == BACKSLASH || short(c) != 0) bytes = 2
    if (size + bytes > room) {
      fitting = p
      return size
    }
    if (c >= 0x80 && bytes == 3 && sequence(p, end) < 0) invalid++
    size += bytes
    p += step
  }
  fitting = end
  return size
}

let fitting: usize = 0

/** Up to where the text of the last `escapedLength` fitted. */
export function fits(): usize {
  return fitting
}
