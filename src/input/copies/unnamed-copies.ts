/**
 * Copies that copytruncate leaves under a name that does not tell their original ("app-20261122.log", "old/app.log"). By
 * content alone they look like any two logs that begin with the same banner, and applications must not wait for each other.
 * So such a file is taken in at once, and cannot vanish unread, but it is judged before its first chunk is handed on. It is
 * compared with the few local files that have the same first 1,024 bytes and were read beyond these before it was found. It
 * waits for seconds, and longer only if it is large: a large copy takes longer to be made, and is less likely to agree by
 * chance. It can be the copy of a file that is cut already only if it was written before the cut. Bytes that were unread in
 * the original are read in the copy.
 */
import { type Agreement, type Held, agreedBeforeCut } from './agreement.ts'
import { type Compared, beginsAs, isOutgrown, mayBecome, originalOf } from './comparison.ts'
import type { Guard } from '../../guard.ts'
import { guardAt } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'
import { HELD_MS, type Originals, isComparable } from './originals.ts'
import type { UnreadRests } from './unread-rests.ts'
import type { FileFacts } from '../volume/volume.ts'

/** Time for the copy to reach the disk, and for the cut to follow; ms. */
const PLAIN_HELD_MS = 5000
/** For each of these a file has a millisecond more. */
const BYTES_PER_MS = 10_000

export interface UnnamedCopiesOptions {
  readonly originals: Originals
  readonly rests: Pick<UnreadRests, 'copied'>
  readonly departures: {
    /** The file is the copy of one that was read as far as `end`, which has this guard. */
    copied(file: LogFile, end: number, guard: Guard): void
  }
  /** Monotonic ms. */
  readonly clock: () => number
}

export class UnnamedCopies {
  readonly #options: UnnamedCopiesOptions
  readonly #waiting = new WeakMap<LogFile, Held & { readonly first: number }>()

  constructor(options: UnnamedCopiesOptions) {
    this.#options = options
  }

  /**
   * Whether a file of which nothing was handed on begins like another one, so that it has to be judged first. If it does
   * not, others are compared with it from now on.
   */
  isSuspect(file: LogFile): boolean {
    const isSuspect = this.#beginsAsOthers(file)
    if (!isSuspect) this.#options.originals.add(file)
    return isSuspect
  }

  /** Whether a file was judged, and waits for another judgement. */
  isWaiting(file: LogFile): boolean {
    return this.#waiting.has(file) && file.cursor.limit === Infinity
  }

  /**
   * Whether it is known by now what an open file is of which nothing was handed on. If it is a copy, the bytes that were
   * read in the original are passed over. Throws what the file system throws.
   */
  async judge(file: LogFile): Promise<boolean> {
    const { departures, rests } = this.#options
    const copied = await this.compare(file)
    if (copied === 'held') return false
    if (copied === 'none') return true
    const guard = await guardAt(file.volume, file.descriptor, copied.end)
    if (file.isOver) return false
    departures.copied(file, copied.end, guard)
    rests.copied({ original: copied.original, size: file.size, isReadOn: true })
    return true
  }

  /**
   * Compare an open file of which nothing was handed on with the files that begin like it: which of them it is a copy of,
   * and up to which offset it was read there. The file's size is up to date afterwards.
   */
  async compare(file: LogFile): Promise<'none' | 'held' | Agreement> {
    const { clock } = this.#options
    const facts = await file.volume.factsOf(file.descriptor)
    file.note(facts)
    const held = this.#waiting.get(file)
    const copied = (await this.#cutLike(file, facts)) ?? agreedBeforeCut(held, facts)
    if (copied !== null) return this.#decide(file, copied)
    const agreement = await this.#sameSoFar(file, facts)
    const since = held?.facts.size === facts.size ? held.since : clock()
    // a file that is written to all the time must not wait for ever
    const first = held?.first ?? clock()
    const patience = Math.min(HELD_MS, PLAIN_HELD_MS + facts.size / BYTES_PER_MS)
    // a deleted file is no copy that somebody wants to keep
    const isOver =
      file.standing === 'deleted' ||
      file.cursor.limit < Infinity ||
      clock() - since >= patience ||
      clock() - first >= HELD_MS
    if (agreement === null || isOver) return this.#decide(file, 'none')
    this.#waiting.set(file, { facts, since, first, agreement })
    return 'held'
  }

  #beginsAsOthers(file: LogFile): boolean {
    const { originals } = this.#options
    const { limit } = file.cursor
    if (!isComparable(file) || originals.has(file)) return false
    // at a stop nothing is waited for: what is not shipped now may never be
    return originals.cutLike(file).length > 0 || (limit === Infinity && originals.liveLike(file).length > 0)
  }

  #decide(file: LogFile, judgement: 'none' | Agreement): 'none' | Agreement {
    this.#waiting.delete(file)
    if (judgement === 'none' || judgement.end < file.size) this.#options.originals.add(file)
    return judgement
  }

  /** A file that was cut after this one was written, and that agrees with this one as far as it was read. */
  async #cutLike(file: LogFile, facts: FileFacts): Promise<Agreement | null> {
    const its = comparedOf(file, facts)
    for (const cut of this.#options.originals.cutLike(file)) {
      if (facts.mtimeMs <= cut.cutAt && (await beginsAs(cut, its))) return { original: cut.file, end: cut.offset }
    }
    return null
  }

  /** A live file that agrees with this one as far as both go, and does not have fewer bytes. */
  async #sameSoFar(file: LogFile, facts: FileFacts): Promise<Agreement | null> {
    const its = comparedOf(file, facts)
    for (const other of this.#options.originals.liveLike(file)) {
      if (await isOutgrown(other, its.size)) continue
      // of a closed file the bytes before this one's end cannot be read
      const original = originalOf(other)
      if ((await beginsAs(original, its)) || (other.descriptor >= 0 && (await mayBecome(other, its))))
        return { original: other, end: Math.min(original.offset, its.size) }
    }
    return null
  }
}

function comparedOf({ volume, descriptor }: LogFile, { size }: FileFacts): Compared {
  return { volume, descriptor, size }
}
