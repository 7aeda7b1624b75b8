// The bytes that are the same for every record of a file, rendered once by encode/: a table of (pointer, length)
// segments. The segments and their bytes are in layout.ts.

import { TEMPLATE } from './layout'

// @ts-ignore: decorator
@inline export function segment(i: u32): usize {
  return load<u32>(<usize>i << 3, TEMPLATE)
}
// @ts-ignore: decorator
@inline export function segmentLength(i: u32): i32 {
  return load<i32>(<usize>i << 3, TEMPLATE + 4)
}
