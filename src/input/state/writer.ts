/**
 * Writes changed entries to the disk: to the journal, or to a snapshot that replaces a journal that has grown too long. It
 * handles the disk's errors. It reads the entries and never changes them; checkpoint.ts decides when to write.
 *
 * At most one append and one sync run at a time, each beside the other: a new file's identity gets into the journal
 * (`written`) while a slow disk still syncs earlier lines. Writing a snapshot counts as an append.
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
import { oneAtATime } from './one-at-a-time.ts'

export interface StateWriterOptions {
  readonly disk: StateDisk
  /** Makes {@link disk} refuse all further changes; resolves when the calls under way have ended. */
  readonly shutDisk: () => Promise<void>
  readonly directory: string
  readonly header: Header
  readonly now: () => number
  readonly events: Pick<Events, 'checkpointWritten' | 'checkpointFailed'>
  /** The state that was loaded. Its entries and notes are those that the checkpoint goes on changing. */
  readonly loaded: LoadedState
  /** A journal shorter than this is never replaced by a snapshot. */
  readonly journalMinBytes: number
}

/** Ids of entries and notes that were put or removed, and are not written yet. */
interface Dirty {
  readonly entries: Set<string>
  readonly notes: Set<string>
}

/** A snapshot is written when the journal is this many times as long: it holds entries repeatedly, and a start reads all. */
const JOURNAL_PER_SNAPSHOT = 4

export class StateWriter {
  readonly #options: StateWriterOptions
  #dirty: Dirty = { entries: new Set(), notes: new Set() }
  readonly #whole = new WholeLines()
  #abandoned = false
  /** Undefined when there is no journal to continue: the first append writes a snapshot then. */
  #journal: Journal | undefined
  /** Number of the last snapshot that was attempted; no number is used twice. */
  #number: number
  /** Length of the journal in bytes beyond which a snapshot is written. */
  #journalLimit: number

  /**
   * Resolves with true when all entries touched before the call are written; with false when they could not be, which is
   * reported, and they stay dirty.
   */
  readonly written: () => Promise<boolean> = oneAtATime(() => this.#append())
  readonly #synced: () => Promise<boolean> = oneAtATime(() => this.#sync())

  constructor(options: StateWriterOptions) {
    this.#options = options
    this.#journal = options.loaded.journal
    this.#number = options.loaded.highest
    this.#journalLimit = this.#limitAfter(options.loaded.bytes)
  }

  /** Whether a change is not durable yet. */
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

  /** Marks the entry with this id was put or removed. */
  touch(id: string): void {
    this.#dirty.entries.add(id)
  }

  /** Marks the note with this id as put or removed. */
  touchNote(id: string): void {
    this.#dirty.notes.add(id)
  }

  /** As {@link written}, but resolves only when the changes are durable. */
  async flush(): Promise<boolean> {
    const written = await this.written()
    const synced = await this.#synced()
    return written && synced
  }

  async close(): Promise<void> {
    await this.#journal?.close().catch(() => {}) // its lines are synced, or were reported as not saved
  }

  /** Stops writing, also in the middle of a snapshot. Resolves when the disk has finished every call under way. */
  async abandon(): Promise<void> {
    this.#abandoned = true
    await this.#options.shutDisk()
    await this.flush()
    await this.close()
  }

  /** Writes everything to a new snapshot and continues in its journal. Must not run beside an append. */
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
      // A usable journal is continued, if need be for hours on a full disk; it grows a little before the next attempt.
      this.#journalLimit += this.#options.journalMinBytes
      throw error
    }
    // The new snapshot is durable: a failure to clean up behind it does no harm.
    await replaced?.close().catch(() => {})
    await removeOlder(disk, directory, number).catch(() => {})
  }

  async #publish(plan: SnapshotPlan, draft: Draft): Promise<void> {
    try {
      this.#journal = await publishSnapshot(plan)
      this.#whole.forget()
      this.#journalLimit = this.#limitAfter(draft.bytes)
    } catch (error) {
      // A restart may find the new snapshot, and would then read the new journal: lines added to this one would be lost.
      this.#journal?.giveUp()
      throw error
    }
  }

  async #append(): Promise<boolean> {
    if (this.#abandoned) return false
    const outgrown = this.#journal !== undefined && this.#journal.length > this.#journalLimit
    if (outgrown || !this.#journal?.usable) {
      if (await this.#succeeds(() => this.snapshot())) return true
      if (!this.#journal?.usable) return false
    }
    const journal = this.#journal
    const taken = this.#takeDirty()
    const appended = await this.#succeeds(() => journal.append(this.#linesOf(taken)))
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

  /** Whether `work` succeeds; its failure is reported. */
  async #succeeds(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.#report(error)
      return false
    }
  }

  /** Reports a failed write, except after {@link abandon}, when failures are expected. */
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

  /**
   * The lines for dirty entries and notes. If an entry is put again while lines are being written, its newest form is
   * written, and once more by the next append.
   */
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
