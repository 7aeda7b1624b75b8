/**
 * Keeps a second agent out of a state directory, whether it runs in this container, in another one that shares the volume,
 * or is left over from a rollout. The lock is a listening Unix socket in that directory. It is found through the file
 * system, whatever the network and process namespaces are, and the kernel releases it when its process ends in any way.
 *
 * The sockets' names are `lock.<n>`; the process that listens on the highest one holds the lock. A starter that finds
 * nobody listening there takes `lock.<n+1>` with link(2), which succeeds for one starter only. A single name that is
 * removed when it is stale would be simpler, but would let in two agents:
 *
 *   A and B find `lock` stale;  A removes it and binds its own;  B, a moment late, removes A's and binds its own.
 *
 * Here B's link fails, B looks again, and finds A listening. This is safe because the highest name is never removed, not
 * even on release (it is then as stale as after kill -9): only lower names are. A starter that acts on an old look and
 * takes a low number therefore sees a higher one when it looks again, and gives up:
 *
 *   B finds `lock.4` stale;  A takes `lock.5`, dies;  C takes `lock.6`, removes `lock.5`;  B takes `lock.5`, sees
 *   `lock.6`, where C listens, and gives up.
 *
 * Limitation: an agent on another machine (a network volume) is not kept out; its sockets look stale from here.
 */
import * as fs from 'node:fs/promises'
import * as net from 'node:net'
import * as path from 'node:path'
import { AgentError, isShortOfDescriptors, messageOf, systemCodeOf } from '../../errors.ts'
import { makeDirectories } from './disk.ts'

export interface StateLock {
  /** '' when the lock holds. Otherwise the reason why this file system cannot hold one: no other agent is kept out. */
  readonly unenforced: string
  /** Lets the next agent in. The name stays in the directory, since the highest one is never removed. */
  release(): Promise<void>
}

/** The file system calls that locking makes, beside those of the socket. */
export type LockDisk = Pick<typeof fs, 'mkdir' | 'open' | 'readdir' | 'link' | 'unlink'>

/** Where the lock's names are, and how they are reached. */
interface Place {
  readonly disk: LockDisk
  readonly random: () => number
  readonly directory: string
  /** An open descriptor of {@link directory}. */
  readonly fd: number
}

/** Longest path of a socket: sun_path has 108 bytes, of which the last one is a zero. */
const SOCKET_PATH_BYTES = 107
/** Attempts before giving up. Each one after the first means that another starter made progress, so few are needed. */
const ATTEMPTS = 100

/**
 * Takes the lock of a directory, which is created if need be. `random`: numbers in [0, 1), for a name that no other
 * starter has.
 *
 * @throws AgentError state-locked when another agent holds it, state-unusable when the directory can't be created or
 * written
 */
export async function lockState(directory: string, random: () => number, disk: LockDisk = fs): Promise<StateLock> {
  try {
    await makeDirectories(directory, (path) => disk.mkdir(path))
    const handle = await disk.open(directory, 'r')
    try {
      return await takeLock({ disk, random, directory, fd: handle.fd })
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof AgentError) throw error
    const message = `the state directory ${directory} cannot be used: ${messageOf(error)}`
    throw new AgentError('state-unusable', message, { cause: error })
  }
}

/** This file system cannot hold a lock. */
interface Impossible {
  readonly kind: 'impossible'
  readonly reason: string
}

/** The result of one attempt. late: another starter was faster. */
type Attempt = { readonly kind: 'taken' | 'late' } | Impossible

async function takeLock(place: Place): Promise<StateLock> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const highest = Math.max(0, ...(await lockNumbers(place)))
    if (highest > 0 && (await isHeld(socketPath(place, `lock.${highest}`)))) throw locked(place.directory)
    // It listens before it takes the name: every visible lock can be connected to.
    const own = `lock-${Math.floor(place.random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0')}`
    const server = await listen(socketPath(place, own))
    if (server === null) continue
    if ('reason' in server) return { unenforced: server.reason, release: async () => {} }
    const taken = await take(place, own, highest + 1).catch(async (error: unknown) => {
      await close(server)
      throw error
    })
    if (taken.kind === 'taken') {
      await removeStale(place, highest + 1)
      return { unenforced: '', release: () => close(server) }
    }
    await close(server)
    if (taken.kind === 'impossible') return { unenforced: taken.reason, release: async () => {} }
  }
  throw locked(place.directory)
}

