// The functions that the kernel exports. Each works on the linear memory that kernel/memory.ts lays out; nothing is
// kept between calls but the text of the last timestamp.
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

/** Make the tables. To be called once, before any other function. */
export function init(): void {
  makeVectors()
  makeFaultTables()
  makeEscapeTable()
  makeCrcTables()
  makeGuardTable()
}
