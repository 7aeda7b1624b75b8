/**
 * Copies that copytruncate leaves: new files that begin with the bytes of a known one and agree with it up to where we
 * are in it, or up to their own end. While the known file has not been cut yet, nobody can say which of them goes on: the
 * new one is held back, unless it has more bytes than the known one, which is not cut. Once that is cut, the new one is
 * its copy, and not shipped again.
 *
 * How long it is held back, and what has to agree, depends on what else speaks for a copy:
 * - it is named like one (beside the known file, with its name and something more): then it is judged when it is found,
 *   whatever its size, and waits half a minute;
 * - it is not ("app-20261122.log", "old/app.log"): applications whose logs begin with the same banner must not wait for
 *   each other. Such a file is taken in at once, so that it cannot vanish unread, and judged before its first chunk is
 *   handed on: against the few files with the same first 1,024 bytes that were read at least so far before it was
 *   found. It waits for seconds, longer only if it is large: it then takes longer to be made, and is less likely to be
 *   the same by chance. It is the copy of a file that was cut already only if it was written before the cut. What the
 *   known file had unread is read in it. Only local files are compared: the known one may be on a mount that hangs.
 * (Where the name tells, too, what the known file had unread when it was cut is only in the copy: to go on in it is a
 * later issue; until then those bytes are counted as lost.)
 */
import type { Directory, Sighting } from './directory.ts'
import { Groups } from './groups.ts'
import { FINGERPRINT_BYTES } from './identity.ts'
import { isRotatedName, liveNames } from './glob.ts'
import type { LogFile } from './log-file.ts'
import { type Compared, type Original, beginsAs, isOutgrown, mayBecome, originalOf } from './originals.ts'
import type { FileFacts } from './volume.ts'

const HELD_MS = 30_000

/** Of files that are not named like copies: time for the cut to come after the copy, and for that to reach the disk. */
const PLAIN_HELD_MS = 5000
const BYTES_PER_MS = 10_000

/** Where more files than this begin alike, it is a banner, and says nothing. */
const MANY_ALIKE = 4

export type Judgement = 'none' | 'held' | 'copy'

interface NewFile {
  readonly directory: Directory
  readonly name: string
  readonly descriptor: number
  readonly facts: FileFacts
}

interface CutFile extends Original {
  /** {@link Copies.know}, ms. */
  readonly knownAt: number
  /** A file time that is not before the cut. */
  readonly cutAt: number
  readonly until: number
}

/** With which file another agreed, and how far. */
interface Agreement {
  readonly original: LogFile
  readonly end: number
}

/** A file that is held back, as it was when it was compared last. */
interface Held {
  readonly facts: FileFacts
  /** When it began to be so long. */
  readonly since: number
  /** Null where that is not far enough to say something. */
  readonly agreement: Agreement | null
}

