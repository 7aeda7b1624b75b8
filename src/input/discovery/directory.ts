/**
 * One directory that can hold files of ours: what is sought in it, and how it was when we last looked. A look lists it
 * and asks for every matching name's facts; what that means is decided in sightings.ts.
 */
import { messageOf, systemCodeOf } from '../../errors.ts'
import type { InputRules } from '../input-rules.ts'
import { type Segment, isRotatedName, liveNames, matchesSegment } from './glob.ts'
import type { LogFile } from '../files/log-file.ts'
import { ELSEWHERE, type FileFacts, type Listed, type Volume } from '../volume/volume.ts'

/** A directory rests so many times as long as a look at it takes, */
const REST = 10

/** but never longer: where a look takes seconds, finding new files in time is worth more than the CPU; */
const MAX_REST_MS = 10_000

/** a look this short costs so little that what comes and goes within milliseconds is worth another. */
const SHORT_LOOK_MS = 20

/** In a directory in which names come and go all the time, the last of so many looks is taken as it is. */
const LOOKS = 3

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
  /**
   * live: matches the glob; rotated: is named like a rotated piece of a match; sought: whatever its name, a missing
   * file had its inode.
   */
  readonly kind: 'live' | 'rotated' | 'sought'
  /** The name is a symbolic link: no watch on the directory tells about the file. */
  readonly isLink: boolean
}

interface Denied {
  readonly name: string
  readonly reason: string
}

export interface Look {
  readonly sightings: readonly Sighting[]
  /** Directories below it that can hold matches: their device and inode by name. */
  readonly below: ReadonlyMap<string, string>
  /** Links that can lead to a match: the device and inode they lead to by name, empty where they lead nowhere. */
  readonly links: ReadonlyMap<string, string>
  /** Names that could not be asked about, with the reason. */
  readonly denied: readonly Denied[]
}

/** What a look at a directory finds that is gone. */
export const NOTHING_THERE: Look = { sightings: [], below: new Map(), links: new Map(), denied: [] }

/**
 * What is sought in the directory at a path, in the order of the globs (`at` 0 each): the first that wants a file has
 * it, whichever way led to the directory.
 */
export function interestsIn(path: string, globs: readonly Interest[]): readonly Interest[] {
  return globs.flatMap((glob) => {
    const { base, segments } = glob
    if (path !== base && !path.startsWith(base === '/' ? base : `${base}/`)) return []
    const names = path.slice(base.length).split('/').filter(Boolean)
    const reached = names.reduce((from, name) => reach(segments, steps(segments, from, name)), reach(segments, [0]))
    return reached.map((at) => ({ ...glob, at }))
  })
}

/** `**` also stands for no directory at all: what follows it is sought here too. */
function reach(segments: readonly Segment[], from: readonly number[]): number[] {
  const all = new Set(from)
  for (const at of all) if (segments[at]?.kind === 'any-depth' && at + 1 < segments.length) all.add(at + 1)
  return [...all]
}

function steps(segments: readonly Segment[], from: readonly number[], name: string): number[] {
  return from.flatMap((at) => {
    const segment = segments[at]
    if (segment === undefined) return []
    // hidden directories are not descended into, as in a shell
    if (segment.kind === 'any-depth') return name.startsWith('.') ? [] : [at]
    return at + 1 < segments.length && matchesSegment(segment, name) ? [at + 1] : []
  })
}

export class Directory {
  readonly path: string
  readonly volume: Volume
  readonly interests: readonly Interest[]
  /** Files by the names they had at the last look. Kept by sightings.ts. */
  readonly files = new Map<string, LogFile>()
  /** Its own device and inode at the last look: another directory may have taken its place. */
  key = ''
  /** As of the last look; -1 before the first, and when it has to be looked at again in any case. */
  mtimeMs = -1
  /** Wall clock ms of the last look. */
  lookedAt = 0
  /** Monotonic ms: what came or went before is known, unless it could not be looked at; -Infinity before the first look. */
  askedAt = -Infinity
  /** {@link Look.links} of the last look. */
  links: Look['links'] = NOTHING_THERE.links
  lookAgain = false
  /** How long the last look took that came to its end; 0 before there was one, so that the first is followed by no rest. */
  #lookMs = 0
  /** It is being asked whether it has changed; a mount that hangs is not asked twice. */
  asking = false
  /** Not to be looked at before (a look at it takes long), and in any case from then on: monotonic ms. */
  notBefore = 0
  due = 0
  /** It was there when we started, and this is its first look: what is in it was there too. */
  wasThere = false
  /** What the first look at the start found and could not take in, by name: as it was then, null where that is not known. */
  readonly untaken = new Map<string, FileFacts | null>()

  constructor(path: string, volume: Volume, interests: readonly Interest[]) {
    this.path = path
    this.volume = volume
    this.interests = interests
  }

