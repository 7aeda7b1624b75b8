/**
 * Brings changed entries to the disk: the journal, the snapshot that takes its place when it has grown, and what to do
 * when the disk says no. It reads the entries and never changes them; when to write is checkpoint.ts.
 *
 * Appending and syncing take turns of their own, so that a new file's identity gets into the journal (`written`) while
 * a slow disk still syncs what came before. A snapshot is a turn of appending.
 */
import type { Events } from '../../observe/events.ts'
import { messageOf } from '../../errors.ts'
import type { Journal } from './journal.ts'
import { draftSnapshot, publishSnapshot, removeOlder } from './snapshot.ts'
import type { Draft, SnapshotPlan } from './snapshot.ts'
import type { StateDisk } from './disk.ts'
import { goneLine, goneNoteLine, noteLine, stateLine } from './format.ts'
import type { Header } from './header.ts'
import type { LoadedState } from './load.ts'
import { WholeLines, movedJson } from './moved-entry.ts'
import { type Entry, storedOf, toJson } from './stored-generation.ts'
import { inTurns } from './one-at-a-time.ts'

export interface StateWriterOptions {
  readonly disk: StateDisk
  /** Makes {@link disk} refuse every change from now on; resolves when those under way have ended. */
  readonly shutDisk: () => Promise<void>
  readonly directory: string
  readonly header: Header
  readonly now: () => number
  readonly events: Pick<Events, 'checkpointWritten' | 'checkpointFailed'>
  /** What to go on from; entries and notes are the living ones. */
  readonly loaded: LoadedState
  readonly journalMinBytes: number
}

/** Ids of what was put or removed and is not written. */
interface Dirty {
  readonly entries: Set<string>
  readonly notes: Set<string>
}

/** The journal holds the same entries again and again and is read whole at start: this bounds both. */
const JOURNAL_PER_SNAPSHOT = 4

export class StateWriter {
  readonly #options: StateWriterOptions
  #dirty: Dirty = { entries: new Set(), notes: new Set() }
  readonly #whole = new WholeLines()
  #abandoned = false
  /** undefined: there is none to go on in, the first turn writes a snapshot. */
  #journal: Journal | undefined
  /** The last snapshot tried; a number is never used again. */
  #number: number
  /** Length of the journal that calls for a snapshot. */
  #journalLimit: number

  /** Resolves when what was touched before the call is written (true), or could not be (false, told, still dirty). */
  readonly written: () => Promise<boolean> = inTurns(() => this.#append())
  readonly #synced: () => Promise<boolean> = inTurns(() => this.#sync())

  constructor(options: StateWriterOptions) {
    this.#options = options
    this.#journal = options.loaded.journal
    this.#number = options.loaded.highest
    this.#journalLimit = this.#limitAfter(options.loaded.bytes)
  }

  /** Something is not durable yet. */
  get behind(): boolean {
    const { entries, notes } = this.#dirty
    return (
      entries.size > 0 ||
      notes.size > 0 ||
      this.#journal === undefined ||
      !this.#journal.usable ||
      this.#journal.unsynced
    )
  }

  /** The entry by this id was put or removed. */
  touch(id: string): void {
    this.#dirty.entries.add(id)
  }

  /** The note by this id was put or removed. */
  touchNote(id: string): void {
    this.#dirty.notes.add(id)
  }

  /** As {@link written}, for durable. */
  async flush(): Promise<boolean> {
    const written = await this.written()
    const synced = await this.#synced()
    return written && synced
  }

  async close(): Promise<void> {
    await this.#journal?.close().catch(() => {}) // what it held is synced, or was told as not saved
  }

  /** Writes nothing any more, wherever it is. Resolves when the disk has nothing of ours left to do. */
  async abandon(): Promise<void> {
    this.#abandoned = true
    await this.#options.shutDisk()
    await this.flush()
    await this.close()
  }

  /** Writes everything to a new snapshot and goes on in its journal. Only while no turn of appending runs. */
  async snapshot(): Promise<void> {
    const { disk, directory, header, now, events, loaded } = this.#options
    const began = now()
    const number = ++this.#number
    const replaced = this.#journal
    const taken = this.#takeDirty()
    try {
      const plan = { disk, directory, number, header, content: loaded }
      const draft = await draftSnapshot(plan)
      await this.#publish(plan, draft)
      events.checkpointWritten(draft.entries, draft.bytes, now() - began)
    } catch (error) {
      this.#giveBack(taken)
      // On a disk that is full for hours a usable journal goes on; the next attempt is after some more of it.
      this.#journalLimit += this.#options.journalMinBytes
      throw error
    }
    // The new snapshot is safe: nothing of this is worth failing for.
    await replaced?.close().catch(() => {})
    await removeOlder(disk, directory, number).catch(() => {})
  }

  async #publish(plan: SnapshotPlan, draft: Draft): Promise<void> {
    try {
      this.#journal = await publishSnapshot(plan)
      this.#whole.forget()
      this.#journalLimit = this.#limitAfter(draft.bytes)
    } catch (error) {
      // A restart may find the new snapshot, and then reads the new journal: what we add to this one would be lost.
      this.#journal?.giveUp()
      throw error
    }
  }

  async #append(): Promise<boolean> {
    if (this.#abandoned) return false
    const outgrown = this.#journal !== undefined && this.#journal.length > this.#journalLimit
    if (outgrown || !this.#journal?.usable) {
      if (await this.#told(() => this.snapshot())) return true
      if (!this.#journal?.usable) return false
    }
    const journal = this.#journal
    const taken = this.#takeDirty()
    const appended = await this.#told(() => journal.append(this.#linesOf(taken)))
    if (!appended) {
      this.#whole.forget()
      this.#giveBack(taken)
    }
    return appended
  }

  async #sync(): Promise<boolean> {
    const { now, events } = this.#options
    const journal = this.#journal
    if (this.#abandoned || journal === undefined || !journal.usable) return false
    if (!journal.unsynced) return true
    const began = now()
    try {
      const { entries, bytes } = await journal.sync()
      events.checkpointWritten(entries, bytes, now() - began)
      return true
    } catch (error) {
      this.#report(error)
      return false
    }
  }

  async #told(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#report(error)
      return false
    }
  }

  /** What was abandoned is not to be mended. */
  #report(error: unknown): void {
    if (!this.#abandoned) this.#options.events.checkpointFailed(messageOf(error))
  }

  #takeDirty(): Dirty {
    const taken = this.#dirty
    this.#dirty = { entries: new Set(), notes: new Set() }
    return taken
  }

  #giveBack({ entries, notes }: Dirty): void {
    for (const id of entries) this.#dirty.entries.add(id)
    for (const id of notes) this.#dirty.notes.add(id)
  }

  /** An entry put again while lines are being written is written as it is then, and once more in the next turn. */
  *#linesOf(dirty: Dirty): Generator<string> {
    const { entries, notes } = this.#options.loaded
    for (const id of dirty.entries) {
      const entry = entries.get(id)
      if (entry === undefined) this.#whole.gone(id)
      yield entry === undefined ? goneLine(id) : this.#lineOf(entry)
    }
    for (const id of dirty.notes) {
      const note = notes.get(id)
      yield note === undefined ? goneNoteLine(id) : noteLine(note)
    }
  }

  #lineOf(entry: Entry): string {
    const json = this.#whole.hasOnlyMoved(entry) ? movedJson(entry.id, entry.moved()) : toJson(storedOf(entry))
    return stateLine(json)
  }

  #limitAfter(snapshotBytes: number): number {
    return Math.max(this.#options.journalMinBytes, JOURNAL_PER_SNAPSHOT * snapshotBytes)
  }
}
