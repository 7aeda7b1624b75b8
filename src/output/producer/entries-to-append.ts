/** The entries that a call appends to a lane, and its result. */
import type { Extent, Generation } from '../../flow.ts'
import type { Guard } from '../../guard.ts'
import type { Append } from '../../kernel/kernel.ts'
import { RESULT } from '../../kernel/layout.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import type { Affinity } from './partition.ts'

/** Entries of one file, already framed, and how far they are taken. */
export interface EntriesToAppend {
  readonly file: Generation
  readonly append: Append
  /** Entries [first, end) are still to be appended; `first` and `skipped` move on as entries are taken. */
  first: number
  readonly end: number
  /** Whole milliseconds; becomes the base timestamp of a batch that begins with these entries. */
  readonly timestamp: number
  /** Settled bytes that the next record has to carry. */
  skipped: number
  /** Records that the entries taken have become. An entry that was taken without a record was settled. */
  records: number
  /** Under which condition the records may leave the partition while they are unsent. */
  readonly affinity: Affinity
  /** Where entries [first, end) lie in the file, in their order. The caller may keep and change the result. */
  extentsOf(first: number, end: number): Extent[]
  /** The guard of the bytes before an offset. */
  guardAt(offset: number): Guard
  /** The last of the entries that were taken have no record, but are settled; these are their ranges. */
  settled(ranges: readonly Extent[]): void
}

/** The result of a call of {@link Lane.append}. */
export class Appended {
  records = 0
  /** Source bytes of the records. */
  bytes = 0
  invalidUtf8 = 0
  truncated = 0
  /** Source bytes that are in no record, since theirs was cut. */
  cutBytes = 0
  /** How many records were cut because they were too large for a batch, and the file offset of the first. */
  tooLarge = 0
  tooLargeAt = 0

  reset(): void {
    this.records = this.bytes = this.invalidUtf8 = this.truncated = this.cutBytes = this.tooLarge = 0
  }

  /** Adds the values of the results block after a call that appended `records` records of `bytes` source bytes. */
  add(memory: LinearMemory, records: number, bytes: number): void {
    this.records += records
    this.bytes += bytes
    this.invalidUtf8 += memory.result(RESULT.invalid)
    this.truncated += memory.result(RESULT.cut)
    this.cutBytes += memory.result(RESULT.cutBytes)
    if (this.tooLarge === 0) this.tooLargeAt = memory.result(RESULT.oversizeAt)
    this.tooLarge += memory.result(RESULT.oversize)
  }
}
