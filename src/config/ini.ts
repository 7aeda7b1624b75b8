/**
 * Parses INI text to plain values, and refuses what the parser would pass over in silence.
 */
import { parse } from 'ini'
import { faultyIniLines } from './duplicates.ts'

/**
 * Throws an Error that names every faulty line. Values are text, `true`, `false` and `null`; `[a.b]` makes a nested
 * group.
 */
export function parseIni(text: string): unknown {
  const faults = faultyIniLines(text)
  if (faults.length > 0) throw new Error(faults.join('; '))
  return parse(text)
}
