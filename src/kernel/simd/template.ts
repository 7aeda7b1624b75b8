// The bytes that are the same for every record of a file, rendered once by encode/: a table of (pointer, length)
// segments. Which segment is what: kernel/layout.ts SEGMENT.

import { TEMPLATE } from './layout'

// both encodings
export const KEY: u32 = 0 // length -1: null key
// headers of a raw record, each already encoded with its varints
export const HEADERS: u32 = 1 // constant headers; the pointer's neighbour HEADER_COUNT tells how many
export const OFFSET_NAME: u32 = 2 // name only: the value's digits follow
export const BYTES_NAME: u32 = 3
export const SKIPPED_NAME: u32 = 4
export const TRUNCATED_HEADER: u32 = 5
export const STDOUT_HEADER: u32 = 6
export const STDERR_HEADER: u32 = 7
export const HEADER_COUNT: u32 = 8 // in the length cell: number of constant headers, -1 for no headers at all
// segments of a json record
export const HEAD: u32 = 1 // {"@timestamp":"
export const MESSAGE: u32 = 2 // ","message":"
export const STDOUT_FIELD: u32 = 3 // ","stream":"stdout
export const STDERR_FIELD: u32 = 4
export const LOG: u32 = 5 // ","log":{"file":{…},"offset":
export const BYTES: u32 = 6 // ,"bytes":
export const SKIPPED_FIELD: u32 = 7 // ,"skipped":
export const FLAGS: u32 = 8 // ,"flags":["truncated"]
export const TAIL: u32 = 9 // },"kubernetes":…}

// @ts-ignore: decorator
@inline export function segment(i: u32): usize {
  return load<u32>(<usize>i << 3, TEMPLATE)
}
// @ts-ignore: decorator
@inline export function segmentLength(i: u32): i32 {
  return load<i32>(<usize>i << 3, TEMPLATE + 4)
}
