// Framing by newline: one SIMD pass over the chunk, one entry a line. The tests' oracle is `frameLines` of
// test/support/twin/twin.ts.
import { clearRouting, setEntry, setRange } from './entries'
import { CONSUMED, ENTRY_CAPACITY, SETTLE_EMPTY, SETTLE_TOO_LONG, SHIP, TRUNCATED } from './layout'
import { result } from './results'
import { NEWLINES } from './vectors'

const CONTINUATION: u8 = 0x80

/** The length of at most `max` bytes at `text` that does not cut a UTF-8 sequence in two (looks back 3 bytes). */
export function cutLength(text: usize, max: u32): u32 {
  let n = max
  while (n > 0 && max - n < 3 && (load<u8>(text + n) & 0xc0) == CONTINUATION) n--
  return (load<u8>(text + n) & 0xc0) == CONTINUATION ? max : n
}

/** Bits of the newlines in the 64 bytes at p. */
// @ts-ignore: decorator
@inline function newlines(p: usize, nl: v128): u64 {
  return (
    <u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(p), nl))) |
    (<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(p, 16), nl))) << 16) |
    (<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(p, 32), nl))) << 32) |
    (<u64>(<u32>i8x16.bitmask(i8x16.eq(v128.load(p, 48), nl))) << 48)
  )
}

/** Where the first newline in [from, end) lies, or `end`. */
export function findNewline(from: usize, end: usize): usize {
  const nl = v128.load(NEWLINES)
  for (let p = from; p < end; p += 64) {
    const mask = newlines(p, nl)
    if (mask != 0) {
      const at = p + <usize>ctz(mask)
      return at < end ? at : end
    }
  }
  return end
}

/**
 * Make an entry of every line that ends in [start, start + length). `searched` leading bytes are known to hold no
 * newline. `offset` is the file offset of `start`. `rules`: bit 0 settles empty lines, bit 1 settles lines over
 * `maxLine` (else they are cut and marked). Returns the number of entries; CONSUMED is the end of the last line.
 */
export function frameLines(
  start: usize,
  length: u32,
  searched: u32,
  offset: f64,
  maxLine: u32,
  rules: u32,
  timestamp: i64,
): u32 {
  const end = start + length
  const nl = v128.load(NEWLINES)
  let line = start
  let lineOffset = offset
  let n: u32 = 0
  for (let p = start + searched; p < end; p += 64) {
    let mask = newlines(p, nl)
    if (end - p < 64) mask &= (<u64>1 << <u64>(end - p)) - 1
    while (mask != 0) {
      const at = p + <usize>ctz(mask)
      mask &= mask - 1
      let size = <u32>(at - line)
      if (size > 0 && load<u8>(at - 1) == 13) size--
      let flags: u8 = 0
      let verdict = SHIP
      if (size == 0) {
        if (rules & 1) verdict = SETTLE_EMPTY
      } else if (size > maxLine) {
        if (rules & 2) verdict = SETTLE_TOO_LONG
        else {
          size = cutLength(line, maxLine)
          flags = TRUNCATED
        }
      }
      setEntry(n, line, size, timestamp, flags, verdict)
      const next = at + 1
      const nextOffset = offset + <f64>(next - start)
      setRange(n, lineOffset, nextOffset)
      line = next
      lineOffset = nextOffset
      if (++n == ENTRY_CAPACITY) return framed(n, line - start)
    }
  }
  return framed(n, line - start)
}

function framed(entries: u32, consumed: usize): u32 {
  clearRouting(entries)
  result(CONSUMED, <f64>consumed)
  return entries
}
