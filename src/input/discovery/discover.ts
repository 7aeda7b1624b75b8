/**
 * Finds files: it knows the directories in which the inputs' globs can match, and looks at each when a watch or its mtime
 * shows that names came or went, and from time to time in any case. Directories that do not exist yet are entered when
 * they appear.
 */
import type { Events } from '../../observe/events.ts'
import { systemCodeOf, systemErrorOf } from '../../errors.ts'
import { Coverage } from './coverage.ts'
import { Directory, type Look } from './directory.ts'
import { excluder, parseGlob } from './glob.ts'
import type { InputRules } from '../input-rules.ts'
import { type Interest, interestsIn } from './interest.ts'
import { Looks } from './looks.ts'
import { ELSEWHERE, type Volume, deviceOf } from '../volume/volume.ts'

/** File times move with the kernel's timer tick: a name that came right after a look may have left the mtime as it was. */
const MTIME_GRAIN_MS = 50

export interface DiscoverOptions {
  readonly inputs: readonly InputRules[]
  readonly events: Pick<Events, 'fileDenied'>
  /** Milliseconds since the epoch, to be compared with file times. */
  readonly now: () => number
  /** Monotonic ms. */
  readonly clock: () => number
  /** The time after which a directory is looked at again, whatever its mtime is. */
  readonly sweepMs: number
  /** Takes the result of each look. Resolves with true if the directory has to be looked at again soon. */
  seen(directory: Directory, look: Look): Promise<boolean>
  readonly volumeOf: (path: string) => Volume
  /** A directory was found; also when another one has taken its place. */
  entered(directory: Directory): void
  /** A directory no longer exists. */
  left(directory: Directory): void
}

export class Discovery {
  readonly #options: DiscoverOptions
  readonly #directories = new Map<string, Directory>()
  readonly #globs: readonly Interest[]
  /** By path: calls that find out whether there is a directory. */
  readonly #entering = new Map<string, Promise<Directory | null>>()
  /** First looks at directories that are on another volume than their parent directory. */
  readonly #elsewhere = new Set<Promise<void>>()
  readonly #looks: Looks
  readonly #coverage: Coverage
  /** Paths that could not be looked at when the agent started: files in these directories existed then. */
  readonly #unasked = new Set<string>()
  #started = false

