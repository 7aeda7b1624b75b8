/**
 * Finding files: the directories in which the inputs' globs can match, each looked at when a watch or its mtime says
 * that names came or went, and once in a while in any case. A directory that does not exist yet is waited for.
 */
import type { Events } from '../../observe/events.ts'
import { systemCodeOf, systemErrorOf } from '../../errors.ts'
import { Coverage } from './coverage.ts'
import { Directory, type Interest, type Look, interestsIn } from './directory.ts'
import { excluder, parseGlob } from './glob.ts'
import type { InputRules } from '../input-rules.ts'
import { ELSEWHERE, type Volume, deviceOf } from '../volume/volume.ts'

/** File times have the granularity of a timer tick: a name that came right after a look may not have moved the mtime. */
const MTIME_GRAIN_MS = 50

export interface DiscoverOptions {
  readonly inputs: readonly InputRules[]
  readonly events: Pick<Events, 'fileDenied'>
  /** ms since the epoch, to be compared with file times, and monotonic ms. */
  readonly now: () => number
  readonly clock: () => number
  /** Every directory is looked at so often, whatever its mtime says. */
  readonly sweepMs: number
  /** Names in a directory, every time it was looked at; true: look again soon. */
  seen(directory: Directory, look: Look): Promise<boolean>
  readonly volumeOf: (path: string) => Volume
  /** A directory was found (again, if another took its place), or is gone. */
  entered(directory: Directory): void
  left(directory: Directory): void
}

export class Discovery {
  readonly #options: DiscoverOptions
  readonly #directories = new Map<string, Directory>()
  readonly #globs: readonly Interest[]
  /** Directories that are being asked about, by path. */
  readonly #entering = new Map<string, Promise<Directory | null>>()
  /** First looks at directories on other volumes than the one above them. */
  readonly #elsewhere = new Set<Promise<void>>()
  readonly #looks = new Map<Directory, Promise<void>>()
  readonly #resting = new Map<Directory, NodeJS.Timeout>()
  readonly #coverage: Coverage
  /** Directories that could not be asked about at the start: what is in them was there then. */
  readonly #unasked = new Set<string>()
  #stopped = false
  #started = false

