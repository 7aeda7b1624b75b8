/**
 * Finding files: the directories in which the inputs' globs can match, each looked at when a watch or its mtime says
 * that names came or went, and once in a while in any case. A directory that does not exist yet is waited for.
 */
import type { Events } from '../observe/events.ts'
import { messageOf } from '../errors.ts'
import { Directory, type Interest, type Look } from './directory.ts'
import { excluder, parseGlob } from './glob.ts'
import type { InputRules } from './input-rules.ts'
import { volumeOf } from './volume.ts'

/** File times have the granularity of a timer tick: a name that came right after a look may not have moved the mtime. */
const MTIME_GRAIN_MS = 50

export interface DiscoverOptions {
  readonly inputs: readonly InputRules[]
  readonly events: Events
  /** ms since the epoch. */
  readonly now: () => number
  /** Names in a directory, every time it was looked at; true: look again soon. */
  seen(directory: Directory, look: Look): Promise<boolean>
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
  #stopped = false

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

  /** Look everywhere once; resolves when all that is there has been seen. */
  async lookAround(): Promise<void> {
    await Promise.all([...this.#bases].map(([path, interests]) => this.#enter(path, interests)))
  }

  /** Called every `file.discoverMs`: look where something changed, and wait for directories that do not exist yet. */
  async tick(): Promise<void> {
    const looks: Promise<void>[] = []
    for (const [path, interests] of this.#bases) {
      if (!this.#directories.has(path)) looks.push(this.#enter(path, interests))
    }
    for (const directory of this.#directories.values()) looks.push(this.lookIfChanged(directory))
    await Promise.all(looks)
  }

  /** Look at a directory now; while a look runs, once more after it. */
  async look(directory: Directory): Promise<void> {
    if (directory.looking) {
      directory.lookAgain = true
      return
    }
    directory.looking = true
    try {
      do {
        directory.lookAgain = false
        await this.#lookOnce(directory)
      } while (directory.lookAgain && !this.#stopped)
    } finally {
      directory.looking = false
    }
  }

  stop(): void {
    this.#stopped = true
  }

  async #enter(path: string, interests: readonly Interest[]): Promise<void> {
    let directory = this.#directories.get(path)
    if (directory === undefined) {
      if (this.#entering.has(path)) return
      this.#entering.add(path)
      try {
        const volume = await volumeOf(path)
        if (volume === null || this.#stopped) return
        const facts = await volume.facts(path)
        if (facts === null || facts.kind !== 'directory') return
        directory = new Directory(path, volume)
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
    if (directory.looking || this.#stopped) return
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
      directory.mtimeMs = again ? -1 : facts.mtimeMs
      directory.lookedAt = lookedAt
      await Promise.all([...look.below].map(([name, interests]) => this.#enter(directory.pathOf(name), interests)))
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
