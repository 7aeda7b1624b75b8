/**
 * The bytes that were unread when a file was cut. They are not lost yet: a copy that has them may turn up for a while.
 *
 * | what turns up                                          | what is lost                                     |
 * |--------------------------------------------------------|--------------------------------------------------|
 * | a copy that is read on                                 | bytes that surely were beyond the copy's end     |
 * | a copy that is passed over                             | these, and the copy's bytes that were not read   |
 * | no copy, in half a minute or before the files are gone | all bytes that were seen                         |
 *
 * A copy is read on if its name does not say that it is one (unnamed-copies.ts), or if nothing of the original was read
 * (named-copies.ts). Reading on in the others is left to a later issue.
 *
 * Until a copy turns up, the state keeps the generation's entry with the size that was seen: the next start takes the copy
 * for the generation itself and reads on in it, or counts the rest as gone. Nothing is counted twice, however many copies
 * there are: each cut knows up to which offset it is accounted for.
 */
import type { Events } from '../../observe/events.ts'
import type { Directory } from '../discovery/directory.ts'
import type { LogFile } from '../files/log-file.ts'
import type { CutFile, Originals } from './originals.ts'

/** A copy of a generation that was cut. */
export interface Copy {
  readonly original: LogFile
  readonly size: number
  /** Its bytes beyond those that were read of the original are read; else all of it is passed over. */
  readonly isReadOn: boolean
}

export interface UnreadRestsOptions {
  readonly originals: Pick<Originals, 'cutOf' | 'cuts' | 'takeOld'>
  readonly events: Pick<Events, 'lost'>
  /** The generation's rest is accounted for, so that its entry need not be kept for that any more. */
  readonly accountedFor: (file: LogFile) => void
}

export class UnreadRests {
  readonly #options: UnreadRestsOptions

  constructor(options: UnreadRestsOptions) {
    this.#options = options
  }

  /** Whether a generation was cut, and it is not known yet what becomes of its rest. */
  awaitsCopy(file: LogFile): boolean {
    return this.#options.originals.cutOf(file)?.awaitsCopy === true
  }

  /** Take a copy into account that has turned up. */
  copied({ original, size, isReadOn }: Copy): void {
    const cut = this.#options.originals.cutOf(original)
    if (cut === undefined) return
    if (isReadOn) cut.accountedTo = Math.max(cut.accountedTo, size)
    this.#account(cut, Math.max(cut.end.sure, size))
  }

  /** Give up the rests of generations whose copies do not turn up any more. */
  giveUpOld(): void {
    for (const cut of this.#options.originals.takeOld()) this.#giveUp(cut)
  }

  /** Directories where copies may still turn up. */
  directories(): ReadonlySet<Directory> {
    const waiting = [...this.#options.originals.cuts()].filter(({ awaitsCopy }) => awaitsCopy)
    return new Set(waiting.map(({ directory }) => directory))
  }

  /** Give up all rests: the files will be gone, and nobody will look for copies. */
  giveUpAll(): void {
    for (const cut of this.#options.originals.cuts()) this.#giveUp(cut)
  }

  /** Give up the rest of one generation. */
  giveUp(file: LogFile): void {
    const cut = this.#options.originals.cutOf(file)
    if (cut !== undefined) this.#giveUp(cut)
  }

  #giveUp(cut: CutFile): void {
    if (cut.awaitsCopy) this.#account(cut, cut.end.seen)
  }

  /** Count the bytes below `end` that are not accounted for as lost. */
  #account(cut: CutFile, end: number): void {
    const { events, accountedFor } = this.#options
    const { file, awaitsCopy } = cut
    const lost = end - cut.accountedTo
    cut.accountedTo = Math.max(cut.accountedTo, end)
    cut.awaitsCopy = false
    if (lost > 0) events.lost(file, 'truncated', lost)
    if (!awaitsCopy) return
    // bytes that are counted as lost now must not be counted again at the next start
    file.seenSize.set(file.next)
    accountedFor(file)
  }
}
