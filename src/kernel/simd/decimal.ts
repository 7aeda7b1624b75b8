// Decimal numbers below 10^16, sixteen digits at a time: offsets and counts are in every record, and a loop of
// divisions costs more than copying the line. The digits are first held right-aligned in a vector, one a byte.

/** The eight digits of n < 10^8, the first in the lowest byte: halves, quarters and eighths in parallel. */
// @ts-ignore: decorator
@inline function eight(n: u32): u64 {
  const high = n / 10000
  const fours = <u64>high | (<u64>(n - high * 10000) << 32)
  // x * 5243 >> 19 is x / 100 for x < 10^4, and x * 103 >> 10 is x / 10 for x < 100
  const hundreds = ((fours * 5243) >> 19) & 0x0000007f0000007f
  const pairs = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f
  return tens | ((pairs - tens * 10) << 8)
}

// @ts-ignore: decorator
@inline export function digitsOf(n: u64): v128 {
  if (n < 100000000) return i64x2.replace_lane(i64x2.splat(0), 1, eight(<u32>n))
  const high = n / 100000000
  return i64x2.replace_lane(i64x2.splat(eight(<u32>high)), 1, eight(<u32>(n - high * 100000000)))
}

/** How many of the digits count: at least one. */
// @ts-ignore: decorator
@inline export function sizeOf(digits: v128): u32 {
  return 16 - <u32>ctz(i8x16.bitmask(i8x16.ne(digits, i8x16.splat(0))) | 0x8000)
}

/** Write the last `size` digits; overruns to 16 bytes. Returns the new end. */
// @ts-ignore: decorator
@inline export function writeDigits(at: usize, digits: v128, size: u32): usize {
  const from = i8x16.add(i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), i8x16.splat(16 - <u8>size))
  v128.store(at, i8x16.swizzle(v128.or(digits, i8x16.splat(48)), from))
  return at + size
}
