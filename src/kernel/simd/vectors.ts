// Constant vectors for loops, in memory. V8 builds a constant vector again at each use and in each iteration, with
// three or four instructions; a vector that is loaded stays in a register, or is an operand.
import { VECTORS } from './layout'

export const ZERO_TO_15: usize = VECTORS
export const ALL_2: usize = VECTORS + 16
export const ALL_8: usize = VECTORS + 32
export const ALL_15: usize = VECTORS + 48
export const BLANKS: usize = VECTORS + 64
export const ALL_33: usize = VECTORS + 80
export const BACKSLASHES: usize = VECTORS + 96
export const ALL_60: usize = VECTORS + 112 // hexadecimal, as the next two
export const ALL_70: usize = VECTORS + 128
export const ALL_80: usize = VECTORS + 144
export const NEWLINES: usize = VECTORS + 160
// tables of sixteen bytes, made in the files that use them
export const LETTERS: usize = VECTORS + 176
export const FIRST_HIGH: usize = VECTORS + 192
export const FIRST_LOW: usize = VECTORS + 208
export const SECOND_HIGH: usize = VECTORS + 224

export function makeVectors(): void {
  v128.store(ZERO_TO_15, i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
  v128.store(ALL_2, i8x16.splat(2))
  v128.store(ALL_8, i8x16.splat(8))
  v128.store(ALL_15, i8x16.splat(15))
  v128.store(BLANKS, i8x16.splat(32))
  v128.store(ALL_33, i8x16.splat(33))
  v128.store(BACKSLASHES, i8x16.splat(92))
  v128.store(ALL_60, i8x16.splat(0x60))
  v128.store(ALL_70, i8x16.splat(0x70))
  v128.store(ALL_80, i8x16.splat(-128))
  v128.store(NEWLINES, i8x16.splat(10))
}
