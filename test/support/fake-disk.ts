/**
 * A disk in memory for the state's tests. It can be slow (syncs wait for the test), be full, fail with EIO, and die after
 * any byte. Its content is then available as a kill -9 or a loss of power would leave it.
 *
 * A loss of power keeps, of each file, all that was synced and the first few of the changes made since; the last of these
 * may be cut at any byte, or be zeros. Of the directory it keeps the names that were synced and the first few changes of
 * names made since.
 */
import type { StateDisk, StateFile } from '../../src/input/state/disk.ts'
import { systemError } from './system-error.ts'

type Change = { readonly at: number; readonly bytes: Buffer } | { readonly truncate: number }
/** A name that was given to a file; undefined: the name was removed. */
type Naming = readonly [path: string, file: Inode | undefined]

class Inode {
  live: Buffer
  durable: Buffer
  unsynced: Change[] = []
  /** Changes that a failed sync left in memory only; the kernel counts them as written. */
  forgotten: Change[] = []

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.live = content
    this.durable = content
  }
}

/** Returns an integer from 0 up to and including `max`. */
export type Chance = (max: number) => number

export class FakeDisk implements StateDisk {
  readonly #names = new Map<string, Inode>()
  readonly #durableNames = new Map<string, Inode>()
  #unsyncedNames: Naming[] = []
  #syncing = 0
  #gate: Promise<void> = Promise.resolve()
  #die: () => void = () => {}
  #dead = false

