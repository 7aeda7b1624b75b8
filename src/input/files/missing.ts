/**
 * Generations that are known and not found: at the start all that the state has, later closed files that vanished. Each may
 * turn up for a while; then its unread bytes are lost, and counted.
 *
 * A file is known to be one of them by its content, and only
 *   (a) with its inode (device, inode and birth time), wherever it is,
 *   (b) at its path, or
 *   (c) in its directory, under a name that rotation gives it, if 1,024 bytes and the guard agree.
 * In any other place it is a file of its own. The file with the inode may be found last: a log was moved away, and a new one
 * at its path begins alike. So (b) and (c) wait until everything was looked at since the generation went missing: from then
 * on it is *confirmed* missing. And (c) waits until all other files in the directory were judged: the file at its path comes
 * first.
 */
import { dirname } from 'node:path'
import { ignoreSystemError } from '../../errors.ts'
import { isSameBirth } from '../volume/birth-time.ts'
import { Candidates, type UnknownFile } from './candidates.ts'
import { FINGERPRINT_BYTES, bytesAt, guardHolds, inodeKeyOf } from './identity.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'
import type { FileFacts, Volume } from '../volume/volume.ts'

/** Long enough for a mount that comes late and for every directory to be looked at. */
const PATIENCE_MS = 30_000

interface Entry {
  stored: StoredGeneration
  /** Monotonic ms: until when it may turn up. */
  until: number
  /** Monotonic ms: since when it is missing, or known to be there and out of reach. */
  since: number
  /** out-of-reach: a file that may be it cannot be opened now; it is searched for only if another file waits for it. */
  state: 'unsearched' | 'searched' | 'confirmed' | 'out-of-reach'
  /** A file that may be this one waits until it is confirmed missing. */
  isAwaited: boolean
}

/** Whether a file may be known by (c): not before all others in its directory were asked about. */
export type BySibling = 'now' | 'not yet'

export interface MissingOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  readonly volumeOf: (path: string) => Volume
}

export class Missing {
  readonly #entries = new Map<string, Entry>()
  readonly #candidates = new Candidates<Entry>()
  readonly #unsearched = new Set<Entry>()
  readonly #freed = new Set<string>()
  readonly #options: MissingOptions
  /** At a stop: no file waits any more until a generation is confirmed missing. */
  #isEnding = false

