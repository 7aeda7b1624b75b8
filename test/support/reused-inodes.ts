/**
 * Directories whose files are on the real disk, and whose inode numbers a model gives away: the lowest that is free, at
 * once, as ext4 does it within milliseconds. Birth times are the model's too, or there are none; file times are as coarse
 * as it is told; and the device has another number after a reboot.
 */
import fs from 'node:fs'
import { type FileFacts, type Volume, localVolume } from '../../src/input/volume/volume.ts'

/** One file from its making to its removal, whatever it is called. */
export interface Made {
  readonly number: number
  readonly inode: number
  readonly bornMs: number
  mtimeMs: number
  content: Buffer
  /** Null once it is removed. */
  path: string | null
  /** How often the agent has it open: its inode is not free meanwhile. */
  open: number
}

export interface InodeSettings {
  readonly hasBirthTimes: boolean
  readonly mtimeGrainMs: number
}

export class ReusedInodes {
  readonly root: string
  readonly all: Made[] = []
  /** Names come in their order, or the other way round. */
  order: 'up' | 'down' = 'up'
  /** Called for every path that is asked about. */
  asked: (path: string) => void = () => undefined
  readonly volume: Volume
  readonly #settings: InodeSettings
  /** By the inode on the real disk. */
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

  /** Makes a file, or appends to it. */
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
    // what is open keeps its number on the real disk too
    if (made.open === 0) this.#byRealInode.delete(ino)
  }

  /** What is at the other path is no more. */
  rename(from: string, to: string): void {
    const made = this.at(from)
    if (made === undefined || from === to) return
    this.remove(to)
    fs.renameSync(from, to)
    made.path = to
  }

  /** Time goes on. */
  pass(ms: number): void {
    this.#now += ms
  }

  /** Devices have other numbers from now on. */
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
