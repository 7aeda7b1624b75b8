/** Files that others may be copies of: those that are read, and generations that were cut a moment ago. */
import type { Directory } from './directory.ts'
import { type Original, originalOf } from './comparison.ts'
import { Groups } from './groups.ts'
import { FINGERPRINT_BYTES } from './identity.ts'
import type { LogFile } from './log-file.ts'

/** How long the copy of a file that was cut may turn up, and a file be held back for being a copy; ms. */
export const HELD_MS = 30_000

/** Where more files than this begin alike, it is a banner, and says nothing. */
const MANY_ALIKE = 4

export interface CutFile extends Original {
  /** As {@link LogFile.knownAt}. */
  readonly knownAt: number
  /** A file time that is not before the cut. */
  readonly cutAt: number
  readonly until: number
}

export class Originals {
  readonly #clock: () => number
  readonly #cut: CutFile[] = []
  /** Local files that are read, by their whole fingerprint. */
  readonly #known = new Groups<LogFile>()

  /** `clock`: monotonic ms. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A file is read, since `at`, and may be copied. Without effect before its fingerprint is whole. */
  know(file: LogFile, at = this.#clock()): void {
    if (!isComparable(file) || this.isKnown(file)) return
    this.#known.add(file.fingerprint.hash, file)
    file.knownAt = at
  }

  forget(file: LogFile): void {
    this.#known.remove(file.fingerprint.hash, file)
  }

  isKnown(file: LogFile): boolean {
    return file.knownAt < Infinity
  }

  /** A generation was cut, not after `cutAt` (a file time): its copy may still turn up. */
  remember(file: LogFile, cutAt: number): void {
    this.forget(file)
    const now = this.#clock()
    while (this.#cut[0] !== undefined && this.#cut[0].until < now) this.#cut.shift()
    this.#cut.push({ ...originalOf(file), knownAt: file.knownAt, cutAt, until: now + HELD_MS })
  }

  /** Generations that were cut in a directory. */
  cutIn(directory: Directory): CutFile[] {
    const now = this.#clock()
    return this.#cut.filter((cut) => cut.until >= now && cut.directory === directory)
  }

  /** Generations that were cut and have the first bytes of a file, found after they were read so far. */
  cutLike({ fingerprint, foundAt }: LogFile): CutFile[] {
    const now = this.#clock()
    const alike = this.#cut.filter(
      (cut) =>
        cut.fingerprint.hash === fingerprint.hash &&
        cut.offset >= FINGERPRINT_BYTES &&
        cut.until >= now &&
        cut.knownAt < foundAt,
    )
    return alike.length > MANY_ALIKE ? [] : alike
  }

  /** The same of files that are not cut. */
  liveLike({ fingerprint, foundAt }: LogFile): LogFile[] {
    if (this.#known.count(fingerprint.hash) > MANY_ALIKE) return []
    return this.#known
      .get(fingerprint.hash)
      .filter((other) => other.standing === 'live' && other.next >= FINGERPRINT_BYTES && other.knownAt < foundAt)
  }
}

/** Only local files are compared, since the known one may be on a mount that hangs, and none that is shorter. */
export function isComparable({ fingerprint, volume }: LogFile): boolean {
  return !volume.remote && fingerprint.length >= FINGERPRINT_BYTES
}