export class Copies {
  readonly #clock: () => number
  readonly #cut: CutFile[] = []
  /** Held back when they were found, by device and inode, and where. */
  readonly #held = new Map<string, Held & { readonly directory: Directory }>()
  /** Held back when they were to be read. */
  readonly #waiting = new WeakMap<LogFile, Held & { readonly first: number }>()
  /** Local files that are read, by their whole fingerprint; and since when they are here. */
  readonly #known = new Groups<LogFile>()
  readonly #knownAt = new WeakMap<LogFile, number>()

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** A file is read, since `at`, and may be copied. Without effect before its fingerprint is whole. */
  know(file: LogFile, at = this.#clock()): void {
    const { fingerprint, volume } = file
    if (volume.remote || fingerprint.length < FINGERPRINT_BYTES || this.#knownAt.has(file)) return
    this.#known.add(fingerprint.hash, file)
    this.#knownAt.set(file, at)
  }

  forget(file: LogFile): void {
    this.#known.remove(file.fingerprint.hash, file)
  }

  /** A generation was cut, not after `cutAt` (a file time): its copy may still turn up. */
  remember(file: LogFile, cutAt: number): void {
    this.forget(file)
    const now = this.#clock()
    while (this.#cut[0] !== undefined && this.#cut[0].until < now) this.#cut.shift()
    const knownAt = this.#knownAt.get(file) ?? Infinity
    this.#cut.push({ ...originalOf(file), knownAt, cutAt, until: now + HELD_MS })
  }

  /** Files held back in a directory that are not there any more: another one may get the inode. */
  forgetOthers(directory: Directory, sightings: readonly Sighting[]): void {
    if (this.#held.size === 0) return
    const there = new Set(sightings.map(({ facts }) => facts.key))
    for (const [key, held] of this.#held) if (held.directory === directory && !there.has(key)) this.#held.delete(key)
  }

  // -- when it is found, by its name ----------------------------------------------------------------------------------

  /** Whether an unknown open file is named like the copy of another, and is one. */
  async judge(what: NewFile): Promise<Judgement> {
    const { directory, name, facts } = what
    const open = { ...what, volume: directory.volume, size: facts.size }
    const agreed = agreedBeforeCut(this.#held.get(facts.key), facts)
    if (agreed > 0 && agreed === facts.size) return this.#decide(what, 'copy')
    for (const cut of this.#cut) {
      if (cut.until < this.#clock() || cut.directory !== directory) continue
      if (isRotatedName(name, (live) => live === cut.name) && (await beginsAs(cut, open)))
        return this.#decide(what, 'copy')
    }
    for (const live of liveNames(name)) {
      const file = directory.files.get(live)
      if (file?.standing !== 'live') continue
      const outgrown = await isOutgrown(file, facts.size)
      // what a mount says of a size may be old
      if (outgrown && !file.volume.remote) continue
      const original = originalOf(file)
      const begins = await beginsAs(original, open)
      if (!begins && !(await mayBecome(file, open))) continue
      const end = Math.min(original.offset, facts.size)
      const isSure = end >= FINGERPRINT_BYTES && (begins || file.descriptor >= 0)
      return this.#decide(what, 'held', { agreement: isSure ? { original: file, end } : null, outgrown })
    }
    return this.#decide(what, 'none')
  }

  /** One that is being written has more time, unless it seems to have `outgrown` the other. */
  #decide(
    { directory, facts }: NewFile,
    judgement: Judgement,
    { agreement, outgrown }: Pick<Held, 'agreement'> & { outgrown: boolean } = { agreement: null, outgrown: false },
  ): Judgement {
    const { key, size } = facts
    const held = this.#held.get(key)
    const since = held !== undefined && (held.facts.size === size || outgrown) ? held.since : this.#clock()
    if (judgement === 'held' && this.#clock() - since < HELD_MS) {
      this.#held.set(key, { facts, since, agreement, directory })
      return 'held'
    }
    this.#held.delete(key)
    return judgement === 'held' ? 'none' : judgement
  }

  // -- before it is read, whatever its name ---------------------------------------------------------------------------

  /** Whether a file of which nothing was handed on has to be judged before that: what it begins with is not new. */
  isSuspect(file: LogFile): boolean {
    const { fingerprint, volume, limit } = file
    if (volume.remote || fingerprint.length < FINGERPRINT_BYTES || this.#knownAt.has(file)) return false
    // at a stop nothing is waited for: what is not shipped now may never be
    if (this.#cutLike(file).length > 0 || (limit === Infinity && this.#liveLike(file).length > 0)) return true
    this.know(file)
    return false
  }

  /** Whether a file was suspect at its last turn, and waits. */
  isWaiting(file: LogFile): boolean {
    return this.#waiting.has(file) && file.limit === Infinity
  }

  /**
   * How many bytes at the beginning of an open file, of which nothing was handed on, were read in another one that it is
   * the copy of: 0 if it is none. Its size is up to date afterwards.
   */
  async compare(file: LogFile): Promise<number | 'held'> {
    const facts = await file.volume.factsOf(file.descriptor)
    file.note(facts)
    const held = this.#waiting.get(file)
    const read = (await this.#readOfCut(file, facts)) || agreedBeforeCut(held, facts)
    if (read > 0) return this.#settle(file, read)
    const agreement = await this.#sameSoFar(file, facts)
    const since = held?.facts.size === facts.size ? held.since : this.#clock()
    // what is written to all the time must not wait for ever
    const first = held?.first ?? this.#clock()
    const patience = Math.min(HELD_MS, PLAIN_HELD_MS + facts.size / BYTES_PER_MS)
    // what has no name any more is nobody's copy to keep
    const isOver =
      file.standing === 'deleted' ||
      file.limit < Infinity ||
      this.#clock() - since >= patience ||
      this.#clock() - first >= HELD_MS
    if (agreement === null || isOver) return this.#settle(file, 0)
    this.#waiting.set(file, { facts, since, first, agreement })
    return 'held'
  }

  #settle(file: LogFile, read: number): number {
    this.#waiting.delete(file)
    if (read < file.size) this.know(file)
    return read
  }

  async #readOfCut(file: LogFile, facts: FileFacts): Promise<number> {
    const its = comparedOf(file, facts)
    for (const cut of this.#cutLike(file)) {
      if (facts.mtimeMs <= cut.cutAt && (await beginsAs(cut, its))) return cut.offset
    }
    return 0
  }

  /** A live file that agrees with this one as far as both go, and has not fewer bytes. */
  async #sameSoFar(file: LogFile, facts: FileFacts): Promise<Agreement | null> {
    const its = comparedOf(file, facts)
    for (const other of this.#liveLike(file)) {
      if (await isOutgrown(other, its.size)) continue
      // of a closed one it is not known what it has before our place
      const original = originalOf(other)
      if ((await beginsAs(original, its)) || (other.descriptor >= 0 && (await mayBecome(other, its))))
        return { original: other, end: Math.min(original.offset, its.size) }
    }
    return null
  }

  /** Those that were read so far before the file was found, which therefore may have been copied. */
  #liveLike(file: LogFile): LogFile[] {
    const alike = this.#known.get(file.fingerprint.hash)
    if (alike.size > MANY_ALIKE) return []
    return [...alike].filter(
      (other) =>
        other.standing === 'live' &&
        other.next >= FINGERPRINT_BYTES &&
        (this.#knownAt.get(other) ?? Infinity) < file.foundAt,
    )
  }

  #cutLike({ fingerprint, foundAt }: LogFile): CutFile[] {
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
}

/** How far a file, which was not written to since, agreed with one that is cut by now; 0 if it is not. */
function agreedBeforeCut(held: Held | undefined, { size, mtimeMs }: FileFacts): number {
  const isAsBefore = held?.facts.size === size && held.facts.mtimeMs === mtimeMs
  return isAsBefore && held.agreement?.original.standing === 'detached' ? held.agreement.end : 0
}

function comparedOf({ volume, descriptor }: LogFile, { size }: FileFacts): Compared {
  return { volume, descriptor, size }
}
