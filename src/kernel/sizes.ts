/**
 * How `buffer.maxBytes` is divided, before there is any memory: so that a configuration which cannot work is refused as
 * such. memory.ts cuts by it.
 */
import { GUARD_BYTES, MEDIUM, PAGE, SLACK, TABLES, TABLES_BYTES, TEMPLATE_TEXT_BYTES } from './layout.ts'

export interface MemoryNeeds {
  /** Of the input with the longest lines. */
  readonly maxLineBytes: number
  readonly batchMaxBytes: number
  /** What is compressed lies outside the reserved memory, and half of the bytes are for that. */
  readonly compressed: boolean
}

export interface MemorySizes {
  /** All of it, in bytes. */
  readonly total: number
  /** Bytes one read brings at most; a line longer than this is never held whole. */
  readonly chunk: number
  /** Bytes of the largest batch buffer. */
  readonly largest: number
}

/** What all records of a file have in common, in bytes at most. */
export const TEMPLATE_BYTES = TEMPLATE_TEXT_BYTES - SLACK

/** Bytes beyond the longest line that a chunk has room for: framing needs to see its newline. */
const CHUNK_EXTRA = 64 * 1024

/** Bytes beyond the largest batch that its buffer has: for the sizes of its records. */
const BATCH_EXTRA = 32 * 1024

/** Largest batch buffers that there must be: a mount that can hang reads into one while another is filled. */
const LEAST_BUFFERS = 2

export function memorySizes(
  bufferMaxBytes: number,
  { maxLineBytes, batchMaxBytes, compressed }: MemoryNeeds,
): MemorySizes {
  const chunk = maxLineBytes + CHUNK_EXTRA
  // what is read from a mount that can hang has to fit into a batch buffer
  const largest = Math.max(batchMaxBytes + BATCH_EXTRA, chunk + GUARD_BYTES + SLACK)
  return { total: compressed ? Math.floor(bufferMaxBytes / 2) : bufferMaxBytes, chunk, largest }
}

/** The least `buffer.maxBytes` that has room for it all. */
export function leastBufferBytes(needs: MemoryNeeds): number {
  const { chunk, largest } = memorySizes(0, needs)
  const total = poolAddress(chunk) + LEAST_BUFFERS * wholeBuffer(largest)
  return total * (needs.compressed ? 2 : 1)
}

/** Where the pool of batch buffers begins; what lies before it: layout.ts. */
export function poolAddress(chunk: number): number {
  return upTo(TABLES + TABLES_BYTES + TEMPLATE_TEXT_BYTES + GUARD_BYTES + chunk + SLACK, PAGE)
}

/** The largest buffer is made of whole medium ones. */
export function wholeBuffer(largest: number): number {
  return upTo(largest, MEDIUM)
}

function upTo(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit
}
