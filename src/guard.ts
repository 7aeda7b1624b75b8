/**
 * The guard of a file offset, by which the offset is recognised later: a hash of the up to 64 bytes before it, which do
 * not change while the file is only appended to. It is made at every read and compared at the next one, so the kernel
 * makes it too (kernel/simd/guard.ts). The functions here make it of bytes outside the kernel's memory, and as text for
 * the state.
 */
import { crc32 } from 'node:zlib'
import { GUARD_BYTES } from './kernel/layout.ts'

/** A whole number below 2^53, or {@link NO_GUARD}. The guard of a file's beginning is 0. */
export type Guard = number

/** The bytes before the offset are not known. */
export const NO_GUARD: Guard = -1

const HALF = 2 ** 32
const UPPER_BITS = 0x1fffff

/**
 * The guard of the end of these bytes, of which the last 64 count. Its lower 32 bits are the CRC-32 (zlib's) of the
 * bytes in reverse order, and above them are the lower 21 bits of the CRC-32 of the bytes as they are. It protects
 * against chance, not against an adversary.
 */
export function guardOf(bytes: Uint8Array): Guard {
  const last = bytes.subarray(Math.max(0, bytes.length - GUARD_BYTES))
  return (crc32(last) & UPPER_BITS) * HALF + crc32(new Uint8Array(last).reverse())
}

/** A guard as 16 hexadecimal digits, or '' for {@link NO_GUARD}. */
export function guardText(guard: Guard): string {
  return guard === NO_GUARD ? '' : guard.toString(16).padStart(16, '0')
}

/**
 * Parses {@link guardText}; null if the text is no guard. In versions of the state before 2 the first checksum has all
 * 32 bits.
 */
export function parseGuard(text: string): Guard | null {
  if (text === '') return NO_GUARD
  if (!/^[0-9a-f]{16}$/.test(text)) return null
  return (parseInt(text.slice(0, 8), 16) & UPPER_BITS) * HALF + parseInt(text.slice(8), 16)
}
