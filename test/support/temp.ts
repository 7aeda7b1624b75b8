/** A fresh directory for each test, which is removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd, type Ending } from './ending.ts'

export type { Ending }

/** Makes an empty directory below the system's temporary one (on a real file system, which reuses inodes). */
export function freshDirectory(test: Ending): string {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-test-'))
  atEnd(test, () => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  return directory
}
