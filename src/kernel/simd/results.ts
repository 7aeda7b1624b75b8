// What a call found out, beside its return value: a block of 64-bit floats that the caller reads after the call.
// Slots as in kernel/layout.ts RESULT.
import { RESULTS } from './layout'

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
export const CUT_BYTES: u32 = 10 // source bytes of the records marked as truncated that are in none
export const OVERSIZE: u32 = 11 // of them those cut to the largest size of a record
export const OVERSIZE_AT: u32 = 12 // file offset of the first of those

// @ts-ignore: decorator
@inline export function result(slot: u32, value: f64): void {
  store<f64>(<usize>slot << 3, value, RESULTS)
}
