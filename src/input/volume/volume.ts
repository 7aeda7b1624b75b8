/**
 * The file system as the input uses it. Local file systems are read synchronously: a read from the page cache takes
 * less time than handing it to a thread. Where a call can hang (NFS, SMB, FUSE), calls are asynchronous, so that a dead
 * mount stops nobody else. Callers `await` either; awaiting a plain value costs next to nothing.
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
  /** When it was made; 0 where that is not known. */
  readonly bornMs: number
  readonly links: number
  readonly kind: 'file' | 'directory' | 'other'
}

/** A name in a directory. */
export interface Listed {
  readonly name: string
  readonly isLink: boolean
}

export type Maybe<T> = T | Promise<T>

export interface Volume {
  readonly remote: boolean
  /** Null where there is no such file. Other errors are thrown. */
  facts(path: string): Maybe<FileFacts | null>
  /** Names in a directory; null where there is none. */
  list(path: string): Maybe<Listed[] | null>
  /** Open for reading without blocking on pipes and without becoming anyone's terminal. Throws. */
  open(path: string): Maybe<number>
  factsOf(descriptor: number): Maybe<FileFacts>
  /** Bytes read; 0 at the end of the file. */
  read(descriptor: number, into: Read): Maybe<number>
  /** See {@link closeOn}. */
  close(descriptor: number): Maybe<void>
  /** The path without links. Throws. */
  realPath(path: string): Maybe<string>
}

export interface Read {
  readonly bytes: Uint8Array
  readonly at: number
  readonly length: number
  /** File offset. */
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

/** What the file system says is the device of a file: the part of its key before the inode. */
export function deviceOf(key: string): string {
  return key.slice(0, key.indexOf(':'))
}

/** Null for "there is no such thing"; anything else is somebody's problem and thrown on. */
function absent(error: unknown): null {
  const code = systemCodeOf(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return null
  throw error
}

/** The code of the error that says that a local call's path leads to a mount that can hang. */
export const ELSEWHERE = 'EREMOTE'

/** Close, without waiting: a mount can hang in that too. What it may have to say is about writes, and we only read. */
export function closeOn(volume: Volume, descriptor: number): void {
  const closing = volume.close(descriptor)
  if (closing instanceof Promise) closing.catch(ignoreSystemError)
}

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

/** The same, but when a call begins is up to `call`. */
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
 * How to reach a directory, which need not exist yet: what is said asks nothing that can hang. `volumeOn`: how to reach
 * what is on a mount that can.
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

/** The local file system, that refuses what leads to a mount that can hang. */
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
