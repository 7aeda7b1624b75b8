/** A fresh directory per test, gone when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Whatever runs a test's last wishes: a `TestContext`, or a fake of one. */
export interface Ending {
  after(wish: () => void | Promise<void>): void
}

/** An empty directory under the system's temporary one (a real file system, unlike /dev/shm: inodes are reused there). */
export function freshDirectory(test: Ending): string {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-test-'))
  test.after(() => {
    // A process the test killed a moment ago may still be creating a file: rm would meet a directory that isn't empty.
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  })
  return directory
}
