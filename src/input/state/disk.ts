/**
 * What the state needs of a file system: a handful of calls, so that tests can give it a slow disk, a full one, or one
 * that loses power between any two bytes. Which files there are and what is in them is not known here.
 */
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCodeOf } from '../../errors.ts'

export interface StateFile {
  /** Writes at `position` and says how many bytes it took, which may be fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>
  truncate(length: number): Promise<void>
  /** Content and length are on the disk when this resolves (fdatasync). */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface StateDisk {
  createDirectory(path: string): Promise<void>
  list(directory: string): Promise<readonly string[]>
  /** The file's bytes, block by block: a journal may be large, and at start memory is as short as ever. */
  read(path: string): AsyncIterable<Buffer>
  /** A new, empty file; one by that name is emptied. */
  create(path: string): Promise<StateFile>
  /** A file that must be there, to go on writing in it. */
  resume(path: string): Promise<StateFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Makes names created, renamed and removed in `directory` survive a loss of power. */
  syncDirectory(directory: string): Promise<void>
}

const BLOCK_BYTES = 64 * 1024

/**
 * Makes a directory, and those above it that are missing. Not Node's own recursive way, which tries for ever where a
 * file system says ENOENT although the directory above is there (/proc does).
 */
export async function makeDirectories(path: string, mkdir: (path: string) => Promise<unknown>): Promise<void> {
  const make = async (at: string): Promise<void> => {
    try {
      await mkdir(at)
    } catch (error) {
      // whatever is there, who uses it finds out
      if (systemCodeOf(error) !== 'EEXIST') throw error
    }
  }
  try {
    await make(path)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectories(dirname(path), mkdir)
    await make(path)
  }
}

export const nodeDisk: StateDisk = {
  createDirectory: (path) => makeDirectories(path, fs.mkdir),
  list: (directory) => fs.readdir(directory),
  async *read(path) {
    const handle = await fs.open(path, 'r')
    try {
      for (;;) {
        const { bytesRead, buffer } = await handle.read({ buffer: Buffer.allocUnsafe(BLOCK_BYTES) })
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await handle.close()
    }
  },
  create: async (path) => stateFile(await fs.open(path, 'w')),
  resume: async (path) => stateFile(await fs.open(path, 'r+')),
  rename: (from, to) => fs.rename(from, to),
  remove: (path) => fs.unlink(path),
  async syncDirectory(directory) {
    const handle = await fs.open(directory, 'r')
    try {
      await handle.sync()
    } catch (error) {
      // Some network and FUSE file systems cannot sync a directory and say EINVAL: there is nothing to wait for.
      if (systemCodeOf(error) !== 'EINVAL') throw error
    } finally {
      await handle.close()
    }
  },
}

/**
 * The same disk with at most one sync under way, of whatever file: each occupies a thread of libuv's pool for as long
 * as the disk pleases, and the compressor and the file reads of slow mounts need those threads too.
 */
export function oneSyncAtATime(disk: StateDisk): StateDisk {
  let last: Promise<void> = Promise.resolve()
  const inTurn = (sync: () => Promise<void>): Promise<void> => {
    const turn = last.then(sync)
    last = turn.catch(() => {}) // told by whoever asked for that sync; the next one is another attempt
    return turn
  }
  const file = (inner: StateFile): StateFile => ({
    write: (bytes, position) => inner.write(bytes, position),
    truncate: (length) => inner.truncate(length),
    sync: () => inTurn(() => inner.sync()),
    close: () => inner.close(),
  })
  return {
    createDirectory: (path) => disk.createDirectory(path),
    list: (directory) => disk.list(directory),
    read: (path) => disk.read(path),
    create: async (path) => file(await disk.create(path)),
    resume: async (path) => file(await disk.resume(path)),
    rename: (from, to) => disk.rename(from, to),
    remove: (path) => disk.remove(path),
    syncDirectory: (directory) => inTurn(() => disk.syncDirectory(directory)),
  }
}

function stateFile(handle: fs.FileHandle): StateFile {
  return {
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    truncate: (length) => handle.truncate(length),
    sync: () => handle.datasync(),
    close: () => handle.close(),
  }
}
