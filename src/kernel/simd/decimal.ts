// Decimal numbers below 10^16. Offsets and counts are in every record, and a loop of divisions would cost more than the
// copy of the line.

/**
 * How many digits n has. Found by comparisons and not from the digits themselves: a processor predicts comparisons, and
 * goes on with the bytes behind the number before it has the number.
 */
// @ts-ignore: decorator
@inline export function decimalSize(n: u64): u32 {
  if (n < 100000000) return smallSize(<u32>n)
  return 8 + smallSize(<u32>(n / 100000000))
}

// @ts-ignore: decorator
@inline function smallSize(n: u32): u32 {
  if (n < 10000) return n < 100 ? (n < 10 ? 1 : 2) : n < 1000 ? 3 : 4
  return n < 1000000 ? (n < 100000 ? 5 : 6) : n < 10000000 ? 7 : 8
}

/** Write n, which has `size` digits; overruns by 7 bytes. Returns the new end. */
// @ts-ignore: decorator
@inline export function writeDecimal(at: usize, n: u64, size: u32): usize {
  if (size <= 8) {
    store<u64>(at, eight(<u32>n) >> ((8 - size) << 3))
  } else {
    const high = n / 100000000
    store<u64>(at, eight(<u32>high) >> ((16 - size) << 3))
    store<u64>(at + size - 8, eight(<u32>(n - high * 100000000)))
  }
  return at + size
}

/** The eight digits of n < 10^8, the first in the lowest byte: halves, quarters and eighths in parallel. */
// @ts-ignore: decorator
@inline function eight(n: u32): u64 {
  const high = n / 10000
  const fours = <u64>high | (<u64>(n - high * 10000) << 32)
  // x * 5243 >> 19 is x / 100 for x < 10^4, and x * 103 >> 10 is x / 10 for x < 100
  const hundreds = ((fours * 5243) >> 19) & 0x0000007f0000007f
  const pairs = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f
  return tens | ((pairs - tens * 10) << 8) | 0x3030303030303030
}
