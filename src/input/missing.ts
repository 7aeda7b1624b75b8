/**
 * Generations that we know and that are not where they were: at the start all of the state's, later closed files that
 * vanished. Each waits a while to turn up under another name, in another directory, on another device number; then its
 * unread bytes are lost, and counted.
 */
import { dirname } from 'node:path'
import { FINGERPRINT_BYTES, bytesAt, guardHolds, hash, keyOf } from './identity.ts'
import type { StoredGeneration } from './stored-generation.ts'
import { type FileFacts, type Volume, volumeOf } from './volume.ts'

/** Long enough for a mount that comes late and for every directory to be looked at. */
const PATIENCE_MS = 30_000

interface Entry {
  readonly stored: StoredGeneration
  readonly until: number
}

export class Missing {
  readonly #entries = new Map<string, Entry>()
  /** Ids by device and inode, and by fingerprint: thousands may be missing at the start. */
  readonly #byKey = new Groups()
  readonly #byFingerprint = new Groups()
  readonly #unsearched = new Set<string>()
  readonly #clock: () => number

  constructor(stored: Iterable<StoredGeneration>, clock: () => number) {
    this.#clock = clock
    for (const entry of stored) this.add(entry)
  }

  add(stored: StoredGeneration): void {
    this.#entries.set(stored.id, { stored, until: this.#clock() + PATIENCE_MS })
    this.#unsearched.add(stored.id)
    this.#byKey.add(keyOf(stored), stored.id)
    this.#byFingerprint.add(fingerprintKey(stored.fingerprint.length, stored.fingerprint.hash), stored.id)
  }

  /** Whether a missing generation had this device and inode. */
  has(key: string): boolean {
    return this.#byKey.get(key).length > 0
  }

  /** Directories where those were last seen that this was not asked for before. */
  unsearched(): ReadonlySet<string> {
    const places = new Set<string>()
    for (const id of this.#unsearched) {
      const entry = this.#entries.get(id)
      if (entry !== undefined) places.add(dirname(entry.stored.place))
    }
    this.#unsearched.clear()
    return places
  }

  /**
   * The missing generation that an open file is by its content, taken out; null when it is none. Among equals the one
   * with its inode is preferred, then the one with its path: after a reboot every device number may be another one.
   */
  async find(
    volume: Volume,
    descriptor: number,
    { facts, path }: { facts: FileFacts; path: string },
  ): Promise<StoredGeneration | null> {
    if (this.#entries.size === 0) return null
    const head = await bytesAt(volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
    const rank = (stored: StoredGeneration): number => (keyOf(stored) === facts.key ? 0 : stored.place === path ? 1 : 2)
    const candidates = this.#candidates(facts.key, head).sort((a, b) => rank(a) - rank(b))
    for (const stored of candidates) {
      if (facts.size < stored.position.offset) continue
      if ((await guardHolds(volume, descriptor, stored)) && this.#take(stored)) return stored
    }
    return null
  }

  /** Those whose patience is over, taken out, and whether something with their inode is still at their place. */
  async expired(): Promise<{ stored: StoredGeneration; isThere: boolean }[]> {
    const now = this.#clock()
    const over = Array.from(this.#entries.values()).filter(({ until }) => until <= now)
    const gone: { stored: StoredGeneration; isThere: boolean }[] = []
    for (const { stored } of over) {
      const volume = await volumeOf(dirname(stored.place))
      const facts = await Promise.resolve(volume?.facts(stored.place)).catch(() => null)
      if (this.#take(stored)) gone.push({ stored, isThere: facts?.key === keyOf(stored) })
    }
    return gone
  }

  /** Those whose fingerprint the file has; one that was empty is told by its inode alone. */
  #candidates(key: string, head: Buffer): StoredGeneration[] {
    const lengths = new Set<number>()
    for (const { stored } of this.#entries.values()) lengths.add(stored.fingerprint.length)
    const ids: string[] = []
    for (const length of lengths) {
      if (length === 0 || length > head.length) continue
      ids.push(...this.#byFingerprint.get(fingerprintKey(length, hash(head.subarray(0, length)))))
    }
    const all = ids.flatMap((id) => this.#entries.get(id)?.stored ?? [])
    const empty = this.#byKey.get(key).flatMap((id) => this.#entries.get(id)?.stored ?? [])
    return [...all, ...empty.filter((stored) => stored.fingerprint.length === 0)]
  }

  #take(stored: StoredGeneration): boolean {
    this.#byKey.remove(keyOf(stored), stored.id)
    this.#byFingerprint.remove(fingerprintKey(stored.fingerprint.length, stored.fingerprint.hash), stored.id)
    this.#unsearched.delete(stored.id)
    return this.#entries.delete(stored.id)
  }
}

function fingerprintKey(length: number, digest: string): string {
  return `${length}:${digest}`
}

/** Ids under a key. */
class Groups {
  readonly #ids = new Map<string, string[]>()

  get(key: string): readonly string[] {
    return this.#ids.get(key) ?? []
  }

  add(key: string, id: string): void {
    this.#ids.set(key, [...this.get(key), id])
  }

  remove(key: string, id: string): void {
    const left = this.get(key).filter((other) => other !== id)
    if (left.length > 0) this.#ids.set(key, left)
    else this.#ids.delete(key)
  }
}
