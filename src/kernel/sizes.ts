/**
 * How `buffer.maxBytes` is divided. This is known before any memory exists, so that a configuration that cannot work is
 * refused when it is loaded. memory.ts divides the memory accordingly.
 */
import { GUARD_BYTES, MEDIUM, PAGE, SLACK, TABLES, TABLES_BYTES, TEMPLATE_TEXT_BYTES } from './layout.ts'

export interface MemoryNeeds {
  /** `maxLineBytes` of the input with the longest lines. */
  readonly maxLineBytes: number
  readonly batchMaxBytes: number
  /** With compression, half of the bytes are left to the compressor and its results, outside the reserved memory. */
  readonly compressed: boolean
}

export interface MemorySizes {
  /** Bytes of the whole linear memory. */
  readonly total: number
  /** Bytes that one read brings at most; a line longer than this is never held whole. */
  readonly chunk: number
  /** Bytes of the largest batch buffer. */
  readonly largest: number
}

/** The most bytes that a template may have, which holds what all records of a file have in common. */
export const TEMPLATE_BYTES = TEMPLATE_TEXT_BYTES - SLACK

/** Bytes that a chunk has beyond the longest line, because framing needs to see that line's newline. */
const CHUNK_EXTRA = 64 * 1024

/** Bytes that a buffer has beyond the largest batch, for the sizes of its records. */
const BATCH_EXTRA = 32 * 1024

/** The least number of large buffers: a read from a mount that can hang takes one while another is filled. */
const LEAST_BUFFERS = 2

export function memorySizes(
  bufferMaxBytes: number,
  { maxLineBytes, batchMaxBytes, compressed }: MemoryNeeds,
): MemorySizes {
  const chunk = maxLineBytes + CHUNK_EXTRA
  // a chunk that is read from a mount that can hang has to fit into a batch buffer
  const largest = Math.max(batchMaxBytes + BATCH_EXTRA, chunk + GUARD_BYTES + SLACK)
  return { total: compressed ? Math.floor(bufferMaxBytes / 2) : bufferMaxBytes, chunk, largest }
}

/** The least `buffer.maxBytes` with which all parts have room. */
export function leastBufferBytes(needs: MemoryNeeds): number {
  const { chunk, largest } = memorySizes(0, needs)
  const total = poolAddress(chunk) + LEAST_BUFFERS * wholeBuffer(largest)
  return total * (needs.compressed ? 2 : 1)
}

/** Address of the pool of batch buffers; layout.ts draws what lies before it. */
export function poolAddress(chunk: number): number {
  return upTo(TABLES + TABLES_BYTES + TEMPLATE_TEXT_BYTES + GUARD_BYTES + chunk + SLACK, PAGE)
}

/** Bytes of the large buffers: `largest`, rounded up to whole medium ones. */
export function wholeBuffer(largest: number): number {
  return upTo(largest, MEDIUM)
}

function upTo(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit
}
