/**
 * One directory that can hold an input's files: what is sought in it (interest.ts), and its condition at the last look. A
 * look lists the directory and gets the facts of every matching name. sightings.ts decides what these mean.
 */
import { messageOf, systemCodeOf } from '../../errors.ts'
import { liveNames } from './glob.ts'
import { type Interest, isLive, wantOf } from './interest.ts'
import type { LogFile } from '../files/log-file.ts'
import { ELSEWHERE, type FileFacts, type Volume } from '../volume/volume.ts'

/** After a look a directory rests for this multiple of the look's time, beyond {@link SHORT_LOOK_MS}. */
const REST = 10

/** The longest rest: where a look takes seconds, finding new files in time is worth more than the CPU time saved. */
const MAX_REST_MS = 10_000

/** No rest follows a look this short: it costs little, and finds files that exist for milliseconds only. */
const SHORT_LOOK_MS = 20

/** Attempts at a look during which no name comes or goes; the last one is used in any case. */
const LOOKS = 3

/** A name in a directory that an input wants, with its file. */
export interface Sighting {
  readonly name: string
  readonly facts: FileFacts
  readonly interest: Interest
  /**
   * live: the name matches the glob; rotated: it is that of a rotated piece of a match; sought: the name does not matter,
   * the file has the inode of a missing one.
   */
  readonly kind: 'live' | 'rotated' | 'sought'
  /** Whether the name is a symbolic link: a watch on the directory has no events of the file then. */
  readonly isLink: boolean
}

/** A name whose facts could not be had. */
interface Denied {
  readonly name: string
  readonly reason: string
}

/** The result of looking at a directory. */
export interface Look {
  readonly sightings: readonly Sighting[]
  /** Directories below it that can hold matches: device and inode by name; empty where another mount begins. */
  readonly below: ReadonlyMap<string, string>
  /** Links that can lead to a match: device and inode of the target by name, empty where there is no target. */
  readonly links: ReadonlyMap<string, string>
  /** Names whose facts could not be had, with the reason. */
  readonly denied: readonly Denied[]
}

/** The result of a look at a directory that no longer exists. */
export const NOTHING_THERE: Look = { sightings: [], below: new Map(), links: new Map(), denied: [] }

export class Directory {
  readonly path: string
  readonly volume: Volume
  readonly interests: readonly Interest[]
  /** Files by the names they had at the last look. Kept by sightings.ts. */
  readonly files = new Map<string, LogFile>()
  /** Device and inode of the directory itself at the last look, since another directory may take its place. */
  key = ''
  /** Its mtime at the last look; -1 before the first look, and when another look is needed in any case. */
  mtimeMs = -1
  /** Wall clock ms of the last look; 0 before the first. */
  lookedAt = 0
  /**
   * Monotonic ms of the last look or check. Every name that came or went before then is known, unless the directory could
   * not be looked at. -Infinity before the first look.
   */
  askedAt = -Infinity
  /** {@link Look.links} of the last look. */
  links: Look['links'] = NOTHING_THERE.links
  /** Whether a look was requested during the one that runs. */
  lookAgain = false
  /** Duration of the last completed look; 0 before there was one, so that no rest follows the first look. */
  #lookMs = 0
  /** Whether a check for changes is under way: only one call at a time is made to a mount that hangs. */
  asking = false
  /** Monotonic ms before which it must not be looked at: it rests after a long look. */
  notBefore = 0
  /** Monotonic ms from which on it is looked at even if it seems unchanged. */
  due = 0
  /** Whether it existed when the agent started, and its first look is not done: its files existed then too. */
  wasThere = false
  /** By name: facts of files that the first look at the start found but that were not taken in; null where not known. */
  readonly untaken = new Map<string, FileFacts | null>()

  constructor(path: string, volume: Volume, interests: readonly Interest[]) {
    this.path = path
    this.volume = volume
    this.interests = interests
  }

  /**
   * The ms for which the directory rests after a look that took `lookMs`: a directory with thousands of names must not be
   * looked at each time a name comes or goes. The shorter of the last two looks counts, since one look can be long because
   * the process was stopped in the middle of it (SIGSTOP, a frozen cgroup, a disk that hung).
   */
  restAfter(lookMs: number): number {
    const usual = Math.min(lookMs, this.#lookMs)
    this.#lookMs = lookMs
    return Math.min(MAX_REST_MS, REST * Math.max(0, usual - SHORT_LOOK_MS))
  }

  /** The path of a name in the directory. */
  pathOf(name: string): string {
    return this.path === '/' ? `/${name}` : `${this.path}/${name}`
  }

  /**
   * Looks at the directory until no name comes or goes during a look, and returns that look with the directory's facts. A
   * file that is renamed during a look can be missed, and a newer log be found before it. After a few attempts the last
   * look is returned in any case. Null when the directory no longer exists.
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

  /** Lists the directory and gets the facts of the matching names. Null when the directory no longer exists. */
  async look(): Promise<Look | null> {
    const listed = await this.volume.list(this.path)
    if (listed === null) return null
    const sightings: Sighting[] = []
    const below = new Map<string, string>()
    const links = new Map<string, string>()
    const denied: Denied[] = []
    for (const entry of listed) {
      const { name, isLink } = entry
      const wanted = this.interests.flatMap((interest) => wantOf(interest, entry, this) ?? [])
      if (wanted.length === 0) continue
      let facts: FileFacts | null = null
      try {
        facts = await this.volume.facts(this.pathOf(name))
      } catch (error) {
        // a directory on another mount is reached through that mount's volume
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

  /** Files in the directory that belong to an input, whatever their names. `inputOf`: the input's id by device and inode. */
  async search(inputOf: (key: string) => string | null): Promise<Sighting[]> {
    const found: Sighting[] = []
    for (const { name, isLink } of (await this.volume.list(this.path)) ?? []) {
      let facts: FileFacts | null = null
      try {
        facts = await this.volume.facts(this.pathOf(name))
      } catch {
        // a file whose facts cannot be had is not found
      }
      const inputId = facts?.kind === 'file' ? inputOf(facts.key) : null
      if (facts === null || inputId === null) continue
      // the input may be gone: its id is another one once its globs have changed
      const interest = this.interests.find(({ rules }) => rules.id === inputId) ?? this.interests[0]
      if (interest !== undefined) found.push({ name, facts, interest, kind: 'sought', isLink })
    }
    return found
  }

  /**
   * Whether a file is named like a rotated piece of a file that had the name `former` in this directory; or, if that file
   * was a rotated piece itself, like a later piece of the same log.
   */
  isSibling({ name, kind, interest }: Sighting, former: string): boolean {
    if (kind === 'sought') return false
    const bases = liveNames(name)
    if (bases.includes(former)) return true
    // app.1 and app.2 may be two logs if the glob itself matches them
    if (kind === 'live' || isLive(interest, former, this)) return false
    return liveNames(former).some((base) => bases.includes(base) && isLive(interest, base, this))
  }
}

type Times = Pick<FileFacts, 'mtimeMs' | 'bornMs'>

/** Compares files for sorting, the one written first before the others; within one tick of the clock the older one. */
export function inOrderOfWriting(a: Times, b: Times): number {
  return a.mtimeMs - b.mtimeMs || a.bornMs - b.bornMs
}
