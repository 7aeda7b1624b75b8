/**
 * The layout of the kernel's linear memory, with the slots and codes that both sides use. The numbers themselves are in
 * simd/layout.ts, which AssemblyScript compiles; this file groups them for TypeScript and adds those that only
 * TypeScript needs.
 *
 *   0       nothing (a null pointer is never valid)
 *   1 KiB   results: 64-bit floats
 *   2 KiB   template table: (pointer, length) pairs
 *   3 KiB   text of the last timestamp
 *   4 KiB   columns of the entries
 *   …       tables of the kernel: escapes, checksums and their scratch
 *   …       template text: the bytes the template's segments point to
 *   …       chunk: guard, bytes read, slack
 *   …       pool of batch buffers, to the end
 */
import * as simd from './simd/layout.ts'

export {
  COLUMNS,
  ENTRY_CAPACITY,
  RANGE_CAPACITY,
  RESULTS,
  SLACK,
  TABLES,
  TEMPLATE,
  TIMESTAMP_TEXT,
} from './simd/layout.ts'

/** Offsets of the columns from {@link simd.COLUMNS}. */
export const COLUMN = {
  text: simd.TEXT - simd.COLUMNS,
  length: simd.LENGTH - simd.COLUMNS,
  rangeEnd: simd.RANGE_END - simd.COLUMNS,
  route: simd.ROUTE - simd.COLUMNS,
  timestamp: simd.TIMESTAMP - simd.COLUMNS,
  stream: simd.STREAM - simd.COLUMNS,
  flags: simd.FLAGS - simd.COLUMNS,
  verdict: simd.VERDICT - simd.COLUMNS,
  rangeStart: simd.RANGE_START - simd.COLUMNS,
  rangeStop: simd.RANGE_STOP - simd.COLUMNS,
  end: simd.TABLES - simd.COLUMNS,
} as const

/** Bytes of the kernel's own tables, which are made at the start, and of what a checksum works on. */
export const TABLES_BYTES = simd.TABLES_END - simd.TABLES

/** Bytes for the segments of one template: keys, headers, labels. */
export const TEMPLATE_TEXT_BYTES = 256 * 1024

/** Bytes of a page of WebAssembly memory. */
export const PAGE = 65536

/** Bytes of the two smaller classes of batch buffers; a buffer of the third is as large as a batch may be. */
export const SMALL = 16 * 1024
export const MEDIUM = 128 * 1024

/** What framing decides about an entry. `settleTooLarge` is the appenders' verdict on one that no record can hold. */
export const VERDICT = {
  ship: simd.SHIP,
  settleEmpty: simd.SETTLE_EMPTY,
  settleTooLong: simd.SETTLE_TOO_LONG,
  settleTooLarge: simd.SETTLE_TOO_LARGE,
} as const

/** Bits of an entry's flags. */
export const FLAG = { truncated: simd.TRUNCATED } as const

/** An entry's stream. */
export const STREAM = { none: simd.NO_STREAM, stdout: simd.STDOUT, stderr: simd.STDERR } as const

/** Slots of the results block, in 64-bit floats. */
export const RESULT = {
  next: simd.NEXT,
  out: simd.OUT,
  records: simd.RECORDS,
  consumed: simd.CONSUMED,
  invalid: simd.INVALID,
  cut: simd.CUT,
  settledLines: simd.SETTLED_LINES,
  settledBytes: simd.SETTLED_BYTES,
  skipped: simd.SKIPPED,
  maxTimestamp: simd.MAX_TIMESTAMP,
  cutBytes: simd.CUT_BYTES,
  oversize: simd.OVERSIZE,
  oversizeAt: simd.OVERSIZE_AT,
} as const

/** Indexes of the template's segments; simd/layout.ts shows the bytes of each. */
export const SEGMENT = {
  key: simd.KEY,
  raw: {
    headers: simd.HEADERS,
    offset: simd.OFFSET_NAME,
    bytes: simd.BYTES_NAME,
    skipped: simd.SKIPPED_NAME,
    truncated: simd.TRUNCATED_HEADER,
    stdout: simd.STDOUT_HEADER,
    stderr: simd.STDERR_HEADER,
    headerCount: simd.HEADER_COUNT,
  },
  json: {
    head: simd.HEAD,
    message: simd.MESSAGE,
    stdout: simd.STDOUT_FIELD,
    stderr: simd.STDERR_FIELD,
    log: simd.LOG,
    bytes: simd.BYTES_FIELD,
    skipped: simd.SKIPPED_FIELD,
    flags: simd.FLAGS_FIELD,
    tail: simd.TAIL,
  },
} as const

/** Bytes before an offset that are compared at every read (the guard). */
export const GUARD_BYTES = 64
