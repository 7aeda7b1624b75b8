// What raw and json records share: how their size is reckoned before they are written, and how they begin.
import { KEY } from './layout'
import { segment, segmentLength } from './template'
import { copyExactly, lengthSize, lengthVarint, varint } from './write'

/** Instead of a new end: the record does not fit where it should go. */
export const NO_ROOM: usize = 0
/** Instead of a new end: not even with an empty text would the record keep to the limit of a record. */
export const TOO_LARGE: usize = 1

/**
 * Record length, value length and header count depend on what they count; when it is decided whether a record fits they
 * are reckoned at five bytes each, the most they can be.
 */
export const LENGTHS: u32 = 15

let kept: i32 = -1

/** A record was written with so many of its text's bytes, for the others would have been too many. */
export function keepOnly(bytes: u32): void {
  kept = <i32>bytes
}

/** What {@link keepOnly} was told since the last call; -1 if nothing. */
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
