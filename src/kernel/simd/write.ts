// Small writers shared by the appenders: varints and copies. Each returns the new end.
// `copy` overruns source and target by less than SLACK bytes (kernel/layout.ts).

// @ts-ignore: decorator
@inline function zigzag(n: i64): u64 {
  return <u64>((n << 1) ^ (n >> 63))
}

/** Bytes the zigzag varint of a non-negative length takes. */
// @ts-ignore: decorator
@inline export function lengthSize(n: u32): u32 {
  // 7 bits a byte, one bit lost to the sign; n < 2^31
  return n < 64 ? 1 : n < 8192 ? 2 : n < 1048576 ? 3 : n < 134217728 ? 4 : 5
}

/** Bytes the zigzag varint of any number takes. */
// @ts-ignore: decorator
@inline export function varintSize(n: i64): u32 {
  const bits = 64 - <u32>clz(zigzag(n) | 1)
  return (bits + 6) / 7
}

// @ts-ignore: decorator
@inline export function varint(at: usize, n: i64): usize {
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
@inline export function copy(to: usize, from: usize, length: u32): usize {
  const end = to + length
  let o = to
  let p = from
  do {
    const a = v128.load(p)
    const b = v128.load(p, 16)
    v128.store(o, a)
    v128.store(o, b, 16)
    p += 32
    o += 32
  } while (o < end)
  return end
}

/** A copy that writes nothing behind its end. */
// @ts-ignore: decorator
@inline export function copyExactly(to: usize, from: usize, length: u32): usize {
  let i: usize = 0
  for (; i + 8 <= <usize>length; i += 8) store<u64>(to + i, load<u64>(from + i))
  for (; i < <usize>length; i++) store<u8>(to + i, load<u8>(from + i))
  return to + length
}