async function take(place: Place, own: string, number: number): Promise<Attempt> {
  const { disk, directory } = place
  const name = path.join(directory, `lock.${number}`)
  try {
    await disk.link(path.join(directory, own), name)
  } catch (error) {
    // ENOENT: another starter took our own name for a leftover and removed it
    if (['EEXIST', 'ENOENT'].includes(systemCodeOf(error))) return { kind: 'late' }
    return { kind: 'impossible', reason: messageOf(error) }
  } finally {
    await removeIfThere(disk, path.join(directory, own))
  }
  if (Math.max(...(await lockNumbers(place))) === number) return { kind: 'taken' }
  await removeIfThere(disk, name)
  return { kind: 'late' }
}

async function lockNumbers({ disk, directory }: Place): Promise<number[]> {
  const matches = (await disk.readdir(directory)).map((name) => /^lock\.(\d{1,15})$/.exec(name))
  return matches.filter((match) => match !== null).map((match) => Number(match[1]))
}

/** Removes lower names, all of them stale, and the names that killed starters left behind. */
async function removeStale(place: Place, held: number): Promise<void> {
  const { disk, directory } = place
  for (const name of await disk.readdir(directory)) {
    const number = Number(/^lock\.(\d{1,15})$/.exec(name)?.[1] ?? Infinity)
    const leftover = /^lock-[0-9a-f]{12}$/.test(name) && !(await isHeld(socketPath(place, name)).catch(() => true))
    // A name that cannot be removed (another user's, in a directory with the sticky bit) does no harm.
    if (number < held || leftover) await disk.unlink(path.join(directory, name)).catch(() => {})
  }
}

/**
 * Whether a process listens on a socket. Only a refused connection, or a missing name, means that none does: a full
 * backlog (EAGAIN) belongs to a holder that is stopped. Rejects when no descriptor is left to connect with.
 */
function isHeld(socket: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const connection = net.connect(socket)
    connection.on('connect', () => {
      connection.destroy()
      resolve(true)
    })
    connection.on('error', (error) => {
      if (isShortOfDescriptors(error)) reject(error)
      else resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCodeOf(error)))
    })
  })
}

/**
 * Listens on a new socket, or gives the reason why this file system cannot hold sockets. Null when the current holder
 * removed the name because it was bound and not listening yet, and looked like a leftover. Rejects when the directory
 * cannot be written, or no descriptor is left for a socket.
 */
function listen(socket: string): Promise<net.Server | Impossible | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((connection) => connection.destroy())
    server.once('error', (error) => {
      if (isShortOfDescriptors(error) || ['EACCES', 'EROFS', 'ENOENT'].includes(systemCodeOf(error))) reject(error)
      else resolve({ kind: 'impossible', reason: messageOf(error) })
    })
    const listening = (): void => {
      // accept() may fail (no descriptors left), but the other side is connected by then, and knows that there is a holder.
      server.on('error', () => {})
      server.unref()
      resolve(server)
    }
    try {
      // readable and writable: a starter under another user must be able to connect, to learn that there is a holder
      server.listen({ path: socket, readableAll: true, writableAll: true }, listening)
    } catch (error) {
      // the mode is set by the name, after it was bound: the name is gone
      if (systemCodeOf(error) === 'ENOENT') resolve(null)
      else throw error
    }
  })
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** A socket's path that fits into a socket address: through the directory's open descriptor where the name is too long. */
function socketPath({ directory, fd }: Place, name: string): string {
  const direct = path.join(directory, name)
  return Buffer.byteLength(direct) <= SOCKET_PATH_BYTES ? direct : `/proc/self/fd/${fd}/${name}`
}

async function removeIfThere(disk: LockDisk, file: string): Promise<void> {
  try {
    await disk.unlink(file)
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

function locked(directory: string): AgentError {
  return new AgentError('state-locked', `another agent uses the state directory ${directory}`)
}
