/**
 * A missing file may have got a name that no glob matches. So once everything was looked at, the directory where it was last
 * seen is searched for its inode. If it is not found, it is confirmed missing (missing.ts), and files that waited for that are
 * looked at again.
 */
import type { Events } from '../../observe/events.ts'
import { systemErrorOf } from '../../errors.ts'
import type { Directory } from './directory.ts'
import type { Discovery } from './discover.ts'
import type { Generations } from '../files/generations.ts'

/**
 * After this time, a file on a mount that can hang is no longer looked for on mounts that do not answer. It is less than the
 * time after which the file is given up, so that a file that waits for it can still be known to be it.
 */
const MOUNT_MS = 15_000

export interface SearchOptions {
  readonly discovery: Pick<Discovery, 'directory' | 'look' | 'lookLast' | 'askedAt'>
  readonly generations: Pick<Generations, 'missing'> & { readonly sightings: Pick<Generations['sightings'], 'arrived'> }
  readonly events: Pick<Events, 'fileDenied'>
  /** Monotonic ms. */
  readonly clock: () => number
}

export class Search {
  readonly #options: SearchOptions

  constructor(options: SearchOptions) {
    this.#options = options
  }

  /** Search once for each file that went missing since the last call. Does not wait for mounts that may hang. */
  async forMissing(): Promise<void> {
    if (!this.#options.generations.missing.isEmpty) await this.#confirmWhatCanBe()
    await this.#lookWhereFreed()
  }

  async #confirmWhatCanBe(): Promise<void> {
    const { discovery, generations, clock } = this.#options
    const [local, remote] = [discovery.askedAt(false), discovery.askedAt(true)]
    const canBeSearched = (path: string, since: number): boolean => {
      const directory = discovery.directory(path)
      if (directory === undefined || directory.lookedAt === 0 || since > local) return false
      return !directory.volume.remote || since <= remote || clock() - since >= MOUNT_MS
    }
    for (const [path, ids] of generations.missing.unsearched(canBeSearched)) {
      const directory = discovery.directory(path)
      const searching = directory && this.#confirm(directory, ids)
      // a mount that hangs may never answer
      if (!directory?.volume.remote) await searching
    }
  }

  /** At a stop, after the last look at everything local: take in the files that wait. */
  async last(): Promise<void> {
    const { discovery, generations } = this.#options
    const { missing } = generations
    for (const path of missing.awaited()) {
      const directory = discovery.directory(path)
      if (directory?.volume.remote === false) await this.#in(directory)
    }
    missing.confirmAll()
    const freed = missing.freed()
    if (freed.size > 0) await discovery.lookLast('local', freed)
  }

  async #confirm(directory: Directory, ids: readonly string[]): Promise<void> {
    await this.#in(directory)
    this.#options.generations.missing.confirm(ids)
    if (directory.volume.remote) await this.#lookWhereFreed()
  }

  async #lookWhereFreed(): Promise<void> {
    const { discovery, generations } = this.#options
    for (const path of generations.missing.freed()) {
      const directory = discovery.directory(path)
      const looking = directory && discovery.look(directory)
      if (!directory?.volume.remote) await looking
    }
  }

  async #in(directory: Directory): Promise<void> {
    const { events, generations } = this.#options
    try {
      const sightings = await directory.search((key) => generations.missing.inputOf(key))
      for (const sighting of sightings) await generations.sightings.arrived(directory, sighting)
    } catch (error) {
      events.fileDenied(directory.path, systemErrorOf(error).message)
    }
  }
}
