/**
 * The file system calls that the state makes. There are few of them, so that tests can replace the disk by one that is
 * slow, full, or loses power between any two bytes. Names and contents of the state's files are in format.ts.
 */
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCodeOf } from '../../errors.ts'

export interface StateFile {
  /** Writes at `position`; resolves with the number of bytes written, which may be fewer than given. */
  write(bytes: Uint8Array, position: number): Promise<number>
  truncate(length: number): Promise<void>
  /** Resolves when content and length are on the disk (fdatasync). */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface StateDisk {
  createDirectory(path: string): Promise<void>
  list(directory: string): Promise<readonly string[]>
  /** The file's bytes, block by block: a journal may be too large to hold in memory at a start. */
  read(path: string): AsyncIterable<Buffer>
  /** Creates an empty file; an existing file of that name is emptied. */
  create(path: string): Promise<StateFile>
  /** Opens an existing file to continue writing in it. Rejects when there is none. */
  resume(path: string): Promise<StateFile>
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Resolves when created, renamed and removed names in `directory` survive a loss of power. */
  syncDirectory(directory: string): Promise<void>
}

const BLOCK_BYTES = 64 * 1024

/**
 * Makes a directory, and those above it that are missing. Node's own recursive mkdir is not used: it tries for ever on a
 * file system that answers ENOENT although the directory above exists (/proc does).
 */
export async function makeDirectories(path: string, mkdir: (path: string) => Promise<unknown>): Promise<void> {
  const make = async (at: string): Promise<void> => {
    try {
      await mkdir(at)
    } catch (error) {
      // may not be a directory: whoever uses it gets the error
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
      // Some network and FUSE file systems cannot sync a directory and answer EINVAL: there is nothing to wait for.
      if (systemCodeOf(error) !== 'EINVAL') throw error
    } finally {
      await handle.close()
    }
  },
}

/**
 * The same disk with at most one sync under way over all files. Each sync occupies a thread of libuv's pool until the
 * disk has finished it, and the compressor and the reads from slow mounts need those threads too.
 */
export function oneSyncAtATime(disk: StateDisk): StateDisk {
  let last: Promise<void> = Promise.resolve()
  const inTurn = (sync: () => Promise<void>): Promise<void> => {
    const turn = last.then(sync)
    last = turn.catch(() => {}) // the caller of that sync reports its error; the next sync is tried all the same
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
