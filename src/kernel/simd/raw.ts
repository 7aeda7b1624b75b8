// A record with the line's bytes as the value. The tests' oracle is test/support/twin/twin.ts.
//
// A record (magic 2; every integer a zigzag varint):
//   length | attributes (1 byte, 0) | timestamp delta | offset delta | key length, key | value length, value
//   | header count | { name length, name | value length, value }*
import { decimalSize, writeDecimal } from './decimal'
import { flagsOf, lengthOf, setFlags, streamOf, textOf } from './entries'
import {
  BYTES_NAME,
  HEADERS,
  HEADER_COUNT,
  OFFSET_NAME,
  SKIPPED_NAME,
  STDERR_HEADER,
  STDOUT,
  STDOUT_HEADER,
  TRUNCATED,
  TRUNCATED_HEADER,
} from './layout'
import { cutLength } from './lines'
import { LENGTHS, NO_ROOM, TOO_LARGE, keepOnly, keySize, writeHead } from './record'
import { segment, segmentLength } from './template'
import { copy, lengthSize, lengthVarint, varintSize } from './write'

/** Number of constant headers, -1 for no headers at all. */
let constant: i32 = 0
/** Bytes that every record of the call has beside its text; `rawRecord` adds those that differ. */
let fixed: u32 = 0

/** Read the template once for a call, since it may have changed. */
export function prepareRaw(): void {
  constant = segmentLength(HEADER_COUNT)
  // attributes, key
  fixed = LENGTHS + 1 + keySize()
  // the length of a number's digits takes one byte
  if (constant >= 0) fixed += segmentLength(HEADERS) + segmentLength(OFFSET_NAME) + 1 + segmentLength(BYTES_NAME) + 1
}

// @ts-ignore: decorator
@inline function copySegment(at: usize, i: u32): usize {
  return copy(at, segment(i), segmentLength(i))
}

/** A header whose value is a number: the segment is its name. */
// @ts-ignore: decorator
@inline function writeNumber(at: usize, name: u32, n: u64, size: u32): usize {
  const o = copySegment(at, name)
  store<u8>(o, <u8>(size << 1))
  return writeDecimal(o + 1, n, size)
}

/** Write entry i at `at`; `append` explains the parameters. Returns the new end, NO_ROOM or TOO_LARGE. */
// @ts-ignore: decorator
@inline export function rawRecord(
  i: u32,
  at: usize,
  room: i32,
  maxRecord: u32,
  drop: bool,
  number: u32,
  delta: i64,
  start: u64,
  bytes: u64,
  skip: u64,
): usize {
  let frame = fixed + varintSize(delta) + lengthSize(number)
  let headers: u32 = 0
  const stream = streamOf(i)
  let flags = flagsOf(i)
  let offsetSize: u32 = 0
  let bytesSize: u32 = 0
  let skippedSize: u32 = 0
  if (constant >= 0) {
    headers = <u32>constant + 2
    offsetSize = decimalSize(start)
    bytesSize = decimalSize(bytes)
    frame += offsetSize + bytesSize
    if (skip > 0) {
      headers++
      skippedSize = decimalSize(skip)
      frame += segmentLength(SKIPPED_NAME) + 1 + skippedSize
    }
    if (stream != 0) {
      headers++
      frame += segmentLength(stream == STDOUT ? STDOUT_HEADER : STDERR_HEADER)
    }
    if (flags & TRUNCATED) {
      headers++
      frame += segmentLength(TRUNCATED_HEADER)
    }
  }
  const text = textOf(i)
  let length = lengthOf(i)
  if (<i32>(frame + length) > min<i32>(room, maxRecord)) {
    if (room < <i32>maxRecord) return NO_ROOM
    if (constant >= 0 && !(flags & TRUNCATED)) {
      headers++
      frame += segmentLength(TRUNCATED_HEADER)
    }
    if (drop || frame > maxRecord) return TOO_LARGE
    length = cutLength(text, maxRecord - frame)
    keepOnly(length)
    flags |= TRUNCATED
    setFlags(i, flags)
  }
  // the lengths with their real sizes, not as they were estimated
  const body = frame - LENGTHS + lengthSize(length) + length + lengthSize(headers)
  let o = writeHead(at, body, delta, number)
  o = lengthVarint(o, length)
  o = copy(o, text, length)
  o = lengthVarint(o, headers)
  if (constant < 0) return o
  o = copySegment(o, HEADERS)
  o = writeNumber(o, OFFSET_NAME, start, offsetSize)
  o = writeNumber(o, BYTES_NAME, bytes, bytesSize)
  if (skip > 0) o = writeNumber(o, SKIPPED_NAME, skip, skippedSize)
  if (stream != 0) o = copySegment(o, stream == STDOUT ? STDOUT_HEADER : STDERR_HEADER)
  if (flags & TRUNCATED) o = copySegment(o, TRUNCATED_HEADER)
  return o
}
