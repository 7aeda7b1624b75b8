/** A state disk that keeps nothing, for a run that only shows the records that it would send. */
import type { StateDisk } from './disk.ts'

export function noDisk(): StateDisk {
  const file = {
    write: (bytes: Uint8Array) => Promise.resolve(bytes.length),
    truncate: () => Promise.resolve(),
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }
  return {
    createDirectory: () => Promise.resolve(),
    list: () => Promise.resolve([]),
    async *read() {
      // there is nothing to read
    },
    create: () => Promise.resolve(file),
    resume: () => Promise.resolve(file),
    rename: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    syncDirectory: () => Promise.resolve(),
  }
}
