/**
 * The durable state: where every file generation stands. Entries are put in memory as often as receipts come, and
 * written together, at the latest an interval later. Offsets are moved by watermark.ts; whether a file found again is
 * the one an entry speaks of is for identity to judge.
 *
 *   put ─> entries (memory) ─> dirty ids ─append─> journal ─sync─> durable
 *                    └────────── when the journal has outgrown it ──> snapshot
 *
 * Nothing waits for the disk but those who ask to, and nothing wakes up while nothing changes.
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

export type { StoredGeneration } from './stored-generation.ts'

/** Calls `run` once after `ms`, unless the function it answers is called before. */
export type After = (ms: number, run: () => void) => () => void

export interface CheckpointOptions {
  readonly directory: string
  /** Written into the header, for people; entries another agent wrote are as true as ours. */
  readonly agentId: string
  readonly events: Pick<Events, 'checkpointWritten' | 'checkpointFailed' | 'stateTorn' | 'stateSetAside'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly disk?: StateDisk
  readonly after?: After
  readonly versions?: StateVersions
  /** A journal shorter than this never calls for a snapshot. */
  readonly journalMinBytes?: number
}

/** Where the state is small: a snapshot every few seconds under load at most, and a start that reads in an instant. */
const JOURNAL_MIN_BYTES = 256 * 1024

/**
 * Loads the state, or starts one. When it resolves, `since` is durable: a first start that dies later must not be taken
 * for a first start again, or `start: end` would skip what was written in between.
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
    // Where there was a state, a full disk is no reason not to ship: it is told, and tried again.
    if (fresh || isDenied(error)) throw error
    events.checkpointFailed(messageOf(error))
  }
}

export class Checkpoint {
  /** No state was there: the first start. */
  readonly fresh: boolean
  /** A part of the state is lost: a file not in `entries` may have been known, so it is read from its beginning. */
  readonly damaged: boolean
  /** Milliseconds since the epoch of the first start with this state; 0 when that is lost. */
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

  /** By id, as they are now, durable or not: a copy. */
  get entries(): ReadonlyMap<string, StoredGeneration> {
    return new Map(Array.from(this.#entries, ([id, entry]) => [id, storedOf(entry)]))
  }

  /**
   * The generation's entry has changed: it is asked for when the next flush begins. For what changes with every receipt,
   * thousands of times a second.
   */
  touch(source: EntrySource): void {
    this.#touched.set(source.id, source)
    this.#arm()
  }

  /** A source is asked for its entry when it is written. */
  put(entry: Entry): void {
    this.#touched.delete(entry.id)
    this.#entries.set(entry.id, entry)
    this.#writer.touch(entry.id)
    this.#arm()
  }

  /** The generation is no more. */
  remove(id: string): void {
    this.#touched.delete(id)
    if (!this.#entries.delete(id)) return
    this.#writer.touch(id)
    this.#arm()
  }

  /** What is known of pods, by uid, durable or not: a copy. */
  get pods(): ReadonlyMap<string, PodFacts> {
    return this.#notes.pods()
  }

  /** Replaces what is known of a pod. */
  putPod(uid: string, facts: PodFacts): void {
    this.#writer.touchNote(this.#notes.putPod(uid, facts))
    this.#arm()
  }

  /** The pod is no more. */
  removePod(uid: string): void {
    const removed = this.#notes.removePod(uid)
    if (removed === undefined) return
    this.#writer.touchNote(removed)
    this.#arm()
  }

  /**
   * Resolves when what was put before the call is in the journal, where a kill -9 of this process cannot lose it any
   * more (true), or could not be written (false; told, and tried again). A new file ships nothing before this.
   */
  async written(): Promise<boolean> {
    return this.#closed === undefined && (await this.#writer.written())
  }

  /** As {@link written}, but on the disk, where a loss of power cannot lose it either. */
  async flush(): Promise<boolean> {
    if (this.#closed !== undefined) return false
    this.#collect()
    return this.#writer.flush()
  }

  /** From now on what changes is flushed within `intervalMs`. */
  start(intervalMs: number): void {
    this.#intervalMs = intervalMs
    if (this.#writer.behind) this.#arm()
  }

  /** The last flush, and whether it succeeded; afterwards nothing is written any more. */
  close(): Promise<boolean> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /**
   * After a fault: nothing is written any more, also not what has changed, since the last checkpoint is the right one.
   * Resolves when the disk has nothing of ours left to do, which takes as long as the disk takes.
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

  /** A tick under way arms the next one itself, so that a disk slower than the interval gets no queue of ticks. */
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
