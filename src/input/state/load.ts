/**
 * Loading the state at a start: the newest snapshot that is whole, then its journal. Only two things stop the agent: a
 * directory that it may not use, and a state that only another version can read. Damaged files are cut or set aside, and
 * the damage is reported.
 */
import * as path from 'node:path'
import type { Events } from '../../observe/events.ts'
import { AgentError, isShortOfDescriptors, messageOf, systemCodeOf } from '../../errors.ts'
import { Journal } from './journal.ts'
import type { StateDisk } from './disk.ts'
import { readSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { parseStateName, readLines, stateName, takeGone, takeLine } from './format.ts'
import type { StateContent, StateFileKind, StateName } from './format.ts'
import { canGoOn } from './header.ts'
import type { Header, StateVersions } from './header.ts'
import { Notes } from './notes.ts'

export interface LoadOptions {
  readonly disk: StateDisk
  readonly directory: string
  readonly now: () => number
  readonly events: Pick<Events, 'stateTorn' | 'stateSetAside'>
  readonly versions: StateVersions
}

export interface LoadedState extends StateContent {
  /** The header of the snapshot that was read; undefined when none could be. */
  readonly header: Header | undefined
  /** True when there was neither a state nor a trace of one. */
  readonly fresh: boolean
  /** True when a part of the state is lost. */
  readonly damaged: boolean
  /** The highest number of any file in the directory, 0 when there is none. */
  readonly highest: number
  /** Length of the snapshot in bytes. */
  readonly bytes: number
  /** The journal to continue; undefined when a new snapshot has to be written first. */
  readonly journal: Journal | undefined
}

/**
 * Loads what is in the directory. Rejects with the file system's error when the directory cannot be used at all.
 *
 * @throws AgentError state-unusable when only a program of another version can read the state: nothing in the directory
 * has been changed then
 */
export async function loadState(options: LoadOptions): Promise<LoadedState> {
  const names = (await options.disk.list(options.directory)).map(parseStateName).filter((name) => name !== undefined)
  const highest = names.reduce((most, name) => Math.max(most, name.number), 0)
  const inUse = names.filter((name) => !name.isAside)
  const numbers = inUse.filter((name) => name.kind === 'json').map((name) => name.number)
  const damage = new Map<number, string>()
  for (const number of numbers.sort((a, b) => b - a)) {
    const snapshot = await orReason(readSnapshot(blocksOf(options, number, 'json'), options.versions))
    if (typeof snapshot === 'string') {
      damage.set(number, snapshot)
      continue
    }
    await setSnapshotsAside(options, damage, inUse)
    const { journal, damaged } = await resumeJournal(options, number, snapshot)
    return { ...snapshot, fresh: false, damaged: damage.size > 0 || damaged, highest, journal }
  }
  await setSnapshotsAside(options, damage, inUse)
  let damaged = damage.size > 0
  // No snapshot: this is a first start, or somebody removed it. A start that dies before its first snapshot has its name
  // leaves an empty journal behind: nothing was shipped by then.
  for (const { kind, number } of damaged ? [] : inUse) {
    if (kind !== 'journal') continue
    const read = await orReason(readLines(blocksOf(options, number, kind), () => false))
    if (typeof read !== 'string' && read.bytes === 0) continue
    damaged = true
    await setAside(options, number, kind, typeof read === 'string' ? read : 'its snapshot is missing')
  }
  damaged ||= names.some((name) => name.isAside)
  const nothing = { entries: new Map(), notes: new Notes(), header: undefined, bytes: 0, journal: undefined }
  return { ...nothing, fresh: !damaged, damaged, highest }
}

/**
 * Sets damaged snapshots and their journals aside. Called only when no snapshot is found to be another version's: the
 * directory of such a state is left as it is.
 */
async function setSnapshotsAside(
  options: LoadOptions,
  damage: ReadonlyMap<number, string>,
  inUse: readonly StateName[],
): Promise<void> {
  for (const [number, reason] of damage) {
    await setAside(options, number, 'json', reason)
    const hasJournal = inUse.some((name) => name.kind === 'journal' && name.number === number)
    if (hasJournal) await setAside(options, number, 'journal', 'its snapshot cannot be read')
  }
}

/** Applies the journal to the snapshot's entries, and cuts it where it is torn, so that it can be continued. */
async function resumeJournal(
  options: LoadOptions,
  number: number,
  snapshot: Snapshot,
): Promise<{ journal: Journal | undefined; damaged: boolean }> {
  const file = path.join(options.directory, stateName(number, 'journal'))
  const { version } = snapshot.header
  const apply = (value: unknown): boolean =>
    takeGone(value, snapshot) || takeLine(value, snapshot, { version, versions: options.versions })
  const read = await orReason(readLines(blocksOf(options, number, 'journal'), apply))
  if (typeof read === 'string') {
    await setAside(options, number, 'journal', read)
    return { journal: undefined, damaged: true }
  }
  const { whole, bytes } = read
  if (whole < bytes) options.events.stateTorn(file, bytes - whole)
  if (!canGoOn(snapshot.header, options.versions)) return { journal: undefined, damaged: false }
  try {
    const opened = await options.disk.resume(file)
    try {
      if (whole < bytes) await opened.truncate(whole)
      // Lines that a killed agent had written but not synced have been read, and must be durable before more follow.
      await opened.sync()
      await options.disk.syncDirectory(options.directory)
      return { journal: new Journal(opened, whole), damaged: false }
    } catch (error) {
      await opened.close()
      throw error
    }
  } catch (error) {
    if (isDenied(error)) throw error
    return { journal: undefined, damaged: false } // everything is in memory: a new snapshot replaces the journal
  }
}

/** A state file's bytes, block by block; no blocks if the file does not exist. */
async function* blocksOf(
  { disk, directory }: LoadOptions,
  number: number,
  kind: StateFileKind,
): AsyncGenerator<Buffer> {
  try {
    yield* disk.read(path.join(directory, stateName(number, kind)))
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

/** Resolves with the result of `reading`, or with the reason why the file is bad. Other errors are thrown on. */
async function orReason<T>(reading: Promise<T>): Promise<T | string> {
  try {
    return await reading
  } catch (error) {
    if (isDenied(error) || isShortOfDescriptors(error) || error instanceof AgentError) throw error
    return messageOf(error)
  }
}

/** Renames an unreadable file, which is kept for a person to look at. Rejects when the directory is unusable. */
async function setAside(options: LoadOptions, number: number, kind: StateFileKind, reason: string): Promise<void> {
  const file = path.join(options.directory, stateName(number, kind))
  const movedTo = `${file}.unreadable-${options.now()}`
  await options.disk.rename(file, movedTo)
  options.events.stateSetAside(file, movedTo, reason)
}

/** Whether the error means that the agent lacks permission: neither waiting nor another file helps. */
export function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(error))
}