  /**
   * How many ms it shall rest after a look that took so long: one of thousands of names must not be looked at for every
   * one that comes or goes. The shorter of the last two looks counts: whatever stopped the process in the middle of one
   * (SIGSTOP, a frozen cgroup, a disk that hung) made that one long, and says nothing of the next.
   */
  restAfter(lookMs: number): number {
    const usual = Math.min(lookMs, this.#lookMs)
    this.#lookMs = lookMs
    return Math.min(MAX_REST_MS, REST * Math.max(0, usual - SHORT_LOOK_MS))
  }

  pathOf(name: string): string {
    return this.path === '/' ? `/${name}` : `${this.path}/${name}`
  }

  /**
   * A look during which no name came or went, and the directory's facts of then: what is renamed in the middle of a look
   * can be missed, and a log that came after it found first. After a few attempts any look will do. Null when it is gone.
   */
  async lookSteadily(): Promise<{ facts: FileFacts; look: Look } | null> {
    let facts = await this.volume.facts(this.path)
    for (let attempt = 1; facts !== null; attempt++) {
      const look = await this.look()
      if (look === null) return null
      const after = attempt < LOOKS ? await this.volume.facts(this.path) : facts
      if (after?.mtimeMs === facts.mtimeMs && after.key === facts.key) return { facts, look }
      facts = after
    }
    return null
  }

  /** List it and ask for the facts of what matches. Null when it is gone. */
  async look(): Promise<Look | null> {
    const listed = await this.volume.list(this.path)
    if (listed === null) return null
    const sightings: Sighting[] = []
    const below = new Map<string, string>()
    const links = new Map<string, string>()
    const denied: Denied[] = []
    for (const entry of listed) {
      const { name, isLink } = entry
      const wanted = this.interests.flatMap((interest) => this.#wants(interest, entry) ?? [])
      if (wanted.length === 0) continue
      let facts: FileFacts | null = null
      try {
        facts = await this.volume.facts(this.pathOf(name))
      } catch (error) {
        // what is below is asked where it is
        if (systemCodeOf(error) === ELSEWHERE && wanted.some((want) => want.isWay)) below.set(name, '')
        else denied.push({ name, reason: messageOf(error) })
      }
      if (isLink) links.set(name, facts?.key ?? '')
      if (facts === null) continue
      if (facts.kind === 'directory') {
        if (wanted.some((want) => want.isWay)) below.set(name, facts.key)
        continue
      }
      const first = wanted.find((want) => want.kind !== null)
      if (first?.kind) sightings.push({ name, facts, interest: first.interest, kind: first.kind, isLink })
    }
    // a log that was rotated more than once since the last look is read in the order in which it was written
    sightings.sort((a, b) => inOrderOfWriting(a.facts, b.facts))
    return { sightings, below, links, denied }
  }

  /** Everything in it that may be an input's (its id by device and inode), whatever its name. */
  async search(inputOf: (key: string) => string | null): Promise<Sighting[]> {
    const found: Sighting[] = []
    for (const { name, isLink } of (await this.volume.list(this.path)) ?? []) {
      let facts: FileFacts | null = null
      try {
        facts = await this.volume.facts(this.pathOf(name))
      } catch {
        // what cannot be asked about is not found
      }
      const inputId = facts?.kind === 'file' ? inputOf(facts.key) : null
      if (facts === null || inputId === null) continue
      // inputs get other names when their globs change
      const interest = this.interests.find(({ rules }) => rules.id === inputId) ?? this.interests[0]
      if (interest !== undefined) found.push({ name, facts, interest, kind: 'sought', isLink })
    }
    return found
  }

  /**
   * Whether a file is named like a rotated piece of one that had the name `former` here, or like a later piece of what
   * that one was a piece of.
   */
  isSibling({ name, kind, interest }: Sighting, former: string): boolean {
    if (kind === 'sought') return false
    const bases = liveNames(name)
    if (bases.includes(former)) return true
    // where the glob itself matches them, app.1 and app.2 may be two logs
    if (kind === 'live' || this.#isLive(interest, former)) return false
    return liveNames(former).some((base) => bases.includes(base) && this.#isLive(interest, base))
  }

  #isLive(interest: Interest, name: string): boolean {
    const segment = interest.segments[interest.at]
    return segment !== undefined && matchesSegment(segment, name) && !interest.excludes(this.pathOf(name))
  }

  #wants(interest: Interest, { name, isLink }: Listed): Want | null {
    const segment = interest.segments[interest.at]
    if (segment === undefined) return null
    const last = interest.at === interest.segments.length - 1
    const isOurs = (candidate: string): boolean => this.#isLive(interest, candidate)
    if (segment.kind === 'any-depth') {
      if (name.startsWith('.')) return null
      // links could lead round in circles
      return { interest, isWay: !isLink, kind: last && isOurs(name) ? 'live' : null }
    }
    if (!last) return matchesSegment(segment, name) ? { interest, isWay: true, kind: null } : null
    if (isOurs(name)) return { interest, isWay: false, kind: 'live' }
    // a piece of a file that is excluded is no more wanted than the file
    if (interest.rules.rotated === 'none' || interest.excludes(this.pathOf(name)) || !isRotatedName(name, isOurs))
      return null
    return { interest, isWay: false, kind: 'rotated' }
  }
}

interface Want {
  readonly interest: Interest
  /** A directory by this name can hold matches. */
  readonly isWay: boolean
  /** What a file by this name is. */
  readonly kind: 'live' | 'rotated' | null
}

type Times = Pick<FileFacts, 'mtimeMs' | 'bornMs'>

/** For sorting. What was written last within the same tick of the clock was made last too. */
export function inOrderOfWriting(a: Times, b: Times): number {
  return a.mtimeMs - b.mtimeMs || a.bornMs - b.bornMs
}
