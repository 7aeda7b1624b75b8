/**
 * Sets of ranges of one file. They are in the order of the entries that were made of them, which can differ from the
 * order in the file: a line that was written in parts can end behind a line that was written between them.
 */
import type { Extent, Range } from './flow.ts'
import { type Guard, NO_GUARD } from './guard.ts'

/** How many bytes the ranges have together. */
export function bytesOf(ranges: readonly Range[]): number {
  let sum = 0
  for (let i = 0; i < ranges.length; i++) sum += ranges[i]!.end - ranges[i]!.start
  return sum
}

/**
 * Splits a set after its first `bytes` bytes. `guardAt` gives the guard of an offset that becomes the end of a range.
 */
export function split(
  ranges: readonly Extent[],
  bytes: number,
  guardAt: (offset: number) => Guard = () => NO_GUARD,
): readonly [first: Extent[], rest: Extent[]] {
  const first: Extent[] = []
  const rest: Extent[] = []
  let left = bytes
  for (const range of ranges) {
    const { start, end } = range
    const length = end - start
    if (left >= length) first.push(range)
    else if (left <= 0) rest.push(range)
    else {
      first.push({ start, end: start + left, guard: guardAt(start + left) })
      rest.push({ ...range, start: start + left })
    }
    left -= length
  }
  return [first, rest]
}

/** Appends ranges to a set. A range that begins where the last one ends is joined with it. */
export function join<R extends Range>(ranges: R[], more: readonly R[]): void {
  for (const next of more) {
    const last = ranges.at(-1)
    if (last?.end === next.start) ranges[ranges.length - 1] = { ...next, start: last.start }
    else ranges.push(next)
  }
}
