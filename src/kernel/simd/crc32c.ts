// CRC-32C (Castagnoli), reflected, as RFC 3720 and Kafka use it. WebAssembly has no instruction for it.
//
// A checksum is the remainder of the message, read as a polynomial over GF(2), modulo a polynomial P of degree 32. The
// message may first be reduced modulo any multiple of P, and a reduction by a multiple with few terms takes few
// exclusive-ors. A search found
//   x^55 + x^45 + x^42 + x^26 + x^24 + x^19 + x^9 + x^5 + x^3 + 1 = 0 mod P
// and squaring it seven times gives the same in y = x^128, that is, in blocks of 16 bytes: long division by it makes
// each block the exclusive-or of itself and nine blocks before it, and leaves 55 blocks. (The idea is Sam Russell's,
// "Chorba: A novel CRC32 implementation", 2024.) The blocks that are left go through tables, four words at a time.
import { CRC_SCRATCH, CRC_TABLES } from './layout'

const POLYNOMIAL: u32 = 0x82f63b78

/** In table k, the entry of byte b is what b does to the checksum when k bytes follow it. */
const SLICES: usize = CRC_TABLES
/** The same for the bytes of a word that three more words follow: 16 - 1 - k bytes follow byte k of the word. */
const BRAIDS: usize = CRC_TABLES + 4096

const BLOCK: usize = 16
const DEGREE: usize = 55 * BLOCK
/** Bytes that are left after the division: at least the degree, in whole steps. */
const LEFT: usize = 56 * BLOCK
/** Bytes that are divided before the last DEGREE bytes of the quotient are moved back to its beginning. */
const SPAN: usize = 64 * 64
/** The quotient: DEGREE bytes of its past, a span, and zeros behind its end. */
const QUOTIENT: usize = CRC_SCRATCH
const REMAINDER: usize = CRC_SCRATCH + DEGREE + SPAN + LEFT
/** Below this length the tables alone are faster. */
const WORTH_DIVIDING: usize = 1536

export function makeCrcTables(): void {
  for (let b: u32 = 0; b < 256; b++) {
    let crc = b
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    store<u32>(<usize>b << 2, crc, SLICES)
  }
  for (let b: u32 = 0; b < 256; b++) {
    let crc = load<u32>(<usize>b << 2, SLICES)
    for (let k: u32 = 1; k < 16; k++) {
      crc = oneByte(crc, 0)
      if (k < 4) store<u32>(SLICES + (<usize>k << 10) + (<usize>b << 2), crc)
      if (k >= 12) store<u32>(BRAIDS + (<usize>(k - 12) << 10) + (<usize>b << 2), crc)
    }
  }
}

// @ts-ignore: decorator
@inline function oneByte(crc: u32, byte: u32): u32 {
  return (crc >>> 8) ^ load<u32>(((crc ^ byte) & 255) << 2, SLICES)
}

/** The state after a word; `x` is the word exclusive-or the state before it. */
// @ts-ignore: decorator
@inline function oneWord(x: u32): u32 {
  return (
    load<u32>((x & 255) << 2, SLICES + 3072) ^
    load<u32>((x >>> 6) & 1020, SLICES + 2048) ^
    load<u32>((x >>> 14) & 1020, SLICES + 1024) ^
    load<u32>((x >>> 24) << 2, SLICES)
  )
}

/** The state after a word that three more words follow; `x` is the word exclusive-or the state before it. */
// @ts-ignore: decorator
@inline function oneBraid(x: u32): u32 {
  return (
    load<u32>((x & 255) << 2, BRAIDS + 3072) ^
    load<u32>((x >>> 6) & 1020, BRAIDS + 2048) ^
    load<u32>((x >>> 14) & 1020, BRAIDS + 1024) ^
    load<u32>((x >>> 24) << 2, BRAIDS)
  )
}

/**
 * The state after `length` bytes, by tables. Four states are kept side by side, each for every fourth word, because one
 * state alone would wait for its own look-ups. (After Mark Adler's crc32_braid in zlib.)
 */
function byTables(from: usize, length: usize, before: u32): u32 {
  const end = from + length
  let p = from
  let crc = before
  if (length >= 32) {
    let b: u32 = 0
    let c: u32 = 0
    let d: u32 = 0
    for (const last = end - 32; p <= last; p += 16) {
      crc = oneBraid(crc ^ load<u32>(p))
      b = oneBraid(b ^ load<u32>(p, 4))
      c = oneBraid(c ^ load<u32>(p, 8))
      d = oneBraid(d ^ load<u32>(p, 12))
    }
    crc = oneWord(crc ^ load<u32>(p))
    crc = oneWord(crc ^ b ^ load<u32>(p, 4))
    crc = oneWord(crc ^ c ^ load<u32>(p, 8))
    crc = oneWord(crc ^ d ^ load<u32>(p, 12))
    p += 16
  }
  for (; p + 4 <= end; p += 4) crc = oneWord(crc ^ load<u32>(p))
  for (; p < end; p++) crc = oneByte(crc, load<u8>(p))
  return crc
}

/** A block of the quotient: the block of the message exclusive-or nine blocks of the quotient from `past` on. */
// @ts-ignore: decorator
@inline function divided(block: usize, past: usize): v128 {
  return v128.xor(
    v128.xor(
      v128.xor(v128.xor(v128.load(block), v128.load(past)), v128.xor(v128.load(past, 48), v128.load(past, 80))),
      v128.xor(
        v128.xor(v128.load(past, 144), v128.load(past, 304)),
        v128.xor(v128.load(past, 384), v128.load(past, 416)),
      ),
    ),
    v128.xor(v128.load(past, 672), v128.load(past, 720)),
  )
}

/** Divide `length` bytes (whole steps of 64) at p; `past` is the place in the quotient DEGREE bytes before `to`. */
function divide(p: usize, length: usize, past: usize, to: usize): void {
  for (let i: usize = 0; i < length; i += 64) {
    const block = p + i
    const q = past + i
    const a = divided(block, q)
    const b = divided(block + 16, q + 16)
    const c = divided(block + 32, q + 32)
    const d = divided(block + 48, q + 48)
    const o = to + i
    v128.store(o, a)
    v128.store(o, b, 16)
    v128.store(o, c, 32)
    v128.store(o, d, 48)
  }
}

/** CRC-32C of `length` bytes; `previous` is the checksum of the bytes before them, 0 where there are none. */
export function crc32c(pointer: usize, length: usize, previous: u32): u32 {
  if (length < WORTH_DIVIDING) return ~byTables(pointer, length, ~previous)
  let p = pointer
  memory.fill(QUOTIENT, 0, DEGREE)
  // the oldest block of the past is used for the message's first block alone, so the state before goes into it
  store<u32>(QUOTIENT, ~previous)
  let todo = (length - LEFT) & ~63
  let span: usize
  for (;;) {
    span = min(todo, SPAN)
    divide(p, span, QUOTIENT, QUOTIENT + DEGREE)
    p += span
    todo -= span
    if (todo == 0) break
    memory.copy(QUOTIENT, QUOTIENT + span, DEGREE)
  }
  memory.fill(QUOTIENT + DEGREE + span, 0, LEFT)
  divide(p, LEFT, QUOTIENT + span, REMAINDER)
  p += LEFT
  return ~byTables(p, pointer + length - p, byTables(REMAINDER, LEFT, 0))
}
