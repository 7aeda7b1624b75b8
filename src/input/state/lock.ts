/**
 * Keeps a second agent out of a state directory: in this container, in another one that shares the volume, or left
 * over from a rollout. The lock is a listening Unix socket in that directory, found through the file system whatever
 * the network and process namespaces are, and let go by the kernel when its process ends in any way.
 *
 * Names are `lock.<n>`, and the holder is who listens on the highest. A starter that finds nobody listening there takes
 * `lock.<n+1>` with link(2), which only one can. The obvious way, one name that is removed when it is stale, lets in two:
 *
 *   A and B find `lock` stale;  A removes it and binds its own;  B, a moment late, removes A's and binds its own.
 *
 * Here B's link fails, it looks again, and finds A listening. What makes it safe is that the highest name never goes
 * away, not even on release (it is then as stale as after kill -9): only lower ones are removed. So whoever took a low
 * number late, because its look was old, sees a higher one when it looks again, and gives up:
 *
 *   B finds `lock.4` stale;  A takes `lock.5`, dies;  C takes `lock.6`, removes `lock.5`;  B takes `lock.5`, sees
 *   `lock.6`, where C listens, and gives up.
 *
 * What it can't do: keep out an agent on another machine (a network volume), whose sockets look stale from here.
 */
import * as fs from 'node:fs/promises'
import * as net from 'node:net'
import * as path from 'node:path'
import { AgentError, isShortOfDescriptors, messageOf, systemCodeOf } from '../../errors.ts'
import { makeDirectories } from './disk.ts'

export interface StateLock {
  /** '' when the lock holds; else why this file system can't hold one: nobody is kept out, which is worth a warning. */
  readonly unenforced: string
  /** Lets the next one in. The name stays, see above. */
  release(): Promise<void>
}

/** The file system calls it makes beside those of the socket. */
export type LockDisk = Pick<typeof fs, 'mkdir' | 'open' | 'readdir' | 'link' | 'unlink'>

/** Where the names are: the directory, and it again as an open descriptor. */
interface Place {
  readonly disk: LockDisk
  readonly random: () => number
  readonly directory: string
  readonly fd: number
}

/** sun_path has 108 bytes, the last one is a zero. */
const SOCKET_PATH_BYTES = 107
/** Every attempt after the first means that another starter made progress, so this is not reached by waiting. */
const ATTEMPTS = 100

/**
 * `random`: numbers in [0, 1), for a name that no other starter has.
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

/** There can be no lock here. */
interface Impossible {
  readonly kind: 'impossible'
  readonly reason: string
}

/** late: somebody else got further. */
type Attempt = { readonly kind: 'taken' | 'late' } | Impossible

async function takeLock(place: Place): Promise<StateLock> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const highest = Math.max(0, ...(await lockNumbers(place)))
    if (highest > 0 && (await isHeld(socketPath(place, `lock.${highest}`)))) throw locked(place.directory)
    // Listening comes before the name: a lock that is seen can be connected to.
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
    // ENOENT: our own name was removed, see listen()
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

/** Removes lower names, all of them stale, and what starters left behind that were killed halfway. */
async function removeStale(place: Place, held: number): Promise<void> {
  const { disk, directory } = place
  for (const name of await disk.readdir(directory)) {
    const number = Number(/^lock\.(\d{1,15})$/.exec(name)?.[1] ?? Infinity)
    const leftover = /^lock-[0-9a-f]{12}$/.test(name) && !(await isHeld(socketPath(place, name)).catch(() => true))
    // One that can't be removed (another user's, in a directory with the sticky bit) does no harm.
    if (number < held || leftover) await disk.unlink(path.join(directory, name)).catch(() => {})
  }
}

/**
 * Only a refusal, or a name that is gone, means that nobody listens. A full backlog (EAGAIN) is somebody, stopped. Rejects
 * where no socket could be made to ask.
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
 * Listens, or says why this file system holds no sockets. Null when a holder took the name, bound and not listening yet,
 * for a leftover and removed it. Throws when it is the directory that can't be written, or no socket could be made.
 */
function listen(socket: string): Promise<net.Server | Impossible | null> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((connection) => connection.destroy())
    server.once('error', (error) => {
      if (isShortOfDescriptors(error) || ['EACCES', 'EROFS', 'ENOENT'].includes(systemCodeOf(error))) reject(error)
      else resolve({ kind: 'impossible', reason: messageOf(error) })
    })
    // A starter under another user must be able to connect, to learn that there is a holder.
    const listening = (): void => {
      // accept() may fail (no descriptors left); the kernel has told the other side that there is a holder all the same.
      server.on('error', () => {})
      server.unref()
      resolve(server)
    }
    try {
      server.listen({ path: socket, readableAll: true, writableAll: true }, listening)
    } catch (error) {
      // what is done by the name, once it is bound and listens: its mode
      if (systemCodeOf(error) === 'ENOENT') resolve(null)
      else throw error
    }
  })
}

function close(server: net.Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/** Long directory names don't fit into a socket address; the way through the open directory always does. */
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
