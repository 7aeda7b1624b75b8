/**
 * Finding files: the directories in which the inputs' globs can match, each looked at when a watch or its mtime says
 * that names came or went, and once in a while in any case. A directory that does not exist yet is waited for.
 */
import type { Events } from '../observe/events.ts'
import { messageOf } from '../errors.ts'
import { Directory, type Interest, type Look } from './directory.ts'
import { excluder, parseGlob } from './glob.ts'
import type { InputRules } from './input-rules.ts'
import type { Volume } from './volume.ts'

/** File times have the granularity of a timer tick: a name that came right after a look may not have moved the mtime. */
const MTIME_GRAIN_MS = 50

/** A directory rests so many times as long as a look at it took. */
const REST = 10

export interface DiscoverOptions {
  readonly inputs: readonly InputRules[]
  readonly events: Events
  /** ms since the epoch. */
  readonly now: () => number
  /** Names in a directory, every time it was looked at; true: look again soon. */
  seen(directory: Directory, look: Look): Promise<boolean>
  readonly volumeOf: (path: string) => Promise<Volume | null>
  /** A directory was found (again, if another took its place), or is gone. */
  entered(directory: Directory): void
  left(directory: Directory): void
}

export class Discovery {
  readonly #options: DiscoverOptions
  readonly #directories = new Map<string, Directory>()
  /** Literal prefixes of the globs, with what is sought below them. */
  readonly #bases = new Map<string, Interest[]>()
  readonly #entering = new Set<string>()
  readonly #looks = new Map<Directory, Promise<void>>()
  #stopped = false
  #started = false

  constructor(options: DiscoverOptions) {
    this.#options = options
    for (const rules of options.inputs) {
      const excludes = excluder(rules.exclude)
      for (const glob of rules.globs) {
        const { base, segments } = parseGlob(glob)
        const interests = this.#bases.get(base) ?? []
        interests.push({ rules, excludes, segments, at: 0, base })
        this.#bases.set(base, interests)
      }
    }
  }

  directories(): Iterable<Directory> {
    return this.#directories.values()
  }

  directory(path: string): Directory | undefined {
    return this.#directories.get(path)
  }

  /** Look everywhere once; resolves when all that is there has been seen, which a dead mount can put off for ever. */
  async lookAround(): Promise<void> {
    await Promise.all([...this.#bases].map(([path, interests]) => this.#enter(path, interests, !this.#started)))
    this.#started = true
  }

  /** Called every `file.discoverMs`: look where something changed, and wait for directories that do not exist yet. */
  async tick(): Promise<void> {
    for (const [path, interests] of this.#bases) {
      if (!this.#directories.has(path)) void this.#enter(path, interests, false)
    }
    for (const directory of this.#directories.values()) {
      const look = this.lookIfChanged(directory)
      // who waits for a mount that hangs, waits for ever
      if (!directory.volume.remote) await look
    }
  }

  /** Look at every directory that can be asked without a risk to wait for ever. */
  async lookLast(): Promise<void> {
    for (const directory of this.#directories.values()) {
      directory.notBefore = 0
      if (!directory.volume.remote) await this.look(directory)
    }
  }

  /** Look at a directory now; while a look runs, once more after it. Resolves when that is done. */
  look(directory: Directory): Promise<void> {
    const running = this.#looks.get(directory)
    if (running !== undefined) {
      directory.lookAgain = true
      return running
    }
    if (this.#stopped) return Promise.resolve()
    if (this.#options.now() < directory.notBefore) {
      directory.mtimeMs = -1
      return Promise.resolve()
    }
    const look = this.#lookUntilDone(directory)
    this.#looks.set(directory, look)
    return look
  }

  async #lookUntilDone(directory: Directory): Promise<void> {
    do {
      directory.lookAgain = false
      await this.#lookOnce(directory)
    } while (directory.lookAgain && !this.#stopped)
    this.#looks.delete(directory)
  }

  stop(): void {
    this.#stopped = true
  }

  async #enter(path: string, interests: readonly Interest[], wasThere: boolean): Promise<void> {
    let directory = this.#directories.get(path)
    if (directory === undefined) {
      if (this.#entering.has(path)) return
      this.#entering.add(path)
      try {
        const volume = await this.#options.volumeOf(path)
        if (volume === null || this.#stopped) return
        const facts = await volume.facts(path)
        if (facts === null || facts.kind !== 'directory') return
        directory = new Directory(path, volume, wasThere)
        this.#directories.set(path, directory)
        for (const interest of interests) directory.addInterest(interest)
        this.#options.entered(directory)
      } catch (error) {
        this.#options.events.fileDenied(path, messageOf(error))
        return
      } finally {
        this.#entering.delete(path)
      }
      await this.look(directory)
      return
    }
    const more = interests.map((interest) => directory?.addInterest(interest)).some(Boolean)
    if (more) await this.look(directory)
  }

  /** Look at a directory if its mtime says that names came or went since the last look, or may say so. */
  async lookIfChanged(directory: Directory): Promise<void> {
    if (this.#looks.has(directory) || this.#stopped) return
    try {
      const facts = await directory.volume.facts(directory.path)
      const unchanged = facts !== null && facts.mtimeMs === directory.mtimeMs
      if (unchanged && directory.mtimeMs + MTIME_GRAIN_MS < directory.lookedAt) return
    } catch {
      // the look tells what is wrong
    }
    await this.look(directory)
  }

  async #lookOnce(directory: Directory): Promise<void> {
    const { now, events } = this.#options
    try {
      // the time before the look: what changes during it is looked at again
      const facts = await directory.volume.facts(directory.path)
      const lookedAt = now()
      const look = facts === null ? null : await directory.look()
      if (look === null || facts === null) {
        this.#leave(directory)
        return
      }
      if (directory.key !== facts.key) {
        // a watch stays with the directory that was, not with its path
        if (directory.key !== '') this.#options.entered(directory)
        directory.key = facts.key
      }
      const again = await this.#options.seen(directory, look)
      const { wasThere } = directory
      directory.wasThere = false
      directory.mtimeMs = again ? -1 : facts.mtimeMs
      directory.lookedAt = lookedAt
      // a directory of thousands of names must not be looked at for every one that comes or goes
      directory.notBefore = now() + REST * (now() - lookedAt)
      const below = [...look.below].map(([name, found]) => this.#enter(directory.pathOf(name), found, wasThere))
      await Promise.all(below)
    } catch (error) {
      directory.mtimeMs = -1
      events.fileDenied(directory.path, messageOf(error))
    }
  }

  #leave(directory: Directory): void {
    this.#directories.delete(directory.path)
    this.#options.left(directory)
    // whatever was below it is gone with it
    for (const other of Array.from(this.#directories.values())) {
      if (other.path.startsWith(`${directory.path}/`)) this.#leave(other)
    }
  }
}
