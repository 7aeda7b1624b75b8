// Where everything lies in the linear memory, as kernel/layout.ts has it and draws it; the numbers are compared by
// test/unit/kernel/layout.test.ts. Constants, not parameters: an address that is known becomes part of the instruction.

export const RESULTS: usize = 1024
export const TEMPLATE: usize = 2048
export const TIMESTAMP_TEXT: usize = 3072
export const COLUMNS: usize = 4096

/** Entries and ranges one call may make. */
export const ENTRY_CAPACITY: u32 = 4096
export const RANGE_CAPACITY: u32 = 8192

// the columns, one behind the other
export const TEXT: usize = COLUMNS
export const LENGTH: usize = COLUMNS + 4 * ENTRY_CAPACITY
export const RANGE_END: usize = COLUMNS + 8 * ENTRY_CAPACITY
export const LANE: usize = COLUMNS + 12 * ENTRY_CAPACITY
export const TIMESTAMP: usize = COLUMNS + 16 * ENTRY_CAPACITY
export const STREAM: usize = COLUMNS + 24 * ENTRY_CAPACITY
export const FLAGS: usize = COLUMNS + 25 * ENTRY_CAPACITY
export const VERDICT: usize = COLUMNS + 26 * ENTRY_CAPACITY
export const RANGE_START: usize = COLUMNS + 28 * ENTRY_CAPACITY
export const RANGE_STOP: usize = RANGE_START + 8 * RANGE_CAPACITY

// made by `init`
export const TABLES: usize = RANGE_STOP + 8 * RANGE_CAPACITY
export const ESCAPE_TABLE: usize = TABLES
export const VECTORS: usize = ESCAPE_TABLE + 4096
export const CRC_TABLES: usize = VECTORS + 1024
export const CRC_SCRATCH: usize = CRC_TABLES + 8192
export const GUARD_TABLE: usize = CRC_SCRATCH + 7168
export const TABLES_END: usize = GUARD_TABLE + 4096

/** Bytes that may be read or written beyond what is given, on either side. */
export const SLACK: usize = 64
