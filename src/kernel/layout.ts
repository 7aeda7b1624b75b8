/**
 * Where everything lies in the kernel's linear memory, and the slots both sides agree on. The AssemblyScript side
 * (simd/layout.ts, entries.ts, results.ts, template.ts) has the same numbers; test/unit/kernel/layout.test.ts compares
 * them.
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

/** Entries that one framing call makes at most. */
export const ENTRY_CAPACITY = 4096
export const RANGE_CAPACITY = 8192

export const RESULTS = 1024
export const TEMPLATE = 2048
export const TIMESTAMP_TEXT = 3072
export const COLUMNS = 4096

/** Offsets of the columns from {@link COLUMNS}. */
export const COLUMN = {
  text: 0,
  length: 4 * ENTRY_CAPACITY,
  rangeEnd: 8 * ENTRY_CAPACITY,
  lane: 12 * ENTRY_CAPACITY,
  timestamp: 16 * ENTRY_CAPACITY,
  stream: 24 * ENTRY_CAPACITY,
  flags: 25 * ENTRY_CAPACITY,
  verdict: 26 * ENTRY_CAPACITY,
  rangeStart: 28 * ENTRY_CAPACITY,
  rangeStop: 28 * ENTRY_CAPACITY + 8 * RANGE_CAPACITY,
  end: 28 * ENTRY_CAPACITY + 16 * RANGE_CAPACITY,
} as const

/** The kernel's own: tables made at the start, and what a checksum works on. */
export const TABLES = COLUMNS + COLUMN.end
export const TABLES_BYTES = 24 * 1024

/** Bytes for the segments of one template: keys, headers, labels. */
export const TEMPLATE_TEXT_BYTES = 256 * 1024

/** Of a WebAssembly memory. */
export const PAGE = 65536

/** Sizes of batch buffers; the third is as large as a batch may be. */
export const SMALL = 16 * 1024
export const MEDIUM = 128 * 1024

/** What becomes of an entry. `settleTooLarge` is the appenders' verdict on one that no record can hold. */
export const VERDICT = { ship: 0, settleEmpty: 1, settleTooLong: 2, settleTooLarge: 3 } as const

/** Bits of an entry's flags. */
export const FLAG = { truncated: 1 } as const

/** An entry's stream. */
export const STREAM = { none: 0, stdout: 1, stderr: 2 } as const

/** Slots of the results block, in 64-bit floats. */
export const RESULT = {
  next: 0,
  out: 1,
  records: 2,
  consumed: 3,
  invalid: 4,
  cut: 5,
  settledLines: 6,
  settledBytes: 7,
  skipped: 8,
  maxTimestamp: 9,
  cutBytes: 10,
  oversize: 11,
  oversizeAt: 12,
} as const

/** Segments of the template; see simd/template.ts for their bytes. */
export const SEGMENT = {
  key: 0,
  raw: { headers: 1, offset: 2, bytes: 3, skipped: 4, truncated: 5, stdout: 6, stderr: 7, headerCount: 8 },
  json: { head: 1, message: 2, stdout: 3, stderr: 4, log: 5, bytes: 6, skipped: 7, flags: 8, tail: 9 },
} as const

/** Bytes that SIMD code may read or write beyond what it was given, on either side. */
export const SLACK = 64

/** Bytes before an offset that are compared at every read (the guard). */
export const GUARD_BYTES = 64
