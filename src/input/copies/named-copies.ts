/**
 * Copies that copytruncate leaves beside the file that it cuts, with its name and something more. Such a file begins with
 * the bytes of the known one and agrees with it up to where we are in it, or up to its own end. While the known file has
 * not been cut yet, nobody can say which of them goes on: the new one is held back when it is found, whatever its size,
 * for half a minute, unless it has more bytes than the known one, which is not cut. Once that is cut, the new one is its
 * copy: passed over if anything of it was read, else read as a file of its own. What the known file had unread when it was
 * cut is only in the copy; that it is passed over with the rest is counted by unread-rests.ts.
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

/** An open file that is not known. */
interface NewFile extends OpenFile {
  readonly directory: Directory
  readonly name: string
}

export class NamedCopies {
  readonly #originals: Originals
  readonly #clock: () => number
  /** Held back, by device and inode, and where. */
  readonly #held = new Map<string, Held & { readonly directory: Directory }>()

  /** `clock`: monotonic ms. */
  constructor(originals: Originals, clock: () => number) {
    this.#originals = originals
    this.#clock = clock
  }

  /** Files held back in a directory that are not there any more: another one may get the inode. */
  forgetOthers(directory: Directory, sightings: readonly Sighting[]): void {
    if (this.#held.size === 0) return
    const there = new Set(sightings.map(({ facts }) => facts.key))
    for (const [key, held] of this.#held) if (held.directory === directory && !there.has(key)) this.#held.delete(key)
  }

  async judge(what: NewFile): Promise<CopyJudgement> {
    const { directory, name, facts } = what
    const open = { ...what, volume: directory.volume, size: facts.size }
    const agreed = agreedBeforeCut(this.#held.get(facts.key), facts)
    if (agreed?.end === facts.size)
      return this.#decide(what, { original: agreed.original, size: facts.size, isReadOn: false })
    const lives = liveNames(name)
    for (const cut of this.#originals.cutIn(directory, lives)) {
      if (!(await beginsAs(cut, open))) continue
      // it may have been asked for its facts while it was written; since the cut it is whole
      const { size } = await directory.volume.factsOf(what.descriptor)
      return this.#decide(what, { original: cut.file, size, isReadOn: cut.offset === 0 })
    }
    for (const live of lives) {
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