  constructor(options: DiscoverOptions) {
    this.#options = options
    this.#coverage = new Coverage({
      directories: this.#directories,
      entering: this.#entering,
      looks: this.#looks,
      volumeOf: options.volumeOf,
    })
    this.#globs = options.inputs.flatMap((rules) => {
      const excludes = excluder(rules.exclude)
      return rules.globs.map((glob) => ({ rules, excludes, at: 0, ...parseGlob(glob) }))
    })
  }

  directories(): Iterable<Directory> {
    return this.#directories.values()
  }

  directory(path: string): Directory | undefined {
    return this.#directories.get(path)
  }

  /** {@link Coverage.hasSeen} */
  hasSeen(path: string): boolean {
    return this.#coverage.hasSeen(path)
  }

  /** {@link Coverage.askedAt} */
  askedAt(remote: boolean): number {
    return this.#coverage.askedAt(remote)
  }

  /** Look everywhere once; resolves when all that is there has been seen, which a dead mount can put off for ever. */
  async lookAround(): Promise<void> {
    const isFirst = !this.#started
    this.#started = true
    await Promise.all(this.#bases().map((path) => this.#enter(path, isFirst)))
    while (this.#elsewhere.size > 0) await Promise.all(this.#elsewhere)
  }

  /** Called every `file.discoverMs`: look where something changed, and wait for directories that do not exist yet. */
  async tick(): Promise<void> {
    for (const path of this.#bases()) {
      if (!this.#directories.has(path)) void this.#enter(path, false)
    }
    for (const directory of this.#directories.values()) {
      const visit = this.#visit(directory)
      // who waits for a mount that hangs, waits for ever
      if (!directory.volume.remote) await visit
    }
  }

  /**
   * Look at every local directory, or at every one on a mount that can hang: all mounts at once. `paths`: only at these.
   */
  async lookLast(which: 'local' | 'remote', paths?: ReadonlySet<string>): Promise<void> {
    // nothing is known yet of one that has never answered
    if (which === 'remote') await Promise.all(this.#entering.values())
    const looks: Promise<void>[] = []
    for (const directory of this.#directories.values()) {
      if (paths?.has(directory.path) === false) continue
      if (directory.volume.remote !== (which === 'remote')) continue
      directory.notBefore = 0
      const look = this.look(directory)
      if (which === 'local') await look
      else looks.push(look)
    }
    await Promise.all(looks)
    this.#letRest()
  }

  /** Look at a directory now; while a look runs, once more after it. Resolves when that is done. */
  look(directory: Directory): Promise<void> {
    const running = this.#looks.get(directory)
    if (running !== undefined) {
      directory.lookAgain = true
      return running
    }
    if (this.#stopped) return Promise.resolve()
    const rest = directory.notBefore - this.#options.clock()
    if (rest > 0) {
      directory.mtimeMs = -1
      this.#lookAfter(directory, rest)
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

  /** Names came or went while it rests. Not left to the next tick: a file may live for less. */
  #lookAfter(directory: Directory, ms: number): void {
    if (this.#resting.has(directory)) return
    const timer = setTimeout(() => {
      this.#resting.delete(directory)
      if (this.#directories.get(directory.path) === directory) void this.look(directory)
    }, ms)
    this.#resting.set(directory, timer.unref())
  }

  stop(): void {
    this.#stopped = true
    this.#letRest()
  }

  /** No look is waited for any more. */
  #letRest(): void {
    for (const timer of this.#resting.values()) clearTimeout(timer)
    this.#resting.clear()
  }

  /** Literal prefixes of the globs. */
  #bases(): string[] {
    return [...new Set(this.#globs.map(({ base }) => base))]
  }

  /** `above`: the volume that the directory is known to be on. */
  async #enter(path: string, wasThere: boolean, above: Volume | null = null): Promise<void> {
    if (this.#directories.has(path) || this.#entering.has(path)) return
    const finding = this.#find(path, wasThere, above).finally(() => this.#entering.delete(path))
    this.#entering.set(path, finding)
    const directory = await finding
    if (directory !== null) await this.look(directory)
  }

  /** The directory at a path, known from now on; null where there is none, or it cannot be asked about. */
  async #find(path: string, wasThere: boolean, above: Volume | null): Promise<Directory | null> {
    try {
      const volume = above ?? this.#options.volumeOf(path)
      const facts = await volume.facts(path)
      const isOld = this.#unasked.delete(path) || wasThere
      if (facts === null || facts.kind !== 'directory' || this.#stopped) return null
      const directory = new Directory(path, volume, interestsIn(path, this.#globs))
      directory.wasThere = isOld
      this.#directories.set(path, directory)
      this.#options.entered(directory)
      return directory
    } catch (error) {
      if (wasThere) this.#unasked.add(path)
      this.#options.events.fileDenied(path, systemErrorOf(error).message)
      return null
    }
  }

  async #visit(directory: Directory): Promise<void> {
    if (directory.asking) return
    directory.asking = true
    if (await this.#hasTurnedLink(directory)) directory.mtimeMs = -1
    await this.lookIfChanged(directory)
    directory.asking = false
  }

  /** What links lead to changes without a trace in the directory that they are in. */
  async #hasTurnedLink(directory: Directory): Promise<boolean> {
    for (const [name, key] of directory.links) {
      try {
        const facts = await directory.volume.facts(directory.pathOf(name))
        if ((facts?.key ?? '') !== key) return true
      } catch (error) {
        // a look reports the error, but for a link to another mount, which it does not follow
        if (systemCodeOf(error) !== ELSEWHERE || key !== '') return true
      }
    }
    return false
  }

  /** Look at a directory if its mtime says that names came or went since the last look, or may say so. */
  async lookIfChanged(directory: Directory): Promise<void> {
    if (this.#looks.has(directory) || this.#stopped) return
    const begin = this.#options.clock()
    try {
      const facts = await directory.volume.facts(directory.path)
      const unchanged = facts?.mtimeMs === directory.mtimeMs && facts.key === directory.key
      const isSure = directory.mtimeMs + MTIME_GRAIN_MS < directory.lookedAt
      if (unchanged && isSure && begin < directory.due) {
        directory.askedAt = begin
        return
      }
    } catch {
      // the look tells what is wrong
    }
    await this.look(directory)
  }

  async #lookOnce(directory: Directory): Promise<void> {
    const { now, clock, events, sweepMs } = this.#options
    const begin = clock()
    try {
      // the time before the look: what changes during it is looked at again
      const lookedAt = now()
      const steady = await directory.lookSteadily()
      if (steady === null) {
        this.#leave(directory)
        return
      }
      const { facts, look } = steady
      if (directory.key !== facts.key) {
        // a watch stays with the directory that was, not with its path
        if (directory.key !== '') this.#options.entered(directory)
        directory.key = facts.key
      }
      const again = await this.#options.seen(directory, look)
      const { wasThere } = directory
      directory.wasThere = false
      if (wasThere) for (const { name } of look.denied) this.#unasked.add(directory.pathOf(name))
      directory.mtimeMs = again ? -1 : facts.mtimeMs
      directory.links = look.links
      directory.notBefore = clock() + directory.restAfter(clock() - begin)
      directory.due = clock() + sweepMs
      const { volume } = directory
      for (const [name, key] of look.below) {
        const path = directory.pathOf(name)
        if (deviceOf(key) === deviceOf(facts.key)) await this.#enter(path, wasThere, volume)
        else this.#enterElsewhere(path, wasThere)
      }
      // not before: what is below has been seen by then, or is being entered
      directory.lookedAt = lookedAt
      directory.askedAt = begin
    } catch (error) {
      directory.mtimeMs = -1
      directory.askedAt = begin
      // another file system was mounted here: it is entered anew
      if (systemCodeOf(error) === ELSEWHERE) this.#leave(directory)
      else events.fileDenied(directory.path, systemErrorOf(error).message)
    }
  }

  /** Another mount may never answer: the look at the directory above does not wait for it. */
  #enterElsewhere(path: string, wasThere: boolean): void {
    const entered = this.#enter(path, wasThere).finally(() => this.#elsewhere.delete(entered))
    this.#elsewhere.add(entered)
  }

  #leave(directory: Directory): void {
    if (!this.#directories.delete(directory.path)) return
    this.#options.left(directory)
    // whatever was below it is gone with it
    for (const other of Array.from(this.#directories.values())) {
      if (other.path.startsWith(`${directory.path}/`)) this.#leave(other)
    }
  }
}
