/**
 * What generations had unread when their file was cut. It is not lost yet: a copy that has it may turn up for a while.
 *
 * | what turns up                                          | what is lost                                     |
 * |--------------------------------------------------------|--------------------------------------------------|
 * | a copy that is read on                                 | what surely was there beyond the copy's end      |
 * | a copy that is passed over                             | that, and what the copy has beyond what was read |
 * | no copy, in half a minute or before the files are gone | all that was seen                                |
 *
 * A copy is read on if its name does not tell that it is one (unnamed-copies.ts), or nothing of the original was read
 * (named-copies.ts); reading on in the others is a later issue.
 *
 * As long as nothing has turned up, the state has the generation's entry with the size that was seen: the next start
 * knows the copy as the generation itself and reads on in it, or counts the rest as gone. Nothing is counted twice,
 * however many copies there are: each cut knows up to where it is accounted for.
 */
import type { Events } from '../../observe/events.ts'
import type { Directory } from '../discovery/directory.ts'
import type { LogFile } from '../files/log-file.ts'
import type { CutFile, Originals } from './originals.ts'

/** A copy of a generation that was cut. */
export interface Copy {
  readonly original: LogFile
  readonly size: number
  /** What it has beyond what was read of the original is read in it; else it is passed over. */
  readonly isReadOn: boolean
}

export interface UnreadRestsOptions {
  readonly originals: Pick<Originals, 'cutOf' | 'cuts' | 'takeOld'>
  readonly events: Pick<Events, 'lost'>
  /** Nothing of the generation has to be kept for its rest any more. */
  readonly accountedFor: (file: LogFile) => void
}

export class UnreadRests {
  readonly #options: UnreadRestsOptions

  constructor(options: UnreadRestsOptions) {
    this.#options = options
  }

  /** Whether a generation was cut, and what becomes of its rest is not known yet. */
  awaitsCopy(file: LogFile): boolean {
    return this.#options.originals.cutOf(file)?.awaitsCopy === true
  }

  /** A copy turned up. */
  copied({ original, size, isReadOn }: Copy): void {
    const cut = this.#options.originals.cutOf(original)
    if (cut === undefined) return
    if (isReadOn) cut.accountedTo = Math.max(cut.accountedTo, size)
    this.#account(cut, Math.max(cut.end.sure, size))
  }

  /** Generations that were cut so long ago that no copy turns up any more. */
  giveUpOld(): void {
    for (const cut of this.#options.originals.takeOld()) this.#giveUp(cut)
  }

  /** Where copies may turn up. */
  directories(): ReadonlySet<Directory> {
    const open = [...this.#options.originals.cuts()].filter(({ awaitsCopy }) => awaitsCopy)
    return new Set(open.map(({ directory }) => directory))
  }

  /** The files are gone soon: nobody will look for copies of those that were cut. */
  giveUpAll(): void {
    for (const cut of this.#options.originals.cuts()) this.#giveUp(cut)
  }

  /** Nobody will look for a copy of this one. */
  giveUp(file: LogFile): void {
    const cut = this.#options.originals.cutOf(file)
    if (cut !== undefined) this.#giveUp(cut)
  }

  #giveUp(cut: CutFile): void {
    if (cut.awaitsCopy) this.#account(cut, cut.end.seen)
  }

  /** What is not accounted for below `end` is lost. */
  #account(cut: CutFile, end: number): void {
    const { events, accountedFor } = this.#options
    const { file, awaitsCopy } = cut
    const lost = end - cut.accountedTo
    cut.accountedTo = Math.max(cut.accountedTo, end)
    cut.awaitsCopy = false
    if (lost > 0) events.lost(file, 'truncated', lost)
    if (!awaitsCopy) return
    // what was counted as lost now must not be counted again at the next start
    file.seenSize.set(file.next)
    accountedFor(file)
  }
}
