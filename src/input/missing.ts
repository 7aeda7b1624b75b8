/**
 * Generations that we know and that are not where they were: at the start all of the state's, later closed files that
 * vanished. Each waits a while to turn up under another name, in another directory, on another device number; then its
 * unread bytes are lost, and counted.
 */
import { dirname } from 'node:path'
import { ignoreSystemError } from '../errors.ts'
import { Groups } from './groups.ts'
import { FINGERPRINT_BYTES, bytesAt, guardHolds, hash, isSameEmpty, inodeKeyOf } from './identity.ts'
import type { StoredGeneration } from './stored-generation.ts'
import type { FileFacts, Volume } from './volume.ts'

/** Long enough for a mount that comes late and for every directory to be looked at. */
const PATIENCE_MS = 30_000

interface Entry {
  readonly stored: StoredGeneration
  until: number
}

export interface MissingOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  readonly volumeOf: (path: string) => Volume
}

export class Missing {
  readonly #entries = new Map<string, Entry>()
  /** Ids by device and inode, and by fingerprint: thousands may be missing at the start. */
  readonly #byKey = new Groups<string>()
  readonly #byFingerprint = new Groups<string>()
  /** How many there are of each length of a fingerprint. */
  readonly #lengths = new Map<number, number>()
  readonly #unsearched = new Set<string>()
  readonly #options: MissingOptions

  constructor(stored: Iterable<StoredGeneration>, options: MissingOptions) {
    this.#options = options
    for (const entry of stored) this.add(entry)
  }

  add(stored: StoredGeneration): void {
    const { length, hash: digest } = stored.fingerprint
    this.#entries.set(stored.id, { stored, until: this.#options.clock() + PATIENCE_MS })
    this.#unsearched.add(stored.id)
    this.#byKey.add(inodeKeyOf(stored), stored.id)
    this.#byFingerprint.add(fingerprintKey(length, digest), stored.id)
    this.#lengths.set(length, (this.#lengths.get(length) ?? 0) + 1)
  }

  /** What of it was on its way is stored by now: true if it is still missing. Its content is the same. */
  update(stored: StoredGeneration): boolean {
    const entry = this.#entries.get(stored.id)
    if (entry !== undefined) this.#entries.set(stored.id, { ...entry, stored })
    return entry !== undefined
  }

  /** Whether a missing generation had this device and inode. */
  has(key: string): boolean {
    return this.#byKey.count(key) > 0
  }

  /** The input of a missing generation with this device and inode. */
  inputOf(key: string): string | null {
    const [id = ''] = this.#byKey.get(key)
    return this.#entries.get(id)?.stored.inputId ?? null
  }

  /** Directories where those were last seen, of those that can be searched; each generation is told once. */
  unsearched(canBeSearched: (directory: string) => boolean): ReadonlySet<string> {
    const places = new Set<string>()
    for (const id of this.#unsearched) {
      const place = dirname(this.#entries.get(id)?.stored.place ?? '')
      if (!canBeSearched(place)) continue
      places.add(place)
      this.#unsearched.delete(id)
    }
    return places
  }

  /**
   * The missing generation that an open file is by its content, taken out; null when it is none. Among equals the one
   * with its inode is preferred, then the one with its path: after a reboot every device number may be another one.
   * One that was empty is told by its inode: see {@link isSameEmpty}.
   */
  async find(
    volume: Volume,
    descriptor: number,
    { facts, path }: { facts: FileFacts; path: string },
  ): Promise<StoredGeneration | null> {
    if (this.#entries.size === 0) return null
    const head = await bytesAt(volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
    const rank = (stored: StoredGeneration): number =>
      inodeKeyOf(stored) === facts.key ? 0 : stored.place === path ? 1 : 2
    const candidates = this.#candidates(facts.key, head).sort((a, b) => rank(a) - rank(b))
    for (const stored of candidates) {
      if (stored.fingerprint.length === 0 && !isSameEmpty({ facts, path, stored })) continue
      if (facts.size < stored.position.offset || !(await guardHolds(volume, descriptor, { facts, stored }))) continue
      // what was on its way may have been stored meanwhile
      const now = this.#entries.get(stored.id)?.stored
      if (now !== undefined && facts.size >= now.position.offset && this.take(now)) return now
    }
    return null
  }

  /** Those whose patience is over. */
  expired(): StoredGeneration[] {
    const now = this.#options.clock()
    return Array.from(this.#entries.values()).flatMap(({ stored, until }) => (until <= now ? [stored] : []))
  }

  /** How its place is reached; null: that cannot be found out now. */
  volumeOf({ place }: StoredGeneration): Volume | null {
    try {
      return this.#options.volumeOf(dirname(place))
    } catch (error) {
      ignoreSystemError(error)
      return null
    }
  }

  /** The device and inode of what is at its place; null: nothing is, undefined: that cannot be found out now. */
  async keyAtPlace(stored: StoredGeneration): Promise<string | null | undefined> {
    const volume = this.volumeOf(stored)
    if (volume === null) return undefined
    try {
      const facts = await volume.facts(stored.place)
      return facts?.key ?? null
    } catch {
      return undefined
    }
  }

  /** Wait for it as long again. */
  postpone({ id }: StoredGeneration): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.until = this.#options.clock() + PATIENCE_MS
  }

  /** It is not missing any more; false when it was not, or is not as it was told any more. */
  take(stored: StoredGeneration): boolean {
    if (this.#entries.get(stored.id)?.stored !== stored) return false
    this.#entries.delete(stored.id)
    const { length, hash: digest } = stored.fingerprint
    this.#byKey.remove(inodeKeyOf(stored), stored.id)
    this.#byFingerprint.remove(fingerprintKey(length, digest), stored.id)
    this.#unsearched.delete(stored.id)
    const left = (this.#lengths.get(length) ?? 0) - 1
    if (left > 0) this.#lengths.set(length, left)
    else this.#lengths.delete(length)
    return true
  }

  /**
   * Those whose fingerprint the file has, and that were empty and had its inode. The newest come first: a file that was
   * cut can have left an older generation of its own, whose last bytes were on their way.
   */
  #candidates(key: string, head: Buffer): StoredGeneration[] {
    const ids: string[] = []
    for (const length of this.#lengths.keys()) {
      if (length === 0 || length > head.length) continue
      ids.push(...this.#byFingerprint.get(fingerprintKey(length, hash(head.subarray(0, length)))))
    }
    const all = ids.flatMap((id) => this.#entries.get(id)?.stored ?? [])
    const empty = [...this.#byKey.get(key)].flatMap((id) => this.#entries.get(id)?.stored ?? [])
    return [...empty.filter((stored) => stored.fingerprint.length === 0), ...all].reverse()
  }
}

function fingerprintKey(length: number, digest: string): string {
  return `${length}:${digest}`
}
