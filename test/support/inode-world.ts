/**
 * A world of files on the real disk whose inode numbers come from a model: always the lowest free one, at once, as ext4
 * does it within milliseconds. Birth times come from the model too, or there are none; the grain of file times is a
 * setting; and the device has another number after a reboot.
 */
import fs from 'node:fs'
import { type FileFacts, type Volume, localVolume } from '../../src/input/volume/volume.ts'

/** One file from its creation to its removal, whatever it is called. */
export interface Made {
  readonly number: number
  readonly inode: number
  readonly bornMs: number
  mtimeMs: number
  content: Buffer
  /** Null once it is removed. */
  path: string | null
  /** How often the agent has the file open: its inode is not free meanwhile. */
  open: number
}

export interface InodeSettings {
  readonly hasBirthTimes: boolean
  readonly mtimeGrainMs: number
}

export class InodeWorld {
  readonly root: string
  readonly all: Made[] = []
  /** The order of names in a listing. */
  order: 'up' | 'down' = 'up'
  /** Called with every path whose facts the agent asks for. */
  asked: (path: string) => void = () => undefined
  readonly volume: Volume
  readonly #settings: InodeSettings
  /** Files by their inode on the real disk. */
  readonly #byRealInode = new Map<bigint, Made>()
  readonly #open = new Map<number, Made>()
  #device = 7
  #now = 1_700_000_000_000

  constructor(root: string, settings: InodeSettings) {
    this.root = root
    this.#settings = settings
    this.volume = {
      ...localVolume,
      facts: (path) => {
        this.asked(path)
        const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
        return this.#factsOf(now(localVolume.facts(path)), stats?.ino)
      },
      factsOf: (descriptor) => {
        const facts = this.#factsOf(
          now(localVolume.factsOf(descriptor)),
          fs.fstatSync(descriptor, { bigint: true }).ino,
        )
        if (facts === null) throw new Error('an open file has facts')
        return facts
      },
      list: (path) => {
        const listed = now(localVolume.list(path))?.sort((a, b) => (a.name < b.name ? -1 : 1)) ?? null
        return this.order === 'up' ? listed : (listed?.reverse() ?? null)
      },
      open: (path) => {
        const descriptor = now(localVolume.open(path))
        const made = this.#byRealInode.get(fs.fstatSync(descriptor, { bigint: true }).ino)
        if (made !== undefined) {
          made.open++
          this.#open.set(descriptor, made)
        }
        return descriptor
      },
      close: (descriptor) => {
        const made = this.#open.get(descriptor)
        if (made !== undefined) made.open--
        this.#open.delete(descriptor)
        return localVolume.close(descriptor)
      },
    }
  }

  at(path: string): Made | undefined {
    return this.all.find((made) => made.path === path)
  }

  /** The file that is read through a descriptor. */
  behind(descriptor: number): Made | undefined {
    return this.#open.get(descriptor)
  }

  keyOf({ inode }: Made): string {
    return `${this.#device}:${inode}`
  }

  /** Creates a file, or appends to it. */
  write(path: string, content: string | Buffer): void {
    fs.appendFileSync(path, content)
    const made = this.at(path) ?? this.#make(path)
    made.content = Buffer.concat([made.content, Buffer.from(content)])
    const { mtimeGrainMs } = this.#settings
    made.mtimeMs = Math.floor(++this.#now / mtimeGrainMs) * mtimeGrainMs
  }

  remove(path: string): void {
    const made = this.at(path)
    if (made === undefined) return
    const { ino } = fs.statSync(path, { bigint: true })
    fs.unlinkSync(path)
    made.path = null
    // an open file keeps its inode on the real disk too
    if (made.open === 0) this.#byRealInode.delete(ino)
  }

  /** Renames a file. A file at the other path is removed. */
  rename(from: string, to: string): void {
    const made = this.at(from)
    if (made === undefined || from === to) return
    this.remove(to)
    fs.renameSync(from, to)
    made.path = to
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.#now += ms
  }

  /** Gives the device another number. */
  reboot(): void {
    this.#device++
  }

  #make(path: string): Made {
    const used = new Set(this.all.filter((made) => made.path !== null || made.open > 0).map(({ inode }) => inode))
    let inode = 11
    while (used.has(inode)) inode++
    const made: Made = {
      number: this.all.length,
      inode,
      bornMs: this.#settings.hasBirthTimes ? ++this.#now : 0,
      mtimeMs: 0,
      content: Buffer.alloc(0),
      path,
      open: 0,
    }
    this.all.push(made)
    this.#byRealInode.set(fs.statSync(path, { bigint: true }).ino, made)
    return made
  }

  #factsOf(facts: FileFacts | null, realInode: bigint | undefined): FileFacts | null {
    const made = facts?.kind === 'file' && realInode !== undefined ? this.#byRealInode.get(realInode) : undefined
    if (facts === null || made === undefined) return facts
    return { ...facts, key: this.keyOf(made), bornMs: made.bornMs, mtimeMs: made.mtimeMs }
  }
}

function now<T>(value: T | Promise<T>): T {
  if (value instanceof Promise) throw new TypeError('a local volume answers at once')
  return value
}
