/**
 * The entries of a chunk in the form in which a lane appends them: it joins the frame stage to the output stage. There
 * is one object for all chunks, since a chunk is finished before the next one begins.
 */
import type { Chunk, Extent, Generation } from './flow.ts'
import type { Guard } from './guard.ts'
import type { Entries } from './frame/entries.ts'
import type { Append } from './kernel/kernel.ts'
import type { EntriesToAppend } from './output/producer/entries-to-append.ts'
import type { Affinity } from './output/producer/partition.ts'

export class ChunkRecords implements EntriesToAppend {
  readonly #entries: Entries
  readonly #onSettled: (file: Generation, ranges: readonly Extent[]) => void
  #chunk: Chunk | null = null
  #append: Append | null = null
  first = 0
  skipped = 0
  records = 0
  affinity: Affinity = 'always'

  /** `onSettled`: ranges of entries that have no record. */
  constructor(entries: Entries, onSettled: (file: Generation, ranges: readonly Extent[]) => void) {
    this.#entries = entries
    this.#onSettled = onSettled
  }

  /** Takes the entries of a chunk from the beginning. */
  begin(chunk: Chunk, how: { skipped: number; affinity: Affinity; append: Append }): void {
    this.#chunk = chunk
    this.#append = how.append
    this.first = 0
    this.records = 0
    this.skipped = how.skipped
    this.affinity = how.affinity
  }

  get chunk(): Chunk {
    if (this.#chunk === null) throw new Error('no chunk was begun')
    return this.#chunk
  }

  get append(): Append {
    if (this.#append === null) throw new Error('no chunk was begun')
    return this.#append
  }

  get file(): Generation {
    return this.chunk.file
  }

  get end(): number {
    return this.#entries.count
  }

  get timestamp(): number {
    return Math.floor(this.chunk.readAt)
  }

  extentsOf(first: number, end: number): Extent[] {
    const entries = this.#entries
    if (first >= end) return []
    if (entries.abut) return [this.#extent(entries.startOf(first), entries.endOf(end - 1))]
    return entries.rangesOf(first, end).map((range) => this.#extent(range.start, range.end))
  }

  guardAt(offset: number): Guard {
    return this.chunk.guardAt(offset)
  }

  #extent(start: number, end: number): Extent {
    return { start, end, guard: this.chunk.guardAt(end) }
  }

  settled(ranges: readonly Extent[]): void {
    this.#onSettled(this.file, ranges)
  }
}
