/**
 * Missing generations, indexed by what can bond a file to one of them: the inode, the path or, of generations that are long
 * enough, the first bytes. missing.ts decides about the candidates that are found here.
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

/** An open file that is no known generation. */
export interface UnknownFile extends SeenFile {
  /** Whether rotation can have given this name to a file that was called `former`, in the same directory. */
  readonly isSibling: (former: string) => boolean
}

export interface Candidate {
  readonly stored: StoredGeneration
}

/** A candidate, and what it has in common with a file beside the first bytes. */
export interface Match<Of extends Candidate> {
  readonly candidate: Of
  readonly bond: Bond | 'sibling'
}

export class Candidates<Of extends Candidate> {
  readonly #byKey = new Groups<Of>()
  readonly #byPlace = new Groups<Of>()
  /** Only candidates whose fingerprint is whole. */
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

  /** The candidates that had this device and inode. */
  withKey(key: string): readonly Of[] {
    return this.#byKey.get(key)
  }

  /** Whether a candidate had this device and inode. */
  hasKey(key: string): boolean {
    return this.#byKey.count(key) > 0
  }

  /** Whether a candidate was at this path. */
  hasPlace(path: string): boolean {
    return this.#byPlace.count(path) > 0
  }

  /**
   * The candidates that a file with these first bytes can be, the likeliest first. Among equals the newest comes first: a
   * file that was cut can have left an older generation, whose last bytes were still on their way.
   */
  *of(file: UnknownFile, head: Buffer): Iterable<Match<Of>> {
    const { facts, path } = file
    const known = [...new Set([...this.#byKey.get(facts.key), ...this.#byPlace.get(path)])].reverse()
    const bonded = known.map((candidate) => ({ candidate, bond: bondOf(file, whereaboutsOf(candidate.stored)) }))
    const full = bonded.filter(({ candidate, bond }) => bond !== null && begins(candidate.stored, head))
    for (const { candidate, bond } of full) if (bond === 'inode') yield { candidate, bond }
    // an empty one has no content to be known by, so it comes after those that had some
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

/** Whether a file begins with the first bytes of a generation; false where the generation had none. */
function begins({ fingerprint: { length, hash: its } }: StoredGeneration, head: Buffer): boolean {
  return length > 0 && length <= head.length && hash(head.subarray(0, length)) === its
}
