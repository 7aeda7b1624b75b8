/**
 * Framing of files with one entry in each line. Pure: bytes of a chunk in, entries out. Bytes of a line that is not
 * complete stay where they are, and the input reads them again.
 */
import type { Chunk } from '../flow.ts'
import { FLAG, VERDICT } from '../kernel/layout.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import type { Entries } from './entries.ts'

export interface LineRules {
  readonly emptyLines: 'keep' | 'drop'
  /** The most bytes of a line's text. A longer line is cut or dropped. */
  readonly maxLineBytes: number
  readonly longLines: 'cut' | 'drop'
}

const DROP_EMPTY = 1
const DROP_LONG = 2
const NEWLINE = 10
const CARRIAGE_RETURN = 13

/** Makes entries of the complete lines in a chunk, at most as many as the columns have room for. */
export function frameLines(memory: LinearMemory, chunk: Chunk, rules: LineRules, entries: Entries): void {
  entries.abut = true
  entries.count = memory.kernel.frameLines(
    chunk.pointer,
    chunk.length,
    0,
    chunk.offset,
    rules.maxLineBytes,
    (rules.emptyLines === 'drop' ? DROP_EMPTY : 0) | (rules.longLines === 'drop' ? DROP_LONG : 0),
    entries.nanoseconds(chunk.readAt),
  )
}

/**
 * Makes one entry of a line that is not framed by its newline: the last line of a finished file, which has no
 * terminator, or a line that is too long to be held, of which the chunk has the beginning. `end` is the file offset
 * behind the line.
 */
export function frameOne(
  memory: LinearMemory,
  chunk: Chunk,
  rules: LineRules,
  line: { entries: Entries; end: number },
): void {
  const whole = line.end - chunk.offset
  let length = Math.min(chunk.length, whole)
  // if the chunk reaches to the terminator, that is not part of the text
  if (length === whole && byteBefore(memory, chunk, length) === NEWLINE) length--
  if (length === whole - 1 && byteBefore(memory, chunk, length) === CARRIAGE_RETURN) length--
  const verdict = verdictOn(length, rules)
  const cut = verdict === VERDICT.ship && length > rules.maxLineBytes
  if (cut) length = memory.kernel.cutLength(chunk.pointer, rules.maxLineBytes)
  line.entries.setOnly({
    text: chunk.pointer,
    length,
    timestampNs: line.entries.nanoseconds(chunk.readAt),
    flags: cut ? FLAG.truncated : 0,
    verdict,
    start: chunk.offset,
    end: line.end,
  })
}

function byteBefore(memory: LinearMemory, chunk: Chunk, length: number): number | undefined {
  return length > 0 ? memory.bytes[chunk.pointer + length - 1] : undefined
}

function verdictOn(length: number, rules: LineRules): number {
  if (length === 0 && rules.emptyLines === 'drop') return VERDICT.settleEmpty
  if (length > rules.maxLineBytes && rules.longLines === 'drop') return VERDICT.settleTooLong
  return VERDICT.ship
}
