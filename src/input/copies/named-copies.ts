/**
 * Copies that copytruncate leaves beside the file that it cuts, under its name with something added. Such a file begins with
 * the bytes of the known one and agrees with it up to the offset that the known one is read to, or up to its own end. While
 * the known file is not cut yet, nobody can say which of the two goes on. So the new file is held back when it is found,
 * whatever its size, for half a minute, unless it has more bytes than the known one, which is not cut. Once the known file is
 * cut, the new one is its copy: it is passed over if anything of the known one was read, else it is read as a file of its
 * own. Bytes that were unread at the cut are only in the copy; unread-rests.ts counts them where the copy is passed over.
 */
import { type Agreement, type Held, agreedBeforeCut } from './agreement.ts'
import { beginsAs, isOutgrown, mayBecome, originalOf } from './comparison.ts'
import type { Directory, Sighting } from '../discovery/directory.ts'
import { liveNames } from '../discovery/glob.ts'
import { FINGERPRINT_BYTES } from '../files/identity.ts'
import { HELD_MS, type Originals } from './originals.ts'
import type { Copy } from './unread-rests.ts'
import type { OpenFile } from '../volume/open.ts'

export type CopyJudgement = 'none' | 'held' | Copy

/** An open file that is no known generation. */
interface NewFile extends OpenFile {
  readonly directory: Directory
  readonly name: string
}

export class NamedCopies {
  readonly #originals: Originals
  readonly #clock: () => number
  /** Files that are held back, by device and inode. */
  readonly #held = new Map<string, Held & { readonly directory: Directory }>()

  /** `clock`: monotonic ms. */
  constructor(originals: Originals, clock: () => number) {
    this.#originals = originals
    this.#clock = clock
  }

  /** Forget held files that are not in the directory any more: another file may get the inode. */
  forgetOthers(directory: Directory, sightings: readonly Sighting[]): void {
    if (this.#held.size === 0) return
    const there = new Set(sightings.map(({ facts }) => facts.key))
    for (const [key, held] of this.#held) if (held.directory === directory && !there.has(key)) this.#held.delete(key)
  }

  /** Whether a file is a copy by its name and content. 'held': that cannot be said yet. */
  async judge(what: NewFile): Promise<CopyJudgement> {
    const { directory, name, facts } = what
    const open = { ...what, volume: directory.volume, size: facts.size }
    const agreed = agreedBeforeCut(this.#held.get(facts.key), facts)
    if (agreed?.end === facts.size)
      return this.#decide(what, { original: agreed.original, size: facts.size, isReadOn: false })
    const lives = liveNames(name)
    for (const cut of this.#originals.cutIn(directory, lives)) {
      if (!(await beginsAs(cut, open))) continue
      // its facts may be from when it was still being written; since the cut it is whole
      const { size } = await directory.volume.factsOf(what.descriptor)
      return this.#decide(what, { original: cut.file, size, isReadOn: cut.offset === 0 })
    }
    for (const live of lives) {
      const file = directory.files.get(live)
      if (file?.standing !== 'live') continue
      const outgrown = await isOutgrown(file, facts.size)
      // the size that a mount reports may be old
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

  /** End the wait of a file that is held too long. A file that grows has more time, unless it has `outgrown` the other. */
  #decide(
    { directory, facts }: NewFile,
    judgement: CopyJudgement,
    { agreement, outgrown }: { agreement: Agreement | null; outgrown: boolean } = { agreement: null, outgrown: false },
  ): CopyJudgement {
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
}
