/** What is asked of a lane when records are appended, and what came of it. */
import type { Extent, Generation } from '../../flow.ts'
import type { Guard } from '../../guard.ts'
import type { Append } from '../../kernel/kernel.ts'
import type { Affinity } from './partition.ts'

/** What one call appends: entries of one file, already framed. */
export interface EntriesToAppend {
  readonly file: Generation
  readonly append: Append
  /** Entries to append; `first` and `skipped` move on as they are taken. */
  first: number
  readonly end: number
  /** Whole milliseconds; becomes the base timestamp of a batch that begins with these entries. */
  readonly timestamp: number
  /** Settled bytes the next record has to carry. */
  skipped: number
  /** Records made of them so far; an entry taken without one was settled. */
  records: number
  /** What may make the records leave the partition while they are unsent. */
  readonly affinity: Affinity
  /** Where entries [first, end) lie in the file, in their order. The caller may keep and change it. */
  extentsOf(first: number, end: number): Extent[]
  /** The guard of the bytes before an offset. */
  guardAt(offset: number): Guard
  /** The last of the entries taken got no record, but were settled: these are their ranges. */
  settled(ranges: readonly Extent[]): void
}

/** What one call made of an {@link EntriesToAppend}. */
export interface Appended {
  records: number
  /** Source bytes of the records. */
  bytes: number
  invalidUtf8: number
  truncated: number
  /** Source bytes that are in no record, since theirs was cut. */
  cutBytes: number
  /** How many were cut because they were too large for a batch, and the file offset of the first. */
  tooLarge: number
  tooLargeAt: number
}
