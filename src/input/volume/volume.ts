/**
 * The file system as the input uses it. Calls to local file systems are synchronous: a read from the page cache takes
 * less time than passing the call to a thread. Calls to mounts that can hang (NFS, SMB, FUSE) are asynchronous, so that a
 * dead mount stops no other file. Callers `await` both kinds; awaiting a plain value costs next to nothing.
 *
 * Paths have one character a byte (latin1): names need not be UTF-8.
 */
import fs from 'node:fs'
import { ignoreSystemError, systemCodeOf } from '../../errors.ts'
import { bornMsOf } from './birth-time.ts'
import type { Mount, Mounts } from './mounts.ts'

export interface FileFacts {
  /** `device:inode`, decimal. */
  readonly key: string
  readonly size: number
  readonly mtimeMs: number
  /** Birth time of the inode, in ms since the epoch; 0 where it is not known. */
  readonly bornMs: number
  readonly links: number
  readonly kind: 'file' | 'directory' | 'other'
}

/** A name in a directory's listing. */
export interface Listed {
  readonly name: string
  readonly isLink: boolean
}

/** The result of a call: at once from a local volume, as a promise from a remote one. */
export type Maybe<T> = T | Promise<T>

/** The calls to one file system. They throw (or reject with) the system's errors, where nothing else is said. */
export interface Volume {
  /** Whether calls can hang. */
  readonly remote: boolean
  /** Facts of the file at a path, links followed; null where there is none. */
  facts(path: string): Maybe<FileFacts | null>
  /** Names in a directory; null where there is no directory. */
  list(path: string): Maybe<Listed[] | null>
  /** Opens a file for reading, without blocking on a pipe and without acquiring a terminal; returns the descriptor. */
  open(path: string): Maybe<number>
  /** Facts of an open file. */
  factsOf(descriptor: number): Maybe<FileFacts>
  /** Reads bytes of an open file; returns how many were read, 0 at the end of the file. */
  read(descriptor: number, into: Read): Maybe<number>
  /** Closes a descriptor; use {@link closeOn}. */
  close(descriptor: number): Maybe<void>
  /** The path without links. */
  realPath(path: string): Maybe<string>
}

/** A read of `length` bytes of a file at `position`, into `bytes` at `at`. */
export interface Read {
  readonly bytes: Uint8Array
  readonly at: number
  readonly length: number
  /** Offset in the file. */
  readonly position: number
}

const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY

function factsFrom(stats: fs.BigIntStats): FileFacts {
  return {
    key: `${stats.dev}:${stats.ino}`,
    size: Number(stats.size),
    mtimeMs: Number(stats.mtimeNs) / 1e6,
    bornMs: bornMsOf(stats),
    links: Number(stats.nlink),
    kind: stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other',
  }
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1')
}

const LISTING = { encoding: 'buffer', withFileTypes: true } as const

const listed = (entries: fs.Dirent<Buffer>[]): Listed[] =>
  entries.map((entry) => ({ name: entry.name.toString('latin1'), isLink: entry.isSymbolicLink() }))

/** The device number in the key of a file: the part before the inode. */
export function deviceOf(key: string): string {
  return key.slice(0, key.indexOf(':'))
}

/** Null for an error that says that the path does not exist; other errors are thrown on. */
function absent(error: unknown): null {
  const code = systemCodeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return null
  throw error
}

/** The code of the error that a local volume throws for a path that leads to a mount that can hang. */
export const ELSEWHERE = 'EREMOTE'

/** Closes a descriptor without waiting: a mount can hang in that too. A mount's errors concern writes, and are ignored. */
export function closeOn(volume: Volume, descriptor: number): void {
  const closing = volume.close(descriptor)
  if (closing instanceof Promise) closing.catch(ignoreSystemError)
}

/** Local file systems. It does not check where a path leads: see {@link volumesBeside}. */
export const localVolume: Volume = {
  remote: false,
  facts(path) {
    const stats = fs.statSync(bytesOf(path), { bigint: true, throwIfNoEntry: false })
    return stats === undefined ? null : factsFrom(stats)
  },
  list(path) {
    try {
      return listed(fs.readdirSync(bytesOf(path), LISTING))
    } catch (error) {
      return absent(error)
    }
  },
  open: (path) => fs.openSync(bytesOf(path), FLAGS),
  factsOf: (descriptor) => factsFrom(fs.fstatSync(descriptor, { bigint: true })),
  read: (descriptor, { bytes, at, length, position }) => fs.readSync(descriptor, bytes, at, length, position),
  close: (descriptor) => fs.closeSync(descriptor),
  realPath: (path) => fs.realpathSync.native(bytesOf(path), 'latin1'),
}

const call = <T>(start: (done: (error: Error | null, result: T) => void) => void): Promise<T> =>
  new Promise((resolve, reject) => start((error, result) => (error === null ? resolve(result) : reject(error))))

/** File systems whose calls can hang, called on threads of libuv's pool without any limit: see mount-calls.ts. */
export const remoteVolume: Volume = {
  remote: true,
  facts: (path) => fs.promises.stat(bytesOf(path), { bigint: true }).then(factsFrom, absent),
  list: (path) => fs.promises.readdir(bytesOf(path), LISTING).then(listed, absent),
  open: (path) => call((done) => fs.open(bytesOf(path), FLAGS, done)),
  factsOf: async (descriptor) => factsFrom(await call((done) => fs.fstat(descriptor, { bigint: true }, done))),
  read: (descriptor, { bytes, at, length, position }) =>
    call((done) => fs.read(descriptor, bytes, at, length, position, done)),
  close: (descriptor) => call((done) => fs.close(descriptor, done)),
  realPath: (path) => fs.promises.realpath(bytesOf(path), 'latin1'),
}

/** The same volume, with every call passed to `call`, which decides when it begins. */
export function through(volume: Volume, call: <T>(start: () => Maybe<T>) => Promise<T>): Volume {
  return {
    remote: volume.remote,
    facts: (path) => call(() => volume.facts(path)),
    list: (path) => call(() => volume.list(path)),
    open: (path) => call(() => volume.open(path)),
    factsOf: (descriptor) => call(() => volume.factsOf(descriptor)),
    read: (descriptor, into) => call(() => volume.read(descriptor, into)),
    close: (descriptor) => call(() => volume.close(descriptor)),
    realPath: (path) => call(() => volume.realPath(path)),
  }
}

/**
 * Returns a function that gives the volume of a directory, which need not exist yet. The function makes no call that can
 * hang. `volumeOn`: gives the volume of a mount that can hang.
 */
export function volumesBeside(
  mounts: Pick<Mounts, 'hangingAt'>,
  volumeOn: (mount: Mount) => Volume,
): (path: string) => Volume {
  const local = localBeside(mounts)
  return (path) => {
    const mount = mounts.hangingAt(path)
    return mount === null ? local : volumeOn(mount)
  }
}

/** Local file systems; a path that leads to a mount that can hang is refused. */
function localBeside(mounts: Pick<Mounts, 'hangingAt'>): Volume {
  const near = (path: string): string => {
    if (mounts.hangingAt(path) === null) return path
    const message = `${ELSEWHERE}: leads to a mount that can hang, and is read only by its path there`
    throw Object.assign(new Error(message), { code: ELSEWHERE, syscall: 'stat' })
  }
  return {
    ...localVolume,
    facts: (path) => localVolume.facts(near(path)),
    list: (path) => localVolume.list(near(path)),
    open: (path) => localVolume.open(near(path)),
    realPath: (path) => localVolume.realPath(near(path)),
  }
}
