// What raw and json records share: how their size is estimated before they are written, and how they begin.
import { KEY } from './layout'
import { segment, segmentLength } from './template'
import { copyExactly, lengthSize, lengthVarint, varint } from './write'

/** Returned instead of a new end: the record does not fit where it should go. */
export const NO_ROOM: usize = 0
/** Returned instead of a new end: the record is dropped, or would be over the largest size even with an empty text. */
export const TOO_LARGE: usize = 1

/**
 * Estimated bytes of the record length, the value length and the header count. Their sizes depend on what they count,
 * so five bytes each, the most they can take, are assumed when it is decided whether a record fits.
 */
export const LENGTHS: u32 = 15

let kept: i32 = -1

/** Note that a record was cut: it was written with only this many bytes of its text. */
export function keepOnly(bytes: u32): void {
  kept = <i32>bytes
}

/** The bytes that {@link keepOnly} has noted since the last call of this function; -1 if there was no cut record. */
export function takeKept(): i32 {
  const bytes = kept
  kept = -1
  return bytes
}

/** Bytes of the key and its length. */
export function keySize(): u32 {
  const length = segmentLength(KEY)
  return length < 0 ? 1 : lengthSize(length) + <u32>length
}

/** Write everything before the value's length: length | attributes | timestamp delta | offset delta | key. */
// @ts-ignore: decorator
@inline export function writeHead(at: usize, body: u32, delta: i64, number: u32): usize {
  let o = lengthVarint(at, body)
  store<u8>(o++, 0)
  o = varint(o, delta)
  o = lengthVarint(o, number)
  const length = segmentLength(KEY)
  if (length < 0) {
    store<u8>(o, 1)
    return o + 1
  }
  o = lengthVarint(o, length)
  // the value of a json record is already there, behind the key
  return copyExactly(o, segment(KEY), length)
}
