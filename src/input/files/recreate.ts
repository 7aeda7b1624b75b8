/** A generation that the state knows, as an object again, now that its file is found. */
import type { Directory } from '../discovery/directory.ts'
import type { Bounds } from '../input-rules.ts'
import { LogFile } from './log-file.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'

export function recreate(what: {
  directory: Directory
  within: Bounds
  name: string
  key: string
  stored: StoredGeneration
  foundAt: number
}): LogFile {
  const { directory, within, name, key, stored, foundAt } = what
  const { id, path, position, guard } = stored
  const start = { ...position, guard }
  const file = new LogFile({
    id,
    rules: within.rules,
    within,
    path,
    name,
    key,
    volume: directory.volume,
    directory,
    start,
    foundAt,
  })
  file.recall(stored)
  return file
}
