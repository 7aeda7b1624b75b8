/**
 * The smallest possible linear memory, in which every byte is watched: a call of the kernel fails if it changes a byte
 * that it may not change. The pool is one buffer that ends where the memory ends.
 */
import assert from 'node:assert/strict'
import {
  COLUMN,
  COLUMNS,
  FLAG,
  RESULTS,
  SLACK,
  STREAM,
  TABLES,
  TABLES_BYTES,
  TIMESTAMP_TEXT,
  VERDICT,
} from '../../src/kernel/layout.ts'
import { LinearMemory } from '../../src/kernel/memory.ts'
import type { TwinEntry } from './twin/entry.ts'

const PAGE = 65536

/** The address at which a chunk begins. */
const BEFORE_CHUNK = new LinearMemory({ total: 64 * PAGE, chunk: 1, largest: 1 }).chunk.pointer

interface Stretch {
  readonly from: number
  readonly to: number
}

/** Where the kernel may write in every call: results, the timestamp, its scratch tables. */
const OWN: readonly Stretch[] = [
  { from: RESULTS, to: RESULTS + 1024 },
  { from: TIMESTAMP_TEXT, to: TIMESTAMP_TEXT + 32 },
  { from: TABLES, to: TABLES + TABLES_BYTES },
]

export const ALL_COLUMNS: Stretch = { from: COLUMNS, to: COLUMNS + COLUMN.end }
/** The columns that an append may change. */
export const FLAGS_AND_VERDICTS: Stretch = { from: COLUMNS + COLUMN.flags, to: COLUMNS + COLUMN.rangeStart }

const STREAMS = { none: STREAM.none, stdout: STREAM.stdout, stderr: STREAM.stderr } as const
const VERDICTS = {
  ship: VERDICT.ship,
  empty: VERDICT.settleEmpty,
  'too-long': VERDICT.settleTooLong,
  'too-large': VERDICT.settleTooLarge,
} as const

export class WatchedMemory {
  readonly memory: LinearMemory
  /** The whole pool, which ends at the memory's end. */
  readonly pool: Stretch

  /** @param buffer bytes of the one buffer of the pool, in whole pages */
  constructor(chunk: number, buffer = 2 * PAGE) {
    const from = Math.ceil((BEFORE_CHUNK + chunk + SLACK) / PAGE) * PAGE
    this.memory = new LinearMemory({ total: from + buffer, chunk, largest: buffer })
    this.pool = { from, to: from + buffer }
    assert.equal(this.memory.pool.total, buffer)
  }

  /** Makes the call, and checks that only the kernel's own bytes and those of `allowed` (called afterwards) changed. */
  watch<T>(call: () => T, allowed: () => readonly Stretch[]): T {
    const { bytes } = this.memory
    const before = Buffer.from(bytes)
    const result = call()
    for (const { from, to } of [...OWN, ...allowed()]) bytes.copy(before, from, from, to)
    if (!before.equals(bytes)) {
      const at = before.findIndex((byte, i) => byte !== bytes[i])
      assert.fail(`byte ${at} changed: from ${before[at]} to ${bytes[at]}`)
    }
    return result
  }

  /** Fills a stretch with one byte. */
  flood({ from, to }: Stretch, byte: number): void {
    this.memory.bytes.fill(byte, from, to)
  }

  /** Puts entries into the columns, and their texts into the chunk, each `gaps[i]` bytes behind the one before. */
  putEntries(entries: readonly TwinEntry[], gaps: readonly number[]): void {
    const { bytes, chunk } = this.memory
    const at = (column: number, i: number, width: number): number => COLUMNS + column + width * i
    let pointer = chunk.pointer
    let range = 0
    entries.forEach((entry, i) => {
      pointer += gaps[i] ?? 0
      assert.ok(pointer + entry.text.length <= chunk.pointer + chunk.length, 'the chunk is too small for the texts')
      bytes.set(entry.text, pointer)
      bytes.writeUInt32LE(pointer, at(COLUMN.text, i, 4))
      bytes.writeUInt32LE(entry.text.length, at(COLUMN.length, i, 4))
      bytes.writeUInt32LE(entry.route, at(COLUMN.route, i, 4))
      bytes.writeBigInt64LE(entry.timestampNs, at(COLUMN.timestamp, i, 8))
      bytes[at(COLUMN.stream, i, 1)] = STREAMS[entry.stream]
      bytes[at(COLUMN.flags, i, 1)] = entry.truncated ? FLAG.truncated : 0
      bytes[at(COLUMN.verdict, i, 1)] = VERDICTS[entry.verdict]
      for (const { start, end } of entry.ranges) {
        bytes.writeDoubleLE(start, at(COLUMN.rangeStart, range, 8))
        bytes.writeDoubleLE(end, at(COLUMN.rangeStop, range, 8))
        range++
      }
      bytes.writeUInt32LE(range, at(COLUMN.rangeEnd, i, 4))
      pointer += entry.text.length
    })
  }

  /** Reads entries from the columns. */
  getEntries(count: number): TwinEntry[] {
    const { bytes } = this.memory
    const at = (column: number, i: number, width: number): number => COLUMNS + column + width * i
    return Array.from({ length: count }, (_, i): TwinEntry => {
      const text = bytes.readUInt32LE(at(COLUMN.text, i, 4))
      const first = i === 0 ? 0 : bytes.readUInt32LE(at(COLUMN.rangeEnd, i - 1, 4))
      const ranges = Array.from({ length: bytes.readUInt32LE(at(COLUMN.rangeEnd, i, 4)) - first }, (_, r) => ({
        start: bytes.readDoubleLE(at(COLUMN.rangeStart, first + r, 8)),
        end: bytes.readDoubleLE(at(COLUMN.rangeStop, first + r, 8)),
      }))
      return {
        text: Buffer.from(bytes.subarray(text, text + bytes.readUInt32LE(at(COLUMN.length, i, 4)))),
        ranges,
        timestampNs: bytes.readBigInt64LE(at(COLUMN.timestamp, i, 8)),
        stream: nameOf(STREAMS, bytes[at(COLUMN.stream, i, 1)]),
        route: bytes.readUInt32LE(at(COLUMN.route, i, 4)),
        truncated: bytes[at(COLUMN.flags, i, 1)] === FLAG.truncated,
        verdict: nameOf(VERDICTS, bytes[at(COLUMN.verdict, i, 1)]),
      }
    })
  }
}

function nameOf<Name extends string>(names: Readonly<Record<Name, number>>, value: number | undefined): Name {
  for (const name in names) if (names[name] === value) return name
  return assert.fail(`no name for ${value}`)
}
