/**
 * The durable state: the position of every file generation. Receipts change entries in memory only; changed entries are
 * written to disk together, at most one interval later. This file does not move offsets (watermark.ts does), and does not
 * decide whether a file that is found again belongs to an entry (identity.ts does).
 *
 *   put ─> entries (memory) ─> dirty ids ─append─> journal ─sync─> durable
 *                    └─────── when the journal is several times its size ──> snapshot
 *
 * Only callers of `written`, `flush` and `close` wait for the disk. No timer runs while nothing changes.
 */
import type { Events } from '../../observe/events.ts'
import { AgentError, messageOf } from '../../errors.ts'
import { nodeDisk, oneSyncAtATime } from './disk.ts'
import type { StateDisk } from './disk.ts'
import { gateBefore } from './gate.ts'
import { STATE_VERSIONS, headerAfter } from './header.ts'
import type { StateVersions } from './header.ts'
import { isDenied, loadState } from './load.ts'
import type { LoadedState } from './load.ts'
import type { Notes, PodFacts } from './notes.ts'
import { StateWriter } from './writer.ts'
import { type Entry, type EntrySource, type StoredGeneration, storedOf } from './stored-generation.ts'

/** Calls `run` once after `ms`. The function that it returns cancels the call. */
export type After = (ms: number, run: () => void) => () => void

export interface CheckpointOptions {
  readonly directory: string
  /** Written into the header for people to read. Entries that another agent wrote are used all the same. */
  readonly agentId: string
  readonly events: Pick<Events, 'checkpointWritten' | 'checkpointFailed' | 'stateTorn' | 'stateSetAside'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly disk?: StateDisk
  readonly after?: After
  readonly versions?: StateVersions
  /** A journal shorter than this is never replaced by a snapshot. */
  readonly journalMinBytes?: number
}

/** For a small state: under load at most one snapshot every few seconds, and little to read at a start. */
const JOURNAL_MIN_BYTES = 256 * 1024

/**
 * Loads the state, or begins a new one. When it resolves, `since` is durable: if the agent dies after its first start,
 * the next start must not count as a first start again, or `start: end` would skip what was written in between.
 *
 * @throws AgentError state-unusable
 */
export async function openCheckpoint(options: CheckpointOptions): Promise<Checkpoint> {
  const { directory, agentId, events, now, after = afterTimeout, versions = STATE_VERSIONS } = options
  const { journalMinBytes = JOURNAL_MIN_BYTES } = options
  const gate = gateBefore(options.disk ?? nodeDisk)
  const disk = oneSyncAtATime(gate.disk)
  try {
    await disk.createDirectory(directory)
    const loaded = await loadState({ disk, directory, now, events, versions })
    const since = loaded.header?.since ?? (loaded.fresh ? now() : 0)
    const header = headerAfter(loaded.header, { agentId, since, versions })
    const shutDisk = (): Promise<void> => gate.shut()
    const writer = new StateWriter({ disk, shutDisk, directory, header, now, events, loaded, journalMinBytes })
    if (loaded.journal === undefined) await firstSnapshot(writer, loaded, events)
    return new Checkpoint({ ...loaded, since }, writer, after)
  } catch (error) {
    if (error instanceof AgentError) throw new AgentError(error.code, `the state in ${directory} ${error.message}`)
    const message = `the state directory ${directory} cannot be used: ${messageOf(error)}`
    throw new AgentError('state-unusable', message, { cause: error })
  }
}

async function firstSnapshot(
  writer: StateWriter,
  { fresh }: LoadedState,
  events: Pick<Events, 'checkpointFailed'>,
): Promise<void> {
  try {
    await writer.snapshot()
  } catch (error) {
    // With an existing state a full disk does not stop the agent: the failure is reported, and the write tried again.
    if (fresh || isDenied(error)) throw error
    events.checkpointFailed(messageOf(error))
  }
}

export class Checkpoint {
  /** True at the first start: no state was found. */
  readonly fresh: boolean
  /** True when a part of the state is lost: a file without an entry may have had one, and is read from its beginning. */
  readonly damaged: boolean
  /** Time of the first start with this state, in milliseconds since the epoch; 0 when that is lost. */
  readonly since: number

  readonly #entries: Map<string, Entry>
  readonly #notes: Notes
  readonly #writer: StateWriter
  readonly #after: After
  readonly #touched = new Map<string, EntrySource>()
  #intervalMs = 0
  #cancelTimer: (() => void) | undefined
  #ticking = false
  #closed: Promise<boolean> | undefined

