/**
 * Files that others may be copies of: files that are read, and generations that were cut a moment ago. unread-rests.ts counts
 * the unread rests of these.
 */
import type { Directory } from '../discovery/directory.ts'
import { type Original, originalOf } from './comparison.ts'
import { Groups } from '../groups.ts'
import { FINGERPRINT_BYTES } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'
import type { EndAtCut } from '../files/seen-size.ts'

/** How long the copy of a cut file may turn up, and how long a file may be held back as a possible copy; ms. */
export const HELD_MS = 30_000

/** If more files than this begin alike, they begin with a banner, which says nothing. */
const MANY_ALIKE = 4

export interface CutFile extends Original {
  readonly file: LogFile
  readonly end: EndAtCut
  /** No copy of it has turned up, so that it is not known yet what becomes of its unread rest. */
  awaitsCopy: boolean
  /** File offset: the bytes below were read, are read in a copy, or are counted as lost. */
  accountedTo: number
  /** Monotonic ms since when other files were compared with it. */
  readonly comparedSince: number
  /** A file time (ms since the epoch) that is not before the cut. */
  readonly cutAt: number
  /** Monotonic ms: until when its copy may turn up. */
  readonly until: number
}

export class Originals {
  readonly #clock: () => number
  /** In the order in which they were cut. */
  readonly #cut = new Map<LogFile, CutFile>()
  /** Local files that are read, by their whole fingerprint. */
  readonly #read = new Groups<LogFile>()

  /** `clock`: monotonic ms. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** From now on compare others with a file that has been read since `at`. Without effect until its fingerprint is whole. */
  add(file: LogFile, at = this.#clock()): void {
    if (!isComparable(file) || this.has(file)) return
    this.#read.add(file.fingerprint.hash, file)
    file.comparedSince = at
  }

  /** From now on compare no other file with this one. */
  forget(file: LogFile): void {
    this.#read.remove(file.fingerprint.hash, file)
  }

  /** Whether others are compared with the file, or were until it was cut. */
  has(file: LogFile): boolean {
    return file.comparedSince < Infinity
  }

  /** A generation was cut, not after `cutAt` (a file time): its copy may still turn up. */
  remember(file: LogFile, cutAt: number, end: EndAtCut): void {
    this.forget(file)
    const { comparedSince } = file
    const until = this.#clock() + HELD_MS
    this.#cut.set(file, {
      ...originalOf(file),
      file,
      comparedSince,
      cutAt,
      until,
      end,
      awaitsCopy: true,
      accountedTo: file.next,
    })
  }

  /** How a generation was when it was cut. Undefined: it was not, or no copy is awaited any more. */
  cutOf(file: LogFile): CutFile | undefined {
    return this.#cut.get(file)
  }

  /** All generations whose copies may still turn up. */
  cuts(): Iterable<CutFile> {
    return this.#cut.values()
  }

  /** Generations whose copies do not turn up any more. Each is handed out once. */
  takeOld(): CutFile[] {
    const now = this.#clock()
    const old: CutFile[] = []
    for (const cut of this.#cut.values()) {
      if (cut.until >= now) break
      old.push(cut)
      this.#cut.delete(cut.file)
    }
    return old
  }

  /** Generations that were cut in a directory and had one of these names. */
  cutIn(directory: Directory, names: readonly string[]): CutFile[] {
    return this.#cutThat((cut) => cut.directory === directory && names.includes(cut.name))
  }

  /** Generations that were cut, begin like the file, and were read that far before the file was found. */
  cutLike({ fingerprint, foundAt }: LogFile): CutFile[] {
    const alike = this.#cutThat(
      (cut) =>
        cut.fingerprint.hash === fingerprint.hash && cut.offset >= FINGERPRINT_BYTES && cut.comparedSince < foundAt,
    )
    return alike.length > MANY_ALIKE ? [] : alike
  }

  /** Files that are not cut, begin like the file, and were read that far before the file was found. */
  liveLike({ fingerprint, foundAt }: LogFile): LogFile[] {
    if (this.#read.count(fingerprint.hash) > MANY_ALIKE) return []
    return this.#read
      .get(fingerprint.hash)
      .filter((other) => other.standing === 'live' && other.next >= FINGERPRINT_BYTES && other.comparedSince < foundAt)
  }

  /** The matching cuts: first those without a copy yet, then by how far they were read, as logs can repeat themselves. */
  #cutThat(isMeant: (cut: CutFile) => boolean): CutFile[] {
    const now = this.#clock()
    const found: CutFile[] = []
    for (const cut of this.#cut.values()) if (cut.until >= now && isMeant(cut)) found.push(cut)
    return found.sort((a, b) => Number(b.awaitsCopy) - Number(a.awaitsCopy) || b.offset - a.offset)
  }
}

/** Whether a file can be compared: it is long enough, and local, since a mount may hang. */
export function isComparable({ fingerprint, volume }: LogFile): boolean {
  return !volume.remote && fingerprint.length >= FINGERPRINT_BYTES
}
