/**
 * How far one generation is acknowledged, that is stored or settled: the only place that moves an offset.
 *
 * The offset stands at the first byte that is neither stored nor settled. Receipts come in any order (batches overtake each
 * other, and partitions do not wait for each other), so ranges that are acknowledged beyond a hole wait here until the hole
 * is filled. The reader knows what is in flight, and the checkpoint keeps the offset on disk.
 *
 * Ranges may overlap: interleaved CRI partials share a stretch of the file, and bytes that are read again after a rewind
 * are acknowledged twice. A byte that was stored is stored, even if it was settled too.
 *
 * The offset stands only where the guard is known: after a restart, a position without one could not be told from the same
 * place in another file. Where a batch is stored in parts, only the end of the last part has a guard, so the parts before
 * wait for it. A crash in between repeats them, like anything else that was in flight.
 *
 * Memory is bounded by what is in flight: a waiting run comes from a receipt, and runs of one kind that touch are merged.
 */
import type { OpenPiece, Position, Range, Receipt } from '../../flow.ts'
import { type Guard, NO_GUARD } from '../../guard.ts'

export type Outcome = Receipt['outcome']

/** Where a generation begins: at a stored position, or at `{ offset: 0, skipped: 0, guard: 0 }` for a new one. */
export interface Mark {
  readonly offset: number
  /** Settled bytes directly below `offset` that no record has carried as `log.skipped` yet. */
  readonly skipped: number
  /** Of the bytes below `offset`. */
  readonly guard: Guard
}

export const NO_OPEN_PIECES: readonly OpenPiece[] = []

export class Watermark implements Mark {
  #offset: number
  #skipped: number
  #guard: Guard
  /** Runs beyond the offset. Null while none waits, as in nearly every file at nearly every moment. */
  #stored: Runs | null = null
  #settled: Runs | null = null

  constructor(from: Mark) {
    this.#offset = from.offset
    this.#skipped = from.skipped
    this.#guard = from.guard
  }

  get offset(): number {
    return this.#offset
  }

  /** Grows over settled bytes, and is 0 after a stored one: the record that is stored there carried those before it. */
  get skipped(): number {
    return this.#skipped
  }

  /** The guard that came with the range ending at `offset`. */
  get guard(): Guard {
    return this.#guard
  }

  /** How many runs wait for a hole before them to be filled, or for a guard. A rewind to `offset` does not change it. */
  get pending(): number {
    return (this.#stored?.count ?? 0) + (this.#settled?.count ?? 0)
  }

  /** The position for the checkpoint. `open`: the framer's pieces of unfinished lines that lie below the offset. */
  position(open: readonly OpenPiece[] = NO_OPEN_PIECES): Position {
    return { offset: this.#offset, open, skipped: this.#skipped }
  }

  /**
   * Take one receipt's range. `guard`: of `range.end`, NO_GUARD where it is not known. True when the offset moved. A range
   * that is empty, or ends at or below the offset, changes nothing.
   */
  acknowledge(range: Range, outcome: Outcome, guard: Guard): boolean {
    const { start, end } = range
    if (end <= this.#offset || end <= start) return false
    if (start <= this.#offset && guard !== NO_GUARD && this.pending === 0) {
      this.#move(end, outcome === 'stored' ? 0 : this.#skipped + end - this.#offset, guard)
      return true
    }
    const runs = outcome === 'stored' ? (this.#stored ??= new Runs()) : (this.#settled ??= new Runs())
    runs.add(start, end, guard)
    const moved = this.#advance()
    if (this.pending === 0) this.#stored = this.#settled = null
    return moved
  }

  /** Move over the runs without a hole, to the last place in them whose guard is known. */
  #advance(): boolean {
    const from = this.#offset
    let at = from
    let skipped = this.#skipped
    for (;;) {
      const stored = this.#stored?.firstBeyond(at)
      const settled = this.#settled?.firstBeyond(at)
      if (stored !== undefined && stored.start <= at) {
        if (stored.stop > this.#offset) this.#move(stored.stop, 0, stored.guard)
        skipped = 0
        at = stored.end
      } else if (settled !== undefined && settled.start <= at) {
        // a stored run may begin inside the settled one: go there first, since the stored one decides about its bytes
        const end = stored === undefined ? settled.end : Math.min(settled.end, stored.start)
        const { stop, guard } = settled
        if (stop > at && stop <= end) this.#move(stop, skipped + stop - at, guard)
        skipped += end - at
        at = end
      } else break
    }
    this.#stored?.dropUpTo(this.#offset)
    this.#settled?.dropUpTo(this.#offset)
    return this.#offset > from
  }

  #move(offset: number, skipped: number, guard: Guard): void {
    this.#offset = offset
    this.#skipped = skipped
    this.#guard = guard
  }
}

interface Run {
  readonly start: number
  readonly end: number
  /** The furthest place in it whose guard is known; -1 where there is none. */
  readonly stop: number
  /** Of `stop`. */
  readonly guard: Guard
}

/** Runs of one kind, in order of offset, none touching another. */
class Runs {
  readonly #runs: Run[] = []

  get count(): number {
    return this.#runs.length
  }

  /** The first run that ends beyond an offset. */
  firstBeyond(offset: number): Run | undefined {
    return this.#runs[this.#firstEndingFrom(offset + 1)]
  }

  add(start: number, end: number, guard: Guard): void {
    const at = this.#firstEndingFrom(start)
    let run: Run = { start, end, stop: guard === NO_GUARD ? -1 : end, guard }
    let next = at
    for (; next < this.#runs.length; next++) {
      const other = this.#runs[next]!
      if (other.start > end) break
      const { stop, guard: its } = other.stop > run.stop ? other : run
      run = { start: Math.min(run.start, other.start), end: Math.max(run.end, other.end), stop, guard: its }
    }
    this.#runs.splice(at, next - at, run)
  }

  dropUpTo(offset: number): void {
    let gone = 0
    while (gone < this.#runs.length && this.#runs[gone]!.end <= offset) gone++
    if (gone > 0) this.#runs.splice(0, gone)
  }

  /** Index of the first run that ends at or after `offset`: the first that can touch a range starting there. */
  #firstEndingFrom(offset: number): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#runs[middle]!.end < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}
