/**
 * A disk that can be shut: after a fault nothing may be written any more, while what was under way goes on for as long
 * as the disk takes. What is on it then is what a kill -9 leaves, which the state is made for.
 */
import type { StateDisk, StateFile } from './disk.ts'

export interface Gate {
  readonly disk: StateDisk
  /** Refuses every call from now on but reading and closing; resolves when those under way have ended. */
  shut(): Promise<void>
}

export function gateBefore(disk: StateDisk): Gate {
  const running = new Set<Promise<unknown>>()
  let isShut = false
  const pass = async <T>(call: () => Promise<T>): Promise<T> => {
    if (isShut) throw new Error('the state is not written any more')
    const answer = call()
    running.add(answer)
    try {
      return await answer
    } finally {
      running.delete(answer)
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
