/**
 * The arguments of one call of the kernel's appenders, by name. The object is made once and used for every call, so
 * that a call allocates nothing; the kernel keeps nothing of it.
 */
import type { Append } from './kernel.ts'

export class AppendCall {
  /** Entries [first, end) of the columns, of those of `lane`. */
  first = 0
  end = 0
  lane = 0
  /** Pointer to where the first record goes. */
  out = 0
  /** Pointer that no record may pass. */
  limit = 0
  /** Pointer to the end of the batch's buffer, from where the column of sizes grows down. */
  bufferEnd = 0
  /** How many records the batch has already. */
  index = 0
  /** Milliseconds. */
  baseTimestamp = 0
  /** Bytes that a record may have at most. */
  maxRecord = 0
  /** A larger record is dropped, and not cut. */
  drop = false
  /** Settled bytes that the next record has to carry. */
  skipped = 0

  /** Returns how many records were appended; the rest is in the results block (layout.ts RESULT). */
  run(append: Append): number {
    return append(
      this.first,
      this.end,
      this.lane,
      this.out,
      this.limit,
      this.bufferEnd,
      this.index,
      this.baseTimestamp,
      this.maxRecord,
      this.drop ? 1 : 0,
      this.skipped,
    )
  }
}
