/** A fresh directory per test, gone when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd, type Ending } from './ending.ts'

export type { Ending }

/** An empty directory under the system's temporary one (a real file system, unlike /dev/shm: inodes are reused there). */
export function freshDirectory(test: Ending): string {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-test-'))
  atEnd(test, () => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }))
  return directory
}
