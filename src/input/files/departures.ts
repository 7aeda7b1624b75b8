/**
 * How generations end. Files without a name that the globs match are drained and let go. Files that were known and are
 * nowhere to be found are given up, and their unread bytes are counted as lost.
 */
import { systemErrorOf } from '../../errors.ts'
import type { Guard } from '../../guard.ts'
import type { Events } from '../../observe/events.ts'
import type { Checkpoint } from '../state/checkpoint.ts'
import type { Descriptors } from './descriptors.ts'
import { inodeKeyOf } from './identity.ts'
import type { Inspection } from './inspection.ts'
import type { KnownFiles } from './known-files.ts'
import type { LogFile } from './log-file.ts'
import type { Missing } from './missing.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'
import type { Volume } from '../volume/volume.ts'

export interface DeparturesOptions {
  readonly checkpoint: Checkpoint
  readonly events: Pick<Events, 'fileDenied' | 'fileLetGo' | 'lost'>
  readonly missing: Missing
  readonly descriptors: Descriptors
  readonly known: Pick<KnownFiles, 'get' | 'wake' | 'forget' | 'letGo'>
  readonly inspection: Pick<Inspection, 'check'>
  readonly lastLineQuietMs: number
  /** Whether a file at this path would have been seen by now; a mount may not have answered yet. */
  readonly hasSeen: (path: string) => boolean
  /** Monotonic ms. */
  readonly clock: () => number
}

export class Departures {
  readonly #options: DeparturesOptions
  #ending = false
  /** The giving up that is under way, by the volume where the files were. */
  readonly #givingUp = new Map<Volume | null, Promise<void>>()

  constructor(options: DeparturesOptions) {
    this.#options = options
  }

  /** From now on a deleted file's last line does not wait: with our descriptor its bytes go too. */
  end(): void {
    this.#ending = true
  }

  /** Whether a file's last line counts although it has no newline: nobody writes to it any more, as far as we know. */
  isFinal(file: LogFile): boolean {
    return (this.#ending && file.standing === 'deleted') || (file.standing !== 'live' && this.#isQuiet(file))
  }

  /** Whether its writer has paused long enough to be taken to have gone on to another file. */
  #isQuiet(file: LogFile): boolean {
    return this.#options.clock() - file.activeAt >= this.#options.lastLineQuietMs
  }

  /** Check once every file that has lost its name and is not finished. Does not wait for mounts that may hang. */
  async drain(files: Iterable<LogFile>): Promise<void> {
    for (const file of files) {
      // a file that was closed for another one is checked at its place
      if (file.standing === 'live' || file.finished) continue
      const drained = this.#drainOne(file)
      if (!file.volume.remote) await drained
    }
  }

  /** Give up the files that stayed missing: one at a time on each volume, which may be a mount that hangs. */
  async giveUpMissing(): Promise<void> {
    const { missing } = this.#options
    for (const [volume, expired] of Map.groupBy(missing.expired(), (stored) => missing.volumeOf(stored))) {
      if (this.#givingUp.has(volume)) continue
      const done = this.#giveUp(expired).finally(() => this.#givingUp.delete(volume))
      this.#givingUp.set(volume, done)
    }
    await Promise.all(this.#givingUp.values())
  }

  /** The file is the copy of one that was read as far as `end`, which has this guard. */
  copied(file: LogFile, end: number, guard: Guard): void {
    const { checkpoint, descriptors } = this.#options
    file.passOver(end, guard)
    if (file.hasNews) {
      checkpoint.put(file)
      return
    }
    descriptors.close(file)
    this.#finish(file)
  }

  async #giveUp(expired: readonly StoredGeneration[]): Promise<void> {
    const { events, checkpoint, missing, known, hasSeen } = this.#options
    for (const stored of expired) {
      const isAtPlace = await missing.isAtPlace(stored)
      // it is there and no other file: no input matches it now, or it cannot be read, so its position is kept
      const isThere = isAtPlace === undefined || (isAtPlace && known.get(inodeKeyOf(stored)) === undefined)
      if (isThere || !hasSeen(stored.place)) {
        missing.postpone(stored)
        continue
      }
      if (!missing.take(stored)) continue
      const bytes = Math.max(0, stored.size - stored.position.offset)
      if (bytes > 0) events.lost(stored, 'gone', bytes)
      checkpoint.remove(stored.id)
    }
  }

  async #drainOne(file: LogFile): Promise<void> {
    const { inspection, known, events } = this.#options
    if (file.turn.checking) return
    file.turn.beginCheck()
    try {
      const found = await inspection.check(file)
      // a mount may have taken its time to answer
      if (file.isOver || file.standing === 'live' || found === 'unsure') return
      if (found === 'grown') known.wake(file)
      else if (this.#isQuiet(file)) {
        if (file.hasNews) known.wake(file)
        else if (file.unacknowledged === 0 && !file.turn.queued && !file.turn.reading) this.#letGo(file)
      }
    } catch (error) {
      events.fileDenied(file.place, systemErrorOf(error).message)
    } finally {
      file.turn.endCheck()
    }
  }

  #letGo(file: LogFile): void {
    const { checkpoint, events, descriptors, known } = this.#options
    descriptors.close(file)
    events.fileLetGo(file)
    if (file.standing === 'deleted') {
      known.forget(file)
      checkpoint.remove(file.id)
      return
    }
    this.#finish(file)
  }

  #finish(file: LogFile): void {
    const { checkpoint, known } = this.#options
    known.letGo(file)
    file.life.finish()
    checkpoint.put(file)
  }
}
