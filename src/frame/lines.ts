/**
 * Framing of files that hold one entry a line. Pure: bytes of a chunk in, entries out. What is not a whole line stays
 * where it is; reading it again is the input's affair.
 */
import type { Chunk } from '../flow.ts'
import { FLAG, VERDICT } from '../kernel/layout.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import type { Entries } from './entries.ts'

export interface LineRules {
  readonly emptyLines: 'keep' | 'drop'
  /** Bytes of a line's text; what is beyond is cut, or the line is dropped. */
  readonly maxLineBytes: number
  readonly longLines: 'cut' | 'drop'
}

const DROP_EMPTY = 1
const DROP_LONG = 2
const NEWLINE = 10
const CARRIAGE_RETURN = 13

/** Make entries of the whole lines in a chunk, as many as there are columns for. */
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
 * Make one entry of a line that is not to be framed by its newline: the last line of a finished file (no terminator),
 * or one too long to be held, of which the chunk has the beginning. `end` is the file offset behind the line.
 */
export function frameOne(
  memory: LinearMemory,
  chunk: Chunk,
  rules: LineRules,
  line: { entries: Entries; end: number },
): void {
  const whole = line.end - chunk.offset
  let length = Math.min(chunk.length, whole)
  // its terminator, as far as the chunk reaches, is not in the text
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
