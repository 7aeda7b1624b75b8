// A record with a JSON object as the value. The tests' oracle is test/support/twin/json.ts.
//
// The value: HEAD time MESSAGE escaped-text [STDOUT|STDERR] LOG offset BYTES bytes [SKIPPED n] [FLAGS] TAIL
// Record layout as in raw.ts; a json record has no headers.
import { decimalSize, writeDecimal } from './decimal'
import { flagsOf, lengthOf, setFlags, streamOf, textOf, timestampOf } from './entries'
import { escape, lastStop } from './escape'
import {
  BYTES_FIELD,
  FLAGS_FIELD,
  HEAD,
  LOG,
  MESSAGE,
  SKIPPED_FIELD,
  STDERR_FIELD,
  STDOUT,
  STDOUT_FIELD,
  TAIL,
  TRUNCATED,
} from './layout'
import { LENGTHS, NO_ROOM, TOO_LARGE, keepOnly, keySize, writeHead } from './record'
import { segment, segmentLength } from './template'
import { TIMESTAMP_BYTES, timestampText } from './timestamp'
import { copy, lengthSize, lengthVarint, varintSize } from './write'

/** Bytes of the value that every record has, without the digits. */
let fixed: u32 = 0
/** Bytes that every record has before its value, without the lengths, the timestamp and the number. */
let before: u32 = 0

/** Read the template once for a call, since it may have changed. */
export function prepareJson(): void {
  fixed = segmentLength(HEAD) + TIMESTAMP_BYTES + segmentLength(MESSAGE) + segmentLength(LOG) + segmentLength(BYTES_FIELD)
  fixed += segmentLength(TAIL)
  // attributes, key
  before = 1 + keySize()
}

// @ts-ignore: decorator
@inline function copySegment(at: usize, i: u32): usize {
  return copy(at, segment(i), segmentLength(i))
}

/** Write entry i at `at`; `append` explains the parameters. Returns the new end, NO_ROOM or TOO_LARGE. */
// @ts-ignore: decorator
@inline export function jsonRecord(
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
  const stream = streamOf(i)
  let flags = flagsOf(i)
  const offsetSize = decimalSize(start)
  const bytesSize = decimalSize(bytes)
  let skippedSize: u32 = 0
  /** Bytes of the value beside the text. */
  let around = fixed + offsetSize + bytesSize
  if (skip > 0) {
    skippedSize = decimalSize(skip)
    around += segmentLength(SKIPPED_FIELD) + skippedSize
  }
  if (stream != 0) around += segmentLength(stream == STDOUT ? STDOUT_FIELD : STDERR_FIELD)
  if (flags & TRUNCATED) around += segmentLength(FLAGS_FIELD)
  const head = before + varintSize(delta) + lengthSize(number)
  const frame = LENGTHS + head + around
  const allowed = min<i32>(room, maxRecord) - <i32>frame
  const mark: u32 = flags & TRUNCATED ? 0 : segmentLength(FLAGS_FIELD)
  if (allowed < 0) return room < <i32>maxRecord ? NO_ROOM : TOO_LARGE
  const text = textOf(i)
  const length = lengthOf(i)
  // The sizes are known only after the text is escaped. The guess is right if the text needs no escapes; otherwise the
  // value is moved when its sizes take more bytes.
  const guess = around + length
  const value = at + lengthSize(head + lengthSize(guess) + guess + 1) + head + lengthSize(guess)
  let o = copySegment(value, HEAD)
  o = copy(o, timestampText(timestampOf(i)), TIMESTAMP_BYTES)
  o = copySegment(o, MESSAGE)
  const message = o
  o = escape(text, text + length, message, message + allowed)
  if (lastStop() < text + length) {
    if (room < <i32>maxRecord) return NO_ROOM
    if (drop || frame + mark > maxRecord) return TOO_LARGE
    o = escape(text, text + length, message, message + (maxRecord - frame - mark))
    keepOnly(<u32>(lastStop() - text))
    flags |= TRUNCATED
    setFlags(i, flags)
  }
  if (stream != 0) o = copySegment(o, stream == STDOUT ? STDOUT_FIELD : STDERR_FIELD)
  o = copySegment(o, LOG)
  o = writeDecimal(o, start, offsetSize)
  o = copySegment(o, BYTES_FIELD)
  o = writeDecimal(o, bytes, bytesSize)
  if (skip > 0) {
    o = copySegment(o, SKIPPED_FIELD)
    o = writeDecimal(o, skip, skippedSize)
  }
  if (flags & TRUNCATED) o = copySegment(o, FLAGS_FIELD)
  o = copySegment(o, TAIL)
  const size = <u32>(o - value)
  const body = head + lengthSize(size) + size + 1
  const to = at + lengthSize(body) + head + lengthSize(size)
  if (to != value) memory.copy(to, value, size)
  o = writeHead(at, body, delta, number)
  o = lengthVarint(o, size) + size
  // no headers
  store<u8>(o, 0)
  return o + 1
}
