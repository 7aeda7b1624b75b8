// Small writers shared by the appenders: varints, decimal digits, copies by 16 bytes. Each returns the new end.
// Copies overrun source and target by up to 15 bytes: both have slack (kernel/layout.ts SLACK).

// @ts-ignore: decorator
@inline export function zigzag(n: i64): u64 {
  return <u64>((n << 1) ^ (n >> 63))
}

/** Bytes the zigzag varint of a non-negative length takes. */
// @ts-ignore: decorator
@inline export function lengthSize(n: u32): u32 {
  // 7 bits a byte, one bit lost to the sign; n < 2^31
  return n < 64 ? 1 : n < 8192 ? 2 : n < 1048576 ? 3 : n < 134217728 ? 4 : 5
}

export function varint(at: usize, n: i64): usize {
  let v = zigzag(n)
  while (v > 127) {
    store<u8>(at++, <u8>((v & 127) | 128))
    v >>= 7
  }
  store<u8>(at, <u8>v)
  return at + 1
}

/** The zigzag varint of a non-negative number below 2^31. */
// @ts-ignore: decorator
@inline export function lengthVarint(at: usize, n: u32): usize {
  let v = n << 1
  while (v > 127) {
    store<u8>(at++, <u8>((v & 127) | 128))
    v >>>= 7
  }
  store<u8>(at, <u8>v)
  return at + 1
}

// @ts-ignore: decorator
@inline export function varintSize(n: i64): u32 {
  const bits = 64 - <u32>clz(zigzag(n) | 1)
  return (bits + 6) / 7
}

// @ts-ignore: decorator
@inline export function digitsSize(n: u64): u32 {
  let size: u32 = 1
  for (let v = n; v >= 10; v /= 10) size++
  return size
}

/** `size` decimal digits of n. */
// @ts-ignore: decorator
@inline export function digits(at: usize, n: u64, size: u32): usize {
  let v = n
  for (let p = at + size; p > at; ) {
    const q = v / 10
    store<u8>(--p, <u8>(48 + (v - q * 10)))
    v = q
  }
  return at + size
}

// @ts-ignore: decorator
@inline export function copy(to: usize, from: usize, length: u32): usize {
  for (let i: usize = 0; i < <usize>length; i += 16) v128.store(to + i, v128.load(from + i))
  return to + length
}
