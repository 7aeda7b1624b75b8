// What the kernel exports. Every function works on the linear memory that kernel/memory.ts lays out; none keeps bytes
// between calls but the last timestamp's text.
import { makeCrcTables } from './crc32c'
import { makeEscapeTable } from './escape'
import { makeGuardTable } from './guard'
import { makeFaultTables } from './utf8'
import { makeVectors } from './vectors'

export { findNewline, frameLines, cutLength } from './lines'
export { appendRaw, appendJson } from './append'
export { copyRecords, skipRecords } from './records'
export { crc32c } from './crc32c'
export { guardBefore } from './guard'

/** Make the tables. Call once, first. */
export function init(): void {
  makeVectors()
  makeFaultTables()
  makeEscapeTable()
  makeCrcTables()
  makeGuardTable()
}
