/**
 * The snapshot: the whole state in one file, which a start finds complete or not at all. load.ts decides which snapshot
 * counts at a start, writer.ts when one is written.
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
  /** Higher than the number of any file that has ever been in the directory. */
  readonly number: number
  readonly header: Header
  /** Read piece by piece while the file is written. Changes made meanwhile must go into the journal that follows. */
  readonly content: StateContent
}

/** A snapshot that is on the disk under its temporary name, which no start reads. */
export interface Draft {
  readonly entries: number
  readonly bytes: number
}

/** A snapshot that was read. */
export interface Snapshot extends StateContent {
  readonly header: Header
  /** Length of the file in bytes. */
  readonly bytes: number
}

/** Writes and syncs the snapshot under its temporary name. When it rejects, the state on disk is as it was before. */
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
    // On a full disk a half-written snapshot takes the room that the journal needs. If it cannot be closed or removed,
    // the first error is the one to report: the next snapshot removes the file.
    await file.close().catch(() => {})
    await plan.disk.remove(name).catch(() => {})
    throw error
  }
}

/**
 * Gives a draft its final name and starts its journal. When it rejects, it is unknown which snapshot a restart will find,
 * the new one or the one before: the caller must append to neither journal, and write another snapshot.
 */
export async function publishSnapshot({ disk, directory, number }: SnapshotPlan): Promise<Journal> {
  const journal = await disk.create(path.join(directory, stateName(number, 'journal')))
  try {
    await disk.rename(path.join(directory, stateName(number, 'tmp')), path.join(directory, stateName(number, 'json')))
    await disk.syncDirectory(directory)
  } catch (error) {
    await journal.close().catch(() => {}) // the first error is the one to report
    throw error
  }
  return new Journal(journal, 0)
}

/**
 * Removes the files that snapshot `number`, now durable, has made superfluous, but none that was set aside. A file that
 * cannot be removed does no harm; its removal is tried again after the next snapshot.
 */
export async function removeOlder(disk: StateDisk, directory: string, number: number): Promise<void> {
  for (const name of await disk.list(directory)) {
    const found = parseStateName(name)
    if (found === undefined || found.isAside || found.number >= number) continue
    await disk.remove(path.join(directory, name)).catch(() => {})
  }
}

/**
 * The snapshot in a file, or a text that says why it is not whole: a damaged snapshot is not used in part.
 *
 * @throws AgentError state-unusable when only a program of another version can read it
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
  if (found.end !== count) return 'it does not have as many lines as its end says'
  return { ...content, header: found.header, bytes }
}

/**
 * The lines of a snapshot: header, entries, notes, footer. They are counted as they are written, since the maps may change
 * between blocks.
 */
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
