/**
 * Generations of which one may be the file at hand, by what bonds a file to them: the inode, the path, or, of long ones,
 * the first bytes. What is done with those that come into question is said in missing.ts.
 */
import { NO_GUARD } from '../../guard.ts'
import { basename, dirname } from 'node:path'
import { Groups } from '../groups.ts'
import {
  type Bond,
  FINGERPRINT_BYTES,
  type SeenFile,
  bondOf,
  hash,
  inodeKeyOf,
  isSameEmpty,
  whereaboutsOf,
} from './identity.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'

/** An open file that is none of those we have. */
export interface UnknownFile extends SeenFile {
  /** Whether rotation can have given a file that had the name `former`, in the same directory, its name. */
  readonly isSibling: (former: string) => boolean
}

export interface Candidate {
  readonly stored: StoredGeneration
}

/** What a candidate and a file have in common beside their first bytes. */
export interface Match<Of extends Candidate> {
  readonly candidate: Of
  readonly bond: Bond | 'sibling'
}

export class Candidates<Of extends Candidate> {
  readonly #byKey = new Groups<Of>()
  readonly #byPlace = new Groups<Of>()
  /** Those whose fingerprint is whole. */
  readonly #byFingerprint = new Groups<Of>()

  add(candidate: Of): void {
    const { stored } = candidate
    this.#byKey.add(inodeKeyOf(stored), candidate)
    this.#byPlace.add(stored.place, candidate)
    if (isWhole(stored)) this.#byFingerprint.add(stored.fingerprint.hash, candidate)
  }

  remove(candidate: Of): void {
    const { stored } = candidate
    this.#byKey.remove(inodeKeyOf(stored), candidate)
    this.#byPlace.remove(stored.place, candidate)
    if (isWhole(stored)) this.#byFingerprint.remove(stored.fingerprint.hash, candidate)
  }

  /** Those that had this device and inode. */
  withKey(key: string): readonly Of[] {
    return this.#byKey.get(key)
  }

  /** Whether one had this device and inode. */
  hasKey(key: string): boolean {
    return this.#byKey.count(key) > 0
  }

  /** Whether one was at this path. */
  hasPlace(path: string): boolean {
    return this.#byPlace.count(path) > 0
  }

  /**
   * Those that a file with these first bytes can be, the likeliest first. Among equals the newest: a file that was cut can
   * have left an older generation of its own, whose last bytes were on their way.
   */
  *of(file: UnknownFile, head: Buffer): Iterable<Match<Of>> {
    const { facts, path } = file
    const known = [...new Set([...this.#byKey.get(facts.key), ...this.#byPlace.get(path)])].reverse()
    const bonded = known.map((candidate) => ({ candidate, bond: bondOf(file, whereaboutsOf(candidate.stored)) }))
    const full = bonded.filter(({ candidate, bond }) => bond !== null && begins(candidate.stored, head))
    for (const { candidate, bond } of full) if (bond === 'inode') yield { candidate, bond }
    // no content tells what was empty: it gives way to what was not
    for (const candidate of known)
      if (isEmpty(candidate.stored) && isSameEmpty({ facts, path, stored: candidate.stored }))
        yield { candidate, bond: 'inode' }
    for (const { candidate, bond } of full) if (bond === 'path') yield { candidate, bond }
    for (const candidate of this.#siblings(file, head)) yield { candidate, bond: 'sibling' }
  }

  #siblings({ path, isSibling }: UnknownFile, head: Buffer): Of[] {
    if (head.length < FINGERPRINT_BYTES) return []
    const all = this.#byFingerprint.get(hash(head)).filter(({ stored: { place, position, guard } }) => {
      const isNear = place !== path && dirname(place) === dirname(path)
      return isNear && position.offset > 0 && guard !== NO_GUARD && isSibling(basename(place))
    })
    return all.reverse()
  }
}

function isEmpty({ fingerprint }: StoredGeneration): boolean {
  return fingerprint.length === 0
}

function isWhole({ fingerprint }: StoredGeneration): boolean {
  return fingerprint.length >= FINGERPRINT_BYTES
}

/** Whether the first bytes of a file are those of a generation that had some. */
function begins({ fingerprint: { length, hash: its } }: StoredGeneration, head: Buffer): boolean {
  return length > 0 && length <= head.length && hash(head.subarray(0, length)) === its
}