  constructor(stored: Iterable<StoredGeneration>, options: MissingOptions) {
    this.#options = options
    for (const entry of stored) this.add(entry)
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  add(stored: StoredGeneration): void {
    const since = this.#options.clock()
    const entry: Entry = { stored, until: since + PATIENCE_MS, since, state: 'confirmed', isAwaited: false }
    this.#entries.set(stored.id, entry)
    this.#candidates.add(entry)
    if (!this.#isEnding) this.#toSearch(entry)
  }

  /** Bytes of it that were in flight are stored by now. True if it is still missing. Its content is the same. */
  update(stored: StoredGeneration): boolean {
    const entry = this.#entries.get(stored.id)
    if (entry !== undefined) entry.stored = stored
    return entry !== undefined
  }

  /** Whether a missing generation had this device and inode. */
  has(key: string): boolean {
    return this.#candidates.hasKey(key)
  }

  /** Whether a missing generation was at this path. */
  hasPlace(path: string): boolean {
    return this.#candidates.hasPlace(path)
  }

  /** The input of a missing generation with this device and inode. */
  inputOf(key: string): string | null {
    return this.#candidates.withKey(key)[0]?.stored.inputId ?? null
  }

  /**
   * The directories to be searched, each with the ids of the generations that were last seen there. Each generation is
   * handed out once. `since`: monotonic ms, when it went missing.
   */
  unsearched(canBeSearched: (directory: string, since: number) => boolean): Map<string, string[]> {
    const places = new Map<string, string[]>()
    for (const entry of this.#unsearched) {
      const place = dirname(entry.stored.place)
      if (!canBeSearched(place, entry.since)) continue
      const ids = places.get(place) ?? []
      ids.push(entry.stored.id)
      places.set(place, ids)
      entry.state = 'searched'
      this.#unsearched.delete(entry)
    }
    return places
  }

  /** These are confirmed missing: everything was looked at, and their directories searched, since they went missing. */
  confirm(ids: Iterable<string>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      // it may have got out of reach meanwhile
      if (entry?.state === 'searched') this.#confirm(entry)
    }
  }

  /** At a stop: from now on every generation is confirmed missing. */
  confirmAll(): void {
    this.#isEnding = true
    this.#unsearched.clear()
    for (const entry of this.#entries.values()) this.#confirm(entry)
  }

  /** Directories in which a file waits until a generation is confirmed missing. */
  awaited(): ReadonlySet<string> {
    const waiting = Array.from(this.#entries.values()).filter(({ isAwaited }) => isAwaited)
    return new Set(waiting.map(({ stored }) => dirname(stored.place)))
  }

  /** Directories in which a file need not wait any longer. Each is handed out once. */
  freed(): ReadonlySet<string> {
    const places = new Set(this.#freed)
    this.#freed.clear()
    return places
  }

  /** A file that may be a missing one by its inode cannot be opened now: until it can, no other file is taken for that. */
  outOfReach({ key, bornMs }: FileFacts): void {
    if (this.#isEnding) return
    for (const entry of this.#candidates.withKey(key)) {
      if (isSameBirth(bornMs, entry.stored.bornMs) === false) continue
      entry.since = this.#options.clock()
      if (entry.state !== 'unsearched') entry.state = 'out-of-reach'
    }
  }

  /**
   * The missing generation that an open file is; it is not missing any more. Null: the file is none of them. 'unconfirmed':
   * it may be one that can still turn up with its inode. 'sibling': it would be one by (c), and `bySibling` is 'not yet'.
   */
  async find(
    volume: Volume,
    descriptor: number,
    { bySibling = 'now', ...file }: UnknownFile & { readonly bySibling?: BySibling },
  ): Promise<StoredGeneration | 'unconfirmed' | 'sibling' | null> {
    if (this.isEmpty) return null
    const { size } = file.facts
    const head = await bytesAt(volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
    for (const { candidate: entry, bond } of this.#candidates.of(file, head)) {
      const { stored } = entry
      if (size < stored.position.offset || !(await guardHolds(volume, descriptor, { facts: file.facts, stored })))
        continue
      // bytes that were in flight may have been stored meanwhile
      const { stored: now, state } = entry
      if (this.#entries.get(now.id) !== entry || size < now.position.offset) continue
      if (bond !== 'inode' && state !== 'confirmed') {
        entry.isAwaited = true
        if (state === 'out-of-reach') this.#toSearch(entry)
        return 'unconfirmed'
      }
      if (bond === 'sibling' && bySibling === 'not yet') return 'sibling'
      if (this.take(now)) return now
    }
    return null
  }

  /** The generations that have been missing long enough to be given up. */
  expired(): StoredGeneration[] {
    const now = this.#options.clock()
    return Array.from(this.#entries.values()).flatMap(({ stored, until }) => (until <= now ? [stored] : []))
  }

  /** The volume of its place. Null: that cannot be found out now. */
  volumeOf({ place }: StoredGeneration): Volume | null {
    try {
      return this.#options.volumeOf(dirname(place))
    } catch (error) {
      ignoreSystemError(error)
      return null
    }
  }

  /** Whether a file with its inode is at its place. Undefined: that cannot be found out now. */
  async isAtPlace(stored: StoredGeneration): Promise<boolean | undefined> {
    const { place, bornMs } = stored
    const volume = this.volumeOf(stored)
    if (volume === null) return undefined
    try {
      const facts = await volume.facts(place)
      return facts?.key === inodeKeyOf(stored) && isSameBirth(facts.bornMs, bornMs) !== false
    } catch {
      return undefined
    }
  }

  /** Let it turn up for as long again. */
  postpone({ id }: StoredGeneration): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.until = this.#options.clock() + PATIENCE_MS
  }

  /** It is not missing any more. False when it was not missing, or has been updated since `stored` was handed out. */
  take(stored: StoredGeneration): boolean {
    const entry = this.#entries.get(stored.id)
    if (entry?.stored !== stored) return false
    this.#entries.delete(stored.id)
    this.#candidates.remove(entry)
    this.#unsearched.delete(entry)
    this.#free(entry)
    return true
  }

  #confirm(entry: Entry): void {
    entry.state = 'confirmed'
    this.#free(entry)
  }

  #free(entry: Entry): void {
    if (entry.isAwaited) this.#freed.add(dirname(entry.stored.place))
    entry.isAwaited = false
  }

  #toSearch(entry: Entry): void {
    entry.state = 'unsearched'
    this.#unsearched.add(entry)
  }
}
