// What the kernel exports. Every function works on the linear memory that kernel/memory.ts lays out; none keeps bytes
// between calls but the last timestamp's text.
import { place } from './entries'
import { placeResults } from './results'
import { placeTemplate } from './template'
import { placeTimestamp } from './timestamp'

export { findNewline, frameLines, cutLength } from './lines'
export { appendRaw } from './raw'
export { appendJson } from './json'
export { copyRecords, skipRecords } from './records'
export { escape, escapedLength } from './escape'

/** Tell where columns, results, the template's table and the timestamp's text lie. Call once, first. */
export function init(columns: usize, results: usize, template: usize, timestamp: usize): void {
  place(columns)
  placeResults(results)
  placeTemplate(template)
  placeTimestamp(timestamp)
}
