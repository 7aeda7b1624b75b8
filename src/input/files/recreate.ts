/** A generation that the state knows, as an object again, now that its file is found. */
import { LogFile, type Origin } from './log-file.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'

export function recreate(
  found: Omit<Origin, 'id' | 'rules' | 'path' | 'volume' | 'start' | 'stored'> & { readonly stored: StoredGeneration },
): LogFile {
  const { directory, within, stored } = found
  const { id, path, position, guard } = stored
  const { rules } = within
  return new LogFile({ ...found, id, rules, path, volume: directory.volume, start: { ...position, guard } })
}
