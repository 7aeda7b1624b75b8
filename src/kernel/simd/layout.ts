// Every number that both sides of the kernel use: where the parts of the linear memory lie, and what the slots and
// codes in them mean. This file is plain enough to be compiled by AssemblyScript and to be run by Node;
// kernel/layout.ts draws the memory and groups the numbers for TypeScript. Addresses are constants and no parameters,
// because a constant address becomes part of the instruction.

export const RESULTS: usize = 1024
export const TEMPLATE: usize = 2048
export const TIMESTAMP_TEXT: usize = 3072
export const COLUMNS: usize = 4096

/** Entries that one framing call makes at most, and their ranges. */
export const ENTRY_CAPACITY: u32 = 4096
export const RANGE_CAPACITY: u32 = 8192

// The columns of the entries, one behind the other.
export const TEXT: usize = COLUMNS
export const LENGTH: usize = COLUMNS + 4 * ENTRY_CAPACITY
export const RANGE_END: usize = COLUMNS + 8 * ENTRY_CAPACITY
export const ROUTE: usize = COLUMNS + 12 * ENTRY_CAPACITY // number of the lane that an entry goes to
export const TIMESTAMP: usize = COLUMNS + 16 * ENTRY_CAPACITY
export const STREAM: usize = COLUMNS + 24 * ENTRY_CAPACITY
export const FLAGS: usize = COLUMNS + 25 * ENTRY_CAPACITY
export const VERDICT: usize = COLUMNS + 26 * ENTRY_CAPACITY
export const RANGE_START: usize = COLUMNS + 28 * ENTRY_CAPACITY
export const RANGE_STOP: usize = RANGE_START + 8 * RANGE_CAPACITY

// Tables that `init` makes, and what a checksum works on.
export const TABLES: usize = RANGE_STOP + 8 * RANGE_CAPACITY
export const ESCAPE_TABLE: usize = TABLES
export const VECTORS: usize = ESCAPE_TABLE + 4096
export const CRC_TABLES: usize = VECTORS + 1024
export const CRC_SCRATCH: usize = CRC_TABLES + 8192
export const GUARD_TABLE: usize = CRC_SCRATCH + 7168
export const TABLES_END: usize = GUARD_TABLE + 4096

/** Bytes that SIMD code may read or write beyond what it was given, on either side. */
export const SLACK: usize = 64

// An entry's verdict. The appenders settle an entry as too large when no record can hold it.
export const SHIP: u8 = 0
export const SETTLE_EMPTY: u8 = 1
export const SETTLE_TOO_LONG: u8 = 2
export const SETTLE_TOO_LARGE: u8 = 3

// Bits of an entry's flags.
export const TRUNCATED: u8 = 1

// An entry's stream.
export const NO_STREAM: u8 = 0
export const STDOUT: u8 = 1
export const STDERR: u8 = 2

// Slots of the results block, each a 64-bit float.
export const NEXT: u32 = 0 // first entry not taken
export const OUT: u32 = 1 // pointer behind the last byte written
export const RECORDS: u32 = 2 // records written
export const CONSUMED: u32 = 3 // chunk bytes framed; source bytes shipped by an append
export const INVALID: u32 = 4 // ill-formed UTF-8 sequences replaced
export const CUT: u32 = 5 // records marked as truncated
export const SETTLED_LINES: u32 = 6
export const SETTLED_BYTES: u32 = 7
export const SKIPPED: u32 = 8 // settled bytes that the next record has to carry
export const MAX_TIMESTAMP: u32 = 9 // milliseconds
export const CUT_BYTES: u32 = 10 // source bytes of the truncated records that no record contains
export const OVERSIZE: u32 = 11 // truncated records that were cut to the largest size of a record
export const OVERSIZE_AT: u32 = 12 // file offset of the first of those

// Segments of the template, by index. Both encodings:
export const KEY: u32 = 0 // length -1: null key
// Headers of a raw record, each already encoded with its varints:
export const HEADERS: u32 = 1 // constant headers; HEADER_COUNT has their number
export const OFFSET_NAME: u32 = 2 // name only: the value's digits follow
export const BYTES_NAME: u32 = 3
export const SKIPPED_NAME: u32 = 4
export const TRUNCATED_HEADER: u32 = 5
export const STDOUT_HEADER: u32 = 6
export const STDERR_HEADER: u32 = 7
export const HEADER_COUNT: u32 = 8 // in the length cell: number of constant headers, -1 for no headers at all
// Text of a json record:
export const HEAD: u32 = 1 // {"@timestamp":"
export const MESSAGE: u32 = 2 // ","message":"
export const STDOUT_FIELD: u32 = 3 // ","stream":"stdout
export const STDERR_FIELD: u32 = 4
export const LOG: u32 = 5 // ","log":{"file":{…},"offset":
export const BYTES_FIELD: u32 = 6 // ,"bytes":
export const SKIPPED_FIELD: u32 = 7 // ,"skipped":
export const FLAGS_FIELD: u32 = 8 // ,"flags":["truncated"]
export const TAIL: u32 = 9 // },"kubernetes":…}
