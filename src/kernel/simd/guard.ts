// The guard of a file offset: a hash of the up to 64 bytes before it, see src/guard.ts, which is also the oracle. Two
// checksums, so that 53 bits come together, which a 64-bit float holds.
import { GUARD_TABLE } from './layout'

/** CRC-32 as zlib, gzip and Ethernet have it, reflected. */
const POLYNOMIAL: u32 = 0xedb88320

export function makeGuardTable(): void {
  for (let b: u32 = 0; b < 256; b++) {
    let crc = b
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    store<u32>(<usize>b << 2, crc, GUARD_TABLE)
  }
}

// @ts-ignore: decorator
@inline function step(crc: u32, byte: u32): u32 {
  return load<u32>(<usize>((crc ^ byte) & 255) << 2, GUARD_TABLE) ^ (crc >>> 8)
}

/** The guard of the `length` bytes that end at `end`. */
export function guardBefore(end: usize, length: u32): f64 {
  const start = end - length
  let forward: u32 = 0xffffffff
  let backward: u32 = 0xffffffff
  for (let i: usize = 0; i < length; i++) {
    forward = step(forward, load<u8>(start + i))
    backward = step(backward, load<u8>(end - 1 - i))
  }
  return <f64>((<u64>(~forward & 0x1fffff) << 32) | <u64>~backward)
}
