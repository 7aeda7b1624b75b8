/**
 * One directory that can hold files of ours: what is sought in it, and how it was when we last looked. A look lists it
 * and asks for every matching name's facts; what that means is decided in generations.ts.
 */
import type { InputRules } from './input-rules.ts'
import { type Segment, isRotatedName, matchesSegment } from './glob.ts'
import type { LogFile } from './log-file.ts'
import type { FileFacts, Volume } from './volume.ts'

/** What is sought in a directory: the segment of a glob that its names have to match, and what comes after. */
export interface Interest {
  readonly rules: InputRules
  readonly excludes: (path: string) => boolean
  readonly segments: readonly Segment[]
  readonly at: number
  /** The literal prefix of the glob: the default root. */
  readonly base: string
}

/** A name in a directory that an input wants. */
export interface Sighting {
  readonly name: string
  readonly facts: FileFacts
  readonly interest: Interest
  /** live: matches the glob; rotated: is named like a rotated piece of a match. */
  readonly kind: 'live' | 'rotated'
}

export interface Look {
  readonly sightings: readonly Sighting[]
  /** Directories below it that can hold matches, with what is sought there. */
  readonly below: ReadonlyMap<string, readonly Interest[]>
  /** Names that could not be asked about, with the reason. */
  readonly denied: readonly { readonly path: string; readonly reason: string }[]
}

export class Directory {
  readonly path: string
  readonly volume: Volume
  readonly interests: Interest[] = []
  /** Files by the names they had at the last look. Kept by generations.ts. */
  readonly files = new Map<string, LogFile>()
  /** Its own device and inode at the last look: another directory may have taken its place. */
  key = ''
  /** As of the last look; -1 before the first, and when it has to be looked at again in any case. */
  mtimeMs = -1
  /** Wall clock ms of the last look. */
  lookedAt = 0
  lookAgain = false
  /** Not to be looked at before this time (wall clock ms): a look at it takes long. */
  notBefore = 0
  /** It was there when we started, and this is its first look: what is in it was there too. */
  wasThere: boolean

  constructor(path: string, volume: Volume, wasThere: boolean) {
    this.path = path
    this.volume = volume
    this.wasThere = wasThere
  }

  pathOf(name: string): string {
    return this.path === '/' ? `/${name}` : `${this.path}/${name}`
  }

  /** True when it is new here. */
  addInterest(interest: Interest): boolean {
    const known = this.interests.some((other) => other.segments === interest.segments && other.at === interest.at)
    if (!known) this.interests.push(interest)
    return !known
  }

  /** List it and ask for the facts of what matches. Null when it is gone. */
  async look(): Promise<Look | null> {
    const names = await this.volume.list(this.path)
    if (names === null) return null
    const sightings: Sighting[] = []
    const below = new Map<string, Interest[]>()
    const denied: { path: string; reason: string }[] = []
    const interests = this.#expanded()
    for (const name of names) {
      const wanted = interests.flatMap((interest) => this.#wants(interest, name))
      if (wanted.length === 0) continue
      let facts: FileFacts | null = null
      try {
        facts = await this.volume.facts(this.pathOf(name))
      } catch (error) {
        denied.push({ path: this.pathOf(name), reason: error instanceof Error ? error.message : String(error) })
      }
      if (facts === null) continue
      for (const want of wanted) {
        if (facts.kind === 'directory') {
          if (want.next !== null) below.set(name, [...(below.get(name) ?? []), want.next])
        } else if (want.kind !== null) {
          sightings.push({ name, facts, interest: want.interest, kind: want.kind })
          // the first input that wants a file has it
          break
        }
      }
    }
    return { sightings, below, denied }
  }

  /** Everything in it that `isWanted` by device and inode, whatever its name, as rotated pieces of what is sought here. */
  async search(isWanted: (key: string) => boolean): Promise<Sighting[]> {
    const interest = this.interests[0]
    const found: Sighting[] = []
    if (interest === undefined) return found
    for (const name of (await this.volume.list(this.path)) ?? []) {
      const facts = await Promise.resolve(this.volume.facts(this.pathOf(name))).catch(() => null)
      if (facts?.kind === 'file' && isWanted(facts.key)) found.push({ name, facts, interest, kind: 'rotated' })
    }
    return found
  }

  /** `**` also stands for no directory at all: what follows it is sought here too. */
  #expanded(): Interest[] {
    const all = [...this.interests]
    for (const interest of all) {
      const segment = interest.segments[interest.at]
      if (segment?.kind === 'any-depth' && interest.at + 1 < interest.segments.length) {
        all.push({ ...interest, at: interest.at + 1 })
      }
    }
    return all
  }

  #wants(interest: Interest, name: string): Want[] {
    const segment = interest.segments[interest.at]
    if (segment === undefined) return []
    const path = this.pathOf(name)
    if (segment.kind === 'any-depth') {
      // hidden directories are not descended into, as in a shell
      const deeper = name.startsWith('.') ? null : interest
      const last = interest.at === interest.segments.length - 1
      return [{ interest, next: deeper, kind: last && !interest.excludes(path) ? 'live' : null }]
    }
    const last = interest.at === interest.segments.length - 1
    const isLive = (candidate: string): boolean => matchesSegment(segment, candidate)
    if (!last) return isLive(name) ? [{ interest, next: { ...interest, at: interest.at + 1 }, kind: null }] : []
    if (interest.excludes(path)) return []
    if (isLive(name)) return [{ interest, next: null, kind: 'live' }]
    if (interest.rules.rotated !== 'none' && isRotatedName(name, isLive))
      return [{ interest, next: null, kind: 'rotated' }]
    return []
  }
}

interface Want {
  readonly interest: Interest
  /** For a directory by this name. */
  readonly next: Interest | null
  /** For a file by this name. */
  readonly kind: 'live' | 'rotated' | null
}
