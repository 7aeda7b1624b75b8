/**
 * INI text to plain values, without what the parser would pass over in silence.
 */
import { parse } from 'ini'
import { faultyIniLines } from './duplicates.ts'

/** Throws an Error that tells every faulty line. Values are text, `true`, `false` and `null`; `[a.b]` nests. */
export function parseIni(text: string): unknown {
  const faults = faultyIniLines(text)
  if (faults.length > 0) throw new Error(faults.join('; '))
  return parse(text)
}
