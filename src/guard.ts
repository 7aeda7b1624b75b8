/**
 * What tells an offset of a file again: the up to 64 bytes before it, which an appended file cannot change, as a number that
 * is their hash. It is made at every read and compared at the next, so the kernel has its own way to make it
 * (kernel/simd/guard.ts); here it is for bytes that lie elsewhere, and as text for the state.
 */
import { crc32 } from 'node:zlib'
import { GUARD_BYTES } from './kernel/layout.ts'

/** A whole number below 2^53, or {@link NO_GUARD}. 0 before a file's first byte. */
export type Guard = number

/** Which bytes lie before the offset is not known. */
export const NO_GUARD: Guard = -1

const HALF = 2 ** 32
const UPPER_BITS = 0x1fffff

/**
 * Of the last of these bytes: the CRC-32 (zlib's) of them as they are, its lower 21 bits, and above 2^32 that of them from
 * the last to the first. Not against an adversary, only against chance.
 */
export function guardOf(bytes: Uint8Array): Guard {
  const last = bytes.subarray(Math.max(0, bytes.length - GUARD_BYTES))
  return (crc32(last) & UPPER_BITS) * HALF + crc32(new Uint8Array(last).reverse())
}

/** 16 hexadecimal digits; none for {@link NO_GUARD}. */
export function guardText(guard: Guard): string {
  return guard === NO_GUARD ? '' : guard.toString(16).padStart(16, '0')
}

/** Null for what is none. Versions before 2 of the state have all 32 bits of the first checksum. */
export function parseGuard(text: string): Guard | null {
  if (text === '') return NO_GUARD
  if (!/^[0-9a-f]{16}$/.test(text)) return null
  return (parseInt(text.slice(0, 8), 16) & UPPER_BITS) * HALF + parseInt(text.slice(8), 16)
}