  /** Resolves when the disk has died; later calls never end. */
  readonly died = new Promise<void>((resolve) => (this.#die = resolve))
  /** The bytes and operations after which it dies. */
  budget = Infinity
  /** The bytes that fit on it. */
  capacity = Infinity
  /** The number of coming syncs that fail with EIO. */
  failingSyncs = 0
  /** The most bytes that one write takes. */
  writeLimit = Infinity
  /** The most bytes in one block of a read. */
  readLimit = 1000
  /** Called before every operation; an error that it returns is thrown. */
  refuse: (operation: string, path: string) => Error | undefined = () => undefined

  /** Counts of calls, and of files that are open. */
  readonly seen = { syncs: 0, mostSyncsAtOnce: 0, writes: 0, bytes: 0, open: 0 }

  /** Holds all syncs from now on, until the function that it returns is called. */
  holdSyncs(): () => void {
    let release = (): void => {}
    this.#gate = new Promise((resolve) => (release = resolve))
    return release
  }

  files(): string[] {
    return [...this.#names.keys()].sort()
  }

  content(path: string): Buffer {
    return this.#inode(path).live
  }

  /** Adds a durable file. */
  place(path: string, content: Buffer): void {
    const inode = new Inode(Buffer.from(content))
    this.#names.set(path, inode)
    this.#durableNames.set(path, inode)
  }

  /** The disk as the next process finds it after a kill -9. */
  afterKill(): FakeDisk {
    const next = new FakeDisk()
    const copies = new Map<Inode, Inode>()
    const copy = (inode: Inode): Inode => {
      const made = copies.get(inode) ?? new Inode(inode.durable)
      copies.set(inode, made)
      made.live = inode.live
      made.unsynced = [...inode.forgotten, ...inode.unsynced]
      return made
    }
    for (const [path, inode] of this.#names) next.#names.set(path, copy(inode))
    for (const [path, inode] of this.#durableNames) next.#durableNames.set(path, copy(inode))
    next.#unsyncedNames = this.#unsyncedNames.map(([path, inode]) => [path, inode && copy(inode)])
    return next
  }

  /** The disk as the next process finds it after a loss of power. `chance` decides how much is kept. */
  afterPowerLoss(chance: Chance): FakeDisk {
    const names = new Map(this.#durableNames)
    for (const naming of this.#unsyncedNames.slice(0, chance(this.#unsyncedNames.length))) applyNaming(names, naming)
    const next = new FakeDisk()
    for (const [path, inode] of names) next.place(path, leftOf(inode, chance))
    return next
  }

  async createDirectory(path: string): Promise<void> {
    await this.#step('createDirectory', path, 0)
  }

  async list(directory: string): Promise<string[]> {
    await this.#step('list', directory, 0)
    return this.files().map((path) => path.slice(directory.length + 1))
  }

  async *read(path: string): AsyncGenerator<Buffer> {
    await this.#step('read', path, 0)
    const { live } = this.#inode(path)
    for (let at = 0; at < live.length; at += this.readLimit) yield Buffer.from(live.subarray(at, at + this.readLimit))
  }

  async create(path: string): Promise<StateFile> {
    await this.#step('create', path, 1)
    const inode = new Inode()
    this.#name(path, inode)
    return this.#open(path, inode)
  }

  async resume(path: string): Promise<StateFile> {
    await this.#step('resume', path, 0)
    return this.#open(path, this.#inode(path))
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename', from, 1)
    const inode = this.#inode(from)
    this.#name(to, inode)
    this.#name(from, undefined)
  }

  async remove(path: string): Promise<void> {
    await this.#step('remove', path, 1)
    this.#inode(path)
    this.#name(path, undefined)
  }

  async syncDirectory(directory: string): Promise<void> {
    const namings = this.#unsyncedNames
    await this.#sync('syncDirectory', directory)
    for (const naming of namings) applyNaming(this.#durableNames, naming)
    this.#unsyncedNames = this.#unsyncedNames.filter((naming) => !namings.includes(naming))
  }

  #open(path: string, inode: Inode): StateFile {
    this.seen.open++
    let closed = false
    const alive = (): void => {
      if (closed) throw systemError('EBADF')
    }
    return {
      write: async (given, position) => {
        alive()
        const room = this.capacity - [...this.#names.values()].reduce((sum, { live }) => sum + live.length, 0)
        const bytes = Buffer.from(given.subarray(0, Math.min(this.writeLimit, Math.max(0, room))))
        if (bytes.length === 0) throw systemError('ENOSPC')
        const left = this.budget
        if (bytes.length > left) this.#change(inode, { at: position, bytes: bytes.subarray(0, left) })
        await this.#step('write', path, bytes.length)
        this.seen.writes++
        this.seen.bytes += bytes.length
        this.#change(inode, { at: position, bytes })
        return bytes.length
      },
      truncate: async (length) => {
        alive()
        await this.#step('truncate', path, 1)
        this.#change(inode, { truncate: length })
      },
      sync: async () => {
        alive()
        const changes = inode.unsynced
        try {
          await this.#sync('sync', path)
          for (const change of changes) inode.durable = applied(inode.durable, change)
        } catch (error) {
          inode.forgotten.push(...changes)
          throw error
        } finally {
          inode.unsynced = inode.unsynced.filter((change) => !changes.includes(change))
        }
      },
      close: async () => {
        alive()
        closed = true
        this.seen.open--
      },
    }
  }

  async #sync(operation: string, path: string): Promise<void> {
    this.seen.syncs++
    this.#syncing++
    this.seen.mostSyncsAtOnce = Math.max(this.seen.mostSyncsAtOnce, this.#syncing)
    try {
      await this.#gate
      await this.#step(operation, path, 1)
      if (this.failingSyncs > 0) {
        this.failingSyncs--
        throw systemError('EIO')
      }
    } finally {
      this.#syncing--
    }
  }

  async #step(operation: string, path: string, cost: number): Promise<void> {
    await Promise.resolve()
    if (this.#dead || cost > this.budget) {
      this.#dead = true
      this.budget = -1
      this.#die()
      await new Promise(() => {})
    }
    this.budget -= cost
    const refusal = this.refuse(operation, path)
    if (refusal !== undefined) throw refusal
  }

  #change(inode: Inode, change: Change): void {
    inode.live = applied(inode.live, change)
    inode.unsynced = [...inode.unsynced, change]
  }

  #name(path: string, inode: Inode | undefined): void {
    const naming: Naming = [path, inode]
    applyNaming(this.#names, naming)
    this.#unsyncedNames = [...this.#unsyncedNames, naming]
  }

  #inode(path: string): Inode {
    const inode = this.#names.get(path)
    if (inode === undefined) throw systemError('ENOENT')
    return inode
  }
}

function applyNaming(names: Map<string, Inode>, [path, inode]: Naming): void {
  if (inode === undefined) names.delete(path)
  else names.set(path, inode)
}

function applied(content: Buffer, change: Change): Buffer {
  if ('truncate' in change) return content.subarray(0, change.truncate)
  const grown = Buffer.alloc(Math.max(content.length, change.at + change.bytes.length))
  content.copy(grown)
  change.bytes.copy(grown, change.at)
  return grown
}

function leftOf(inode: Inode, chance: Chance): Buffer {
  const kept = chance(inode.unsynced.length)
  let content = inode.durable
  for (const change of inode.unsynced.slice(0, kept)) content = applied(content, change)
  const half = inode.unsynced[kept]
  if (half === undefined || 'truncate' in half) return content
  const bytes = half.bytes.subarray(0, chance(half.bytes.length))
  const zeros = chance(3) === 0 // the file's length reached the disk, the bytes did not
  return applied(content, { at: half.at, bytes: zeros ? Buffer.alloc(bytes.length) : bytes })
}