  /** Use {@link openCheckpoint}. */
  constructor(loaded: LoadedState & { readonly since: number }, writer: StateWriter, after: After) {
    this.fresh = loaded.fresh
    this.damaged = loaded.damaged
    this.since = loaded.since
    this.#entries = loaded.entries
    this.#notes = loaded.notes
    this.#writer = writer
    this.#after = after
  }

  /** A copy of all entries by id, as they are now, whether durable or not. */
  get entries(): ReadonlyMap<string, StoredGeneration> {
    return new Map(Array.from(this.#entries, ([id, entry]) => [id, storedOf(entry)]))
  }

  /**
   * Marks a generation's entry as changed; `source` is asked for the entry at the next flush. Cheaper than {@link put},
   * for changes that come with every receipt, thousands of times a second.
   */
  touch(source: EntrySource): void {
    this.#touched.set(source.id, source)
    this.#arm()
  }

  /** Replaces the entry of the same id. An {@link EntrySource} is asked for its entry when it is written. */
  put(entry: Entry): void {
    this.#touched.delete(entry.id)
    this.#entries.set(entry.id, entry)
    this.#writer.touch(entry.id)
    this.#arm()
  }

  /** Removes the entry of a generation that has ended. */
  remove(id: string): void {
    this.#touched.delete(id)
    if (!this.#entries.delete(id)) return
    this.#writer.touch(id)
    this.#arm()
  }

  /** A copy of the facts of all pods by uid, whether durable or not. */
  get pods(): ReadonlyMap<string, PodFacts> {
    return this.#notes.pods()
  }

  /** Replaces the facts of a pod. */
  putPod(uid: string, facts: PodFacts): void {
    this.#writer.touchNote(this.#notes.putPod(uid, facts))
    this.#arm()
  }

  /** Removes the facts of a pod that has ended. */
  removePod(uid: string): void {
    const removed = this.#notes.removePod(uid)
    if (removed === undefined) return
    this.#writer.touchNote(removed)
    this.#arm()
  }

  /**
   * Resolves with true when everything put before the call is in the journal, so that a kill -9 of this process cannot
   * lose it; with false when it could not be written, which is reported and tried again. Nothing of a new file is shipped
   * before this has resolved.
   */
  async written(): Promise<boolean> {
    return this.#closed === undefined && (await this.#writer.written())
  }

  /** As {@link written}, but synced to the disk, so that a loss of power cannot lose it either. */
  async flush(): Promise<boolean> {
    if (this.#closed !== undefined) return false
    this.#collect()
    return this.#writer.flush()
  }

  /** From now on changes are flushed within `intervalMs`. */
  start(intervalMs: number): void {
    this.#intervalMs = intervalMs
    if (this.#writer.behind) this.#arm()
  }

  /** Flushes a last time, and resolves with whether that succeeded. Nothing is written afterwards. */
  close(): Promise<boolean> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /**
   * Stops all writing after a fault. Changes that are not written are dropped: the last checkpoint is the one to keep.
   * Resolves when the disk has finished every call under way, however long that takes.
   */
  async abandon(): Promise<void> {
    this.#closed ??= Promise.resolve(false)
    this.#cancelTimer?.()
    await this.#writer.abandon()
  }

  #collect(): void {
    for (const [id, source] of this.#touched) {
      this.#entries.set(id, source)
      this.#writer.touch(id)
    }
    this.#touched.clear()
  }

  /** Sets the timer. A tick under way sets it itself at its end: ticks must not queue up on a slow disk. */
  #arm(): void {
    if (this.#intervalMs === 0 || this.#cancelTimer !== undefined || this.#ticking || this.#closed !== undefined) return
    this.#cancelTimer = this.#after(this.#intervalMs, () => void this.#tick())
  }

  async #tick(): Promise<void> {
    this.#cancelTimer = undefined
    this.#ticking = true
    this.#collect()
    await this.#writer.flush()
    this.#ticking = false
    if (this.#writer.behind || this.#touched.size > 0) this.#arm()
  }

  async #close(): Promise<boolean> {
    this.#cancelTimer?.()
    this.#collect()
    const saved = await this.#writer.flush()
    await this.#writer.close()
    return saved
  }
}

function afterTimeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}
