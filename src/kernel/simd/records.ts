// Copy records of an uncompressed batch into another with new offset deltas, for a batch that is split.
// The tests' oracle is `copyRecords` of test/support/twin/twin.ts. raw.ts draws the layout of a record.
import { OUT } from './layout'
import { result } from './results'
import { lengthSize, lengthVarint } from './write'

let at: usize = 0

/** Read the zigzag varint at `at`, which is known not to be negative; moves `at` behind it. */
function readLength(): u32 {
  let v: u64 = 0
  let shift: u64 = 0
  let b: u8
  do {
    b = load<u8>(at++)
    v |= (<u64>(b & 127)) << shift
    shift += 7
  } while (b & 128)
  return <u32>(v >> 1)
}

function skipVarint(): void {
  while (load<u8>(at++) & 128) {}
}

/** Address behind the first `count` records at `from`. */
export function skipRecords(from: usize, count: u32): usize {
  at = from
  for (let i: u32 = 0; i < count; i++) {
    const body = readLength()
    at += body
  }
  return at
}

/** Copy `count` records from `from` to `to`, numbering them from 0. OUT is the end; returns where the source ended. */
export function copyRecords(from: usize, count: u32, to: usize): usize {
  let o = to
  at = from
  for (let i: u32 = 0; i < count; i++) {
    const body = readLength()
    const start = at
    const end = start + body
    at++ // attributes
    skipVarint() // timestamp delta
    const delta = at
    skipVarint() // offset delta
    const rest = at
    const head = <u32>(delta - start)
    const size = head + lengthSize(i) + <u32>(end - rest)
    o = lengthVarint(o, size)
    memory.copy(o, start, head)
    o += head
    o = lengthVarint(o, i)
    memory.copy(o, rest, end - rest)
    o += end - rest
    at = end
  }
  result(OUT, <f64>o)
  return at
}
