/**
 * A file that exists only in a test: its lines are framed and encoded as in the pipeline, and it keeps the receipts for
 * them.
 */
import assert from 'node:assert/strict'
import { rawTemplate } from '../../src/encode/raw.ts'
import { TemplateSlot } from '../../src/encode/template.ts'
import { decodeRecords } from '../../src/encode/records.ts'
import type { Generation } from '../../src/flow.ts'
import { Entries } from '../../src/frame/entries.ts'
import { frameLines } from '../../src/frame/lines.ts'
import { LinearMemory } from '../../src/kernel/memory.ts'
import type { Piece } from '../../src/output/producer/batch.ts'
import type { EntriesToAppend, Appended } from '../../src/output/producer/entries-to-append.ts'
import type { Lane } from '../../src/output/producer/lane.ts'
import type { Affinity } from '../../src/output/producer/partition.ts'

const KIB = 1024

/** Makes a memory with a pool of `buffers` large buffers for batches of `largest` bytes, and a chunk of `chunk` bytes. */
export function smallMemory({ buffers = 8, largest = 100 * KIB, chunk = 320 * KIB } = {}): LinearMemory {
  const sizes = { chunk, largest }
  const overhead = new LinearMemory({ ...sizes, total: 8 * 1024 * KIB }).pool
  const used = 8 * 1024 * KIB - overhead.total
  const large = overhead.sizes.large
  // the pool begins at a page; the bytes behind the last whole buffer are not used
  const memory = new LinearMemory({
    ...sizes,
    total: (used % large) + Math.floor(used / large) * large + buffers * large,
  })
  assert.equal(memory.pool.total, buffers * large)
  return memory
}

/** What framing and encoding need, once for each memory. */
class Bench {
  readonly slot: TemplateSlot
  readonly entries: Entries

  constructor(memory: LinearMemory) {
    this.slot = new TemplateSlot(memory)
    this.entries = new Entries(memory)
  }
}

const benches = new WeakMap<LinearMemory, Bench>()

function benchOf(memory: LinearMemory): Bench {
  let bench = benches.get(memory)
  if (bench === undefined) benches.set(memory, (bench = new Bench(memory)))
  return bench
}

export interface Receipt {
  readonly start: number
  readonly end: number
  readonly records: number
  readonly outcome: 'stored' | 'settled'
}

export class MadeFile implements Generation {
  readonly id: string
  readonly inputId = 'made'
  readonly path: string
  readonly affinity: Affinity
  readonly receipts: Receipt[] = []
  readonly #memory: LinearMemory
  readonly #template
  readonly #lines: { readonly text: string; readonly start: number; readonly end: number }[] = []
  /** How many lines a lane has taken. */
  taken = 0
  skipped = 0
  #size = 0

  constructor(
    memory: LinearMemory,
    name: string,
    { affinity = 'while-led' as Affinity, key = null as Uint8Array | null } = {},
  ) {
    this.#memory = memory
    this.id = name
    this.path = `/made/${name}.log`
    this.affinity = affinity
    const facts = { file: { id: name, path: this.path }, agent: { name: 'test', id: 'test' }, fields: {} }
    this.#template = rawTemplate(facts, key, 'none')
  }

  write(...lines: readonly string[]): void {
    for (const text of lines) {
      const start = this.#size
      this.#size += Buffer.byteLength(text) + 1
      this.#lines.push({ text, start, end: this.#size })
    }
  }

  get waiting(): number {
    return this.#lines.length - this.taken
  }

  /** The offset up to which everything is stored or settled, without a hole. */
  get watermark(): number {
    let at = 0
    for (const { start, end } of [...this.receipts].sort((a, b) => a.start - b.start)) {
      if (start > at) break
      at = Math.max(at, end)
    }
    return at
  }

  /** Whether all written lines were taken, and are stored or settled. */
  get done(): boolean {
    return this.waiting === 0 && this.watermark === this.#size
  }

  /** The lines that are not taken yet, as many as there is room for in the chunk. Valid until the next call. */
  appendRequest(): EntriesToAppend {
    const { slot, entries } = benchOf(this.#memory)
    const { pointer, length: room } = this.#memory.chunk
    const from = this.#lines[this.taken]
    const offset = from?.start ?? this.#size
    let text = ''
    for (let i = this.taken; i < this.#lines.length && this.#lines[i]!.end - offset <= room; i++) {
      text += `${this.#lines[i]!.text}\n`
    }
    const length = this.#memory.bytes.write(text, pointer)
    const chunk = {
      file: this,
      ...{ pointer, length, offset, readAt: 1_700_000_000_000, lineEnd: null },
      guardAt: (at: number) => at,
    }
    frameLines(this.#memory, chunk, { emptyLines: 'drop', maxLineBytes: 1024 * KIB, longLines: 'cut' }, entries)
    return {
      file: this,
      append: slot.install(this.#template),
      first: 0,
      end: entries.count,
      timestamp: chunk.readAt,
      skipped: this.skipped,
      records: 0,
      affinity: this.affinity,
      extentsOf: (first, end) => entries.rangesOf(first, end).map((range) => ({ ...range, guard: range.end })),
      guardAt: chunk.guardAt,
      settled: (ranges) => this.receive({ file: this, ranges: [...ranges], records: 0 }, 'settled'),
    }
  }

  /** Appends the lines that are not taken yet to a lane, at a time of the producer's clock, and notes what it took. */
  appendTo(lane: Lane, now: number): Appended {
    const what = this.appendRequest()
    const appended = lane.append(what, now)
    this.took(what)
    return appended
  }

  /** Notes how much of an {@link appendRequest} was taken. */
  took({ first, skipped }: { first: number; skipped: number }): void {
    this.taken += first
    this.skipped = skipped
  }

  receive({ ranges, records }: Piece, outcome: 'stored' | 'settled'): void {
    for (const [index, { start, end }] of ranges.entries())
      this.receipts.push({ start, end, records: index === 0 ? records : 0, outcome })
  }

  /** The lines that lie in a range of the file. */
  linesIn(start: number, end: number): string[] {
    return this.#lines
      .filter((line) => line.start >= start && line.end <= end && line.text !== '')
      .map(({ text }) => text)
  }
}

/** The values of an uncompressed batch's records. */
export function valuesOf(batch: Uint8Array): string[] {
  return decodeRecords(batch.subarray(61)).map(({ value }) => Buffer.from(value ?? []).toString())
}