  constructor(options: DiscoverOptions) {
    this.#options = options
    this.#looks = new Looks({
      lookOnce: (directory) => this.#lookOnce(directory),
      isKnown: (directory) => this.#directories.get(directory.path) === directory,
      clock: options.clock,
    })
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

  /** All directories that are known. */
  directories(): Iterable<Directory> {
    return this.#directories.values()
  }

  /** The directory at a path, if it is known. */
  directory(path: string): Directory | undefined {
    return this.#directories.get(path)
  }

  /** See {@link Coverage.hasSeen}. */
  hasSeen(path: string): boolean {
    return this.#coverage.hasSeen(path)
  }

  /** See {@link Coverage.askedAt}. */
  askedAt(remote: boolean): number {
    return this.#coverage.askedAt(remote)
  }

  /** Looks everywhere once. Resolves when every directory was looked at, which a dead mount can put off for ever. */
  async lookAround(): Promise<void> {
    const isFirst = !this.#started
    this.#started = true
    await Promise.all(this.#bases().map((path) => this.#enter(path, isFirst)))
    while (this.#elsewhere.size > 0) await Promise.all(this.#elsewhere)
  }

  /** Called every `file.discoverMs`: looks at directories that have changed, and enters those that have appeared. */
  async tick(): Promise<void> {
    for (const path of this.#bases()) {
      if (!this.#directories.has(path)) void this.#enter(path, false)
    }
    for (const directory of this.#directories.values()) {
      const visit = this.#visit(directory)
      // a visit on a mount that hangs may never end
      if (!directory.volume.remote) await visit
    }
  }

  /**
   * Looks a last time at every local directory, or at every directory on a mount that can hang (on all mounts at once).
   * `paths`: only at these directories.
   */
  async lookLast(which: 'local' | 'remote', paths?: ReadonlySet<string>): Promise<void> {
    // a directory on a mount that has not answered yet becomes known only now
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
    this.#looks.cancelRests()
  }

  /** See {@link Looks.at}. */
  look(directory: Directory): Promise<void> {
    return this.#looks.at(directory)
  }

  /** Begins no more looks. */
  stop(): void {
    this.#looks.stop()
  }

  /** The literal prefixes of the globs: the directories in which they begin. */
  #bases(): string[] {
    return [...new Set(this.#globs.map(({ base }) => base))]
  }

  /**
   * Finds a directory and looks at it, unless it is known. `wasThere`: it existed when the agent started. `above`: the
   * volume it is on, where that is known.
   */
  async #enter(path: string, wasThere: boolean, above: Volume | null = null): Promise<void> {
    if (this.#directories.has(path) || this.#entering.has(path)) return
    const finding = this.#find(path, wasThere, above).finally(() => this.#entering.delete(path))
    this.#entering.set(path, finding)
    const directory = await finding
    if (directory !== null) await this.look(directory)
  }

  /** The directory at a path, which is known from now on; null where there is none, or its facts cannot be had. */
  async #find(path: string, wasThere: boolean, above: Volume | null): Promise<Directory | null> {
    try {
      const volume = above ?? this.#options.volumeOf(path)
      const facts = await volume.facts(path)
      const isOld = this.#unasked.delete(path) || wasThere
      if (facts === null || facts.kind !== 'directory' || this.#looks.isStopped) return null
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

  /** Checks a directory for changes, and looks at it if need be. Never two such checks of a directory at a time. */
  async #visit(directory: Directory): Promise<void> {
    if (directory.asking) return
    directory.asking = true
    if (await this.#hasTurnedLink(directory)) directory.mtimeMs = -1
    await this.lookIfChanged(directory)
    directory.asking = false
  }

  /** Whether a link leads elsewhere than at the last look: that leaves no trace in the directory that the link is in. */
  async #hasTurnedLink(directory: Directory): Promise<boolean> {
    for (const [name, key] of directory.links) {
      try {
        const facts = await directory.volume.facts(directory.pathOf(name))
        if ((facts?.key ?? '') !== key) return true
      } catch (error) {
        // the look reports the error, except for a link to another mount: it is not followed, and its key stays empty
        if (systemCodeOf(error) !== ELSEWHERE || key !== '') return true
      }
    }
    return false
  }

  /** Looks at a directory if names came or went since the last look, or if its mtime cannot rule that out. */
  async lookIfChanged(directory: Directory): Promise<void> {
    if (this.#looks.isRunning(directory) || this.#looks.isStopped) return
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
      // the look will report what is wrong
    }
    await this.look(directory)
  }

  /** Looks at a directory, hands on what is in it, and enters the directories below it. */
  async #lookOnce(directory: Directory): Promise<void> {
    const { now, clock, events, sweepMs } = this.#options
    const begin = clock()
    try {
      // taken before the look, so that changes during it lead to another one
      const lookedAt = now()
      const steady = await directory.lookSteadily()
      if (steady === null) {
        this.#leave(directory)
        return
      }
      const { facts, look } = steady
      if (directory.key !== facts.key) {
        // another directory is at the path: the watch is still on the former one
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
      // set last, when the directories below have been seen, or are being entered
      directory.lookedAt = lookedAt
      directory.askedAt = begin
    } catch (error) {
      directory.mtimeMs = -1
      directory.askedAt = begin
      // another file system was mounted here: the directory will be entered again
      if (systemCodeOf(error) === ELSEWHERE) this.#leave(directory)
      else events.fileDenied(directory.path, systemErrorOf(error).message)
    }
  }

  /** Enters a directory that may be on another mount, which may never answer: the look at its parent does not wait. */
  #enterElsewhere(path: string, wasThere: boolean): void {
    const entered = this.#enter(path, wasThere).finally(() => this.#elsewhere.delete(entered))
    this.#elsewhere.add(entered)
  }

  #leave(directory: Directory): void {
    if (!this.#directories.delete(directory.path)) return
    this.#options.left(directory)
    // the directories below it are gone too
    for (const other of Array.from(this.#directories.values())) {
      if (other.path.startsWith(`${directory.path}/`)) this.#leave(other)
    }
  }
}
