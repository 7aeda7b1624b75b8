/** A known file may have got a name that no glob matches: its inode is looked for where it was last seen. */
import type { Events } from '../observe/events.ts'
import { systemErrorOf } from '../errors.ts'
import type { Directory } from './directory.ts'
import type { Discovery } from './discover.ts'
import type { Generations } from './generations.ts'

export interface SearchOptions {
  readonly discovery: Pick<Discovery, 'directory'>
  readonly generations: Pick<Generations, 'missing' | 'arrived'>
  readonly events: Pick<Events, 'fileDenied'>
}

export class Search {
  readonly #options: SearchOptions

  constructor(options: SearchOptions) {
    this.#options = options
  }

  /** Search once for each that went missing since. Does not wait for mounts that may hang. */
  async forMissing(): Promise<void> {
    const { discovery, generations } = this.#options
    // what is there under a name of ours is known by then
    const canBeSearched = (path: string): boolean => (discovery.directory(path)?.lookedAt ?? 0) > 0
    for (const path of generations.missing.unsearched(canBeSearched)) {
      const directory = discovery.directory(path)
      const searching = directory && this.#in(directory)
      // who waits for a mount that hangs, waits for ever
      if (!directory?.volume.remote) await searching
    }
  }

  async #in(directory: Directory): Promise<void> {
    const { events, generations } = this.#options
    try {
      const sightings = await directory.search((key) => generations.missing.inputOf(key))
      for (const sighting of sightings) await generations.arrived(directory, sighting)
    } catch (error) {
      events.fileDenied(directory.path, systemErrorOf(error).message)
    }
  }
}
