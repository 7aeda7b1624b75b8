/**
 * A disk that can be shut: after a fault nothing more may be written. Calls under way go on until the disk has finished
 * them. The files are then as a kill -9 would leave them, and the next start can read such files.
 */
import type { StateDisk, StateFile } from './disk.ts'

export interface Gate {
  readonly disk: StateDisk
  /** Refuses all later calls except reading and closing; resolves when the calls under way have ended. */
  shut(): Promise<void>
}

export function gateBefore(disk: StateDisk): Gate {
  const running = new Set<Promise<unknown>>()
  let isShut = false
  const pass = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isShut) throw new Error('the state is no longer written')
    const result = call()
    running.add(result)
    try {
      return await result
    } finally {
      running.delete(result)
    }
  }
  const file = (inner: StateFile): StateFile => ({
    write: (bytes, position) => pass(() => inner.write(bytes, position)),
    truncate: (length) => pass(() => inner.truncate(length)),
    sync: () => pass(() => inner.sync()),
    close: () => inner.close(),
  })
  return {
    disk: {
      createDirectory: (path) => pass(() => disk.createDirectory(path)),
      list: (directory) => disk.list(directory),
      read: (path) => disk.read(path),
      create: async (path) => file(await pass(() => disk.create(path))),
      resume: async (path) => file(await pass(() => disk.resume(path))),
      rename: (from, to) => pass(() => disk.rename(from, to)),
      remove: (path) => pass(() => disk.remove(path)),
      syncDirectory: (directory) => pass(() => disk.syncDirectory(directory)),
    },
    async shut() {
      isShut = true
      await Promise.allSettled(running)
    },
  }
}
