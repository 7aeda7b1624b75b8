/**
 * The snapshot: everything the state holds, in a file that is there whole or not at all. Which one counts at start is
 * state-load.ts, when one is written is state-writer.ts.
 */
import * as path from 'node:path'
import { blocksOf, Journal, writeAll } from './journal.ts'
import type { StateDisk } from './disk.ts'
import {
  footerLine,
  headerLine,
  noteLine,
  parseStateName,
  readLines,
  stateLine,
  stateName,
  takeLine,
} from './format.ts'
import type { StateContent } from './format.ts'
import { readHeader } from './header.ts'
import type { Header, StateVersions } from './header.ts'
import { Notes } from './notes.ts'
import { isObject, storedOf, toJson } from './stored-generation.ts'

export interface SnapshotPlan {
  readonly disk: StateDisk
  readonly directory: string
  /** Higher than that of any file there has been in the directory. */
  readonly number: number
  readonly header: Header
  /** Read bit by bit while it is written. What changes meanwhile must be in the journal that follows, or be dirty. */
  readonly content: StateContent
}

/** A snapshot that is on the disk under a name no reader looks at. */
export interface Draft {
  readonly entries: number
  readonly bytes: number
}

/** A snapshot read back. */
export interface Snapshot extends StateContent {
  readonly header: Header
  /** Length of the file. */
  readonly bytes: number
}

/** Writes and syncs the snapshot under its temporary name. When it throws it has left nothing that matters. */
export async function draftSnapshot(plan: SnapshotPlan): Promise<Draft> {
  const name = path.join(plan.directory, stateName(plan.number, 'tmp'))
  const file = await plan.disk.create(name)
  try {
    const lines = new SnapshotLines(plan)
    let bytes = 0
    for (const block of blocksOf(lines)) {
      await writeAll(file, block.bytes, bytes)
      bytes += block.bytes.length
    }
    await file.sync()
    await file.close()
    return { entries: lines.entries, bytes }
  } catch (error) {
    // On a full disk the half of a snapshot takes the room the journal needs. Failing to close or remove it adds
    // nothing to the error that is told: the next snapshot removes it again.
    await file.close().catch(() => {})
    await plan.disk.remove(name).catch(() => {})
    throw error
  }
}

/**
 * Gives a draft its name and starts its journal. When it throws nobody knows which snapshot a restart will find, the
 * new one or the one before: the caller must append to neither journal and write another snapshot.
 */
export async function publishSnapshot({ disk, directory, number }: SnapshotPlan): Promise<Journal> {
  const journal = await disk.create(path.join(directory, stateName(number, 'journal')))
  try {
    await disk.rename(path.join(directory, stateName(number, 'tmp')), path.join(directory, stateName(number, 'json')))
    await disk.syncDirectory(directory)
  } catch (error) {
    await journal.close().catch(() => {}) // the rename's error is the one to tell
    throw error
  }
  return new Journal(journal, 0)
}

/**
 * Removes what snapshot `number`, now safe, has made superfluous; what was set aside stays. A file that can't be
 * removed does no harm and is tried again after the next snapshot.
 */
export async function removeOlder(disk: StateDisk, directory: string, number: number): Promise<void> {
  for (const name of await disk.list(directory)) {
    const found = parseStateName(name)
    if (found === undefined || found.isAside || found.number >= number) continue
    await disk.remove(path.join(directory, name)).catch(() => {})
  }
}

/**
 * The snapshot in a file, or why there is none: it is whole, or it counts for nothing.
 *
 * @throws AgentError state-unusable when a program of another version has to read it
 */
export async function readSnapshot(blocks: AsyncIterable<Buffer>, versions: StateVersions): Promise<Snapshot | string> {
  const content: StateContent = { entries: new Map(), notes: new Notes() }
  const found: { header?: Header | string; end?: unknown } = {}
  let count = 0
  const { whole, bytes } = await readLines(blocks, (value) => {
    if (found.header === undefined) {
      found.header = readHeader(value, versions)
      return typeof found.header !== 'string'
    }
    if (found.end !== undefined || typeof found.header === 'string' || !isObject(value)) return false
    if ('end' in value) {
      found.end = value['end']
      return true
    }
    const isTaken = takeLine(value, content, { version: found.header.version, versions })
    if (isTaken) count++
    return isTaken
  })
  if (typeof found.header === 'string') return found.header
  if (found.header === undefined || whole < bytes) return `its line at byte ${whole} is torn or altered`
  if (found.end === undefined) return 'its end is missing'
  if (found.end !== count) return 'its lines are not as many as its end says'
  return { ...content, header: found.header, bytes }
}

/** Header, entries, notes, footer; counts them as they go by, since the maps behind them may change between blocks. */
class SnapshotLines implements Iterable<string> {
  entries = 0
  readonly #plan: SnapshotPlan

  constructor(plan: SnapshotPlan) {
    this.#plan = plan
  }

  *[Symbol.iterator](): Generator<string> {
    yield headerLine(this.#plan.header)
    const { entries, notes } = this.#plan.content
    for (const entry of entries.values()) {
      yield stateLine(toJson(storedOf(entry)))
      this.entries++
    }
    let count = this.entries
    for (const note of notes.values()) {
      yield noteLine(note)
      count++
    }
    yield footerLine(count)
  }
}
