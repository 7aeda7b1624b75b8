/**
 * The entries of one chunk, which are columns in the kernel's memory. This view reads and writes single cells, for the
 * few places that need one. Lines never become objects.
 */
import type { Range } from '../flow.ts'
import { COLUMN, COLUMNS, ENTRY_CAPACITY, RANGE_CAPACITY, STREAM } from '../kernel/layout.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import { join } from '../ranges.ts'

export interface Entry {
  readonly text: number
  readonly length: number
  readonly timestampNs: bigint
  readonly flags: number
  readonly verdict: number
  readonly start: number
  readonly end: number
}

export class Entries {
  readonly #text: Uint32Array
  readonly #length: Uint32Array
  readonly #rangeEnd: Uint32Array
  readonly #route: Uint32Array
  readonly #timestamp: BigInt64Array
  readonly #stream: Uint8Array
  readonly #flags: Uint8Array
  readonly #verdict: Uint8Array
  readonly #rangeStart: Float64Array
  readonly #rangeStop: Float64Array
  #readAt = NaN
  #readAtNs = 0n
  /** How many entries are in use. */
  count = 0
  /**
   * Whether all entries are of route 0 and adjacent in the file, as lines are. Then they need not be visited one by
   * one.
   */
  abut = true

  constructor(memory: LinearMemory) {
    const { buffer } = memory.bytes
    this.#text = new Uint32Array(buffer, COLUMNS + COLUMN.text, ENTRY_CAPACITY)
    this.#length = new Uint32Array(buffer, COLUMNS + COLUMN.length, ENTRY_CAPACITY)
    this.#rangeEnd = new Uint32Array(buffer, COLUMNS + COLUMN.rangeEnd, ENTRY_CAPACITY)
    this.#route = new Uint32Array(buffer, COLUMNS + COLUMN.route, ENTRY_CAPACITY)
    this.#timestamp = new BigInt64Array(buffer, COLUMNS + COLUMN.timestamp, ENTRY_CAPACITY)
    this.#stream = new Uint8Array(buffer, COLUMNS + COLUMN.stream, ENTRY_CAPACITY)
    this.#flags = new Uint8Array(buffer, COLUMNS + COLUMN.flags, ENTRY_CAPACITY)
    this.#verdict = new Uint8Array(buffer, COLUMNS + COLUMN.verdict, ENTRY_CAPACITY)
    this.#rangeStart = new Float64Array(buffer, COLUMNS + COLUMN.rangeStart, RANGE_CAPACITY)
    this.#rangeStop = new Float64Array(buffer, COLUMNS + COLUMN.rangeStop, RANGE_CAPACITY)
  }

  /** The file offset where entry i begins. */
  startOf(i: number): number {
    return this.#rangeStart[this.#firstRange(i)] ?? 0
  }

  /** The file offset behind entry i. */
  endOf(i: number): number {
    return this.#rangeStop[(this.#rangeEnd[i] ?? 1) - 1] ?? 0
  }

  /** The file ranges of entries [first, end) of a route, in the order of the entries. Adjacent ranges are joined. */
  rangesOf(first: number, end: number, route = 0): Range[] {
    if (first >= end) return []
    if (this.abut) return [{ start: this.startOf(first), end: this.endOf(end - 1) }]
    const ranges: Range[] = []
    for (let i = first; i < end; i++) {
      if (this.#route[i] !== route) continue
      for (let r = this.#firstRange(i); r < (this.#rangeEnd[i] ?? 0); r++) {
        join(ranges, [{ start: this.#rangeStart[r] ?? 0, end: this.#rangeStop[r] ?? 0 }])
      }
    }
    return ranges
  }

  /**
   * Converts milliseconds, which may have a fraction. The last result is kept, because files read together have one
   * time.
   */
  nanoseconds(milliseconds: number): bigint {
    if (milliseconds !== this.#readAt) {
      this.#readAt = milliseconds
      this.#readAtNs = BigInt(Math.round(milliseconds * 1000)) * 1000n
    }
    return this.#readAtNs
  }

  verdictOf(i: number): number {
    return this.#verdict[i] ?? 0
  }

  /** Sets the verdict of entry i to one of the kernel's VERDICT. */
  setVerdict(i: number, verdict: number): void {
    this.#verdict[i] = verdict
  }

  /** Replaces all entries by this one, without a stream, for route 0. */
  setOnly(entry: Entry): void {
    this.#text[0] = entry.text
    this.#length[0] = entry.length
    this.#rangeEnd[0] = 1
    this.#route[0] = 0
    this.#timestamp[0] = entry.timestampNs
    this.#stream[0] = STREAM.none
    this.#flags[0] = entry.flags
    this.#verdict[0] = entry.verdict
    this.#rangeStart[0] = entry.start
    this.#rangeStop[0] = entry.end
    this.count = 1
    this.abut = true
  }

  #firstRange(i: number): number {
    return i === 0 ? 0 : (this.#rangeEnd[i - 1] ?? 0)
  }
}
