/**
 * What is found in the state directory at start: the newest snapshot that is whole, then its journal. Nothing found
 * here stops the agent but a directory it may not use; what can't be read is cut or set aside, and told.
 */
import * as path from 'node:path'
import type { Events } from '../observe/events.ts'
import { messageOf, systemCodeOf } from '../errors.ts'
import { Journal } from './journal.ts'
import type { StateDisk } from './state-disk.ts'
import { readSnapshot } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { parseStateName, readEntry, readLines, stateName } from './state-format.ts'
import type { StateFileKind, StateVersions } from './state-format.ts'
import { isObject } from './stored-generation.ts'
import type { Entry } from './stored-generation.ts'

export interface StateSource {
  readonly disk: StateDisk
  readonly directory: string
  readonly now: () => number
  readonly events: Pick<Events, 'stateTorn' | 'stateSetAside'>
  readonly versions: StateVersions
}

export interface LoadedState {
  readonly entries: Map<string, Entry>
  /** undefined: no header could be read. */
  readonly since: number | undefined
  /** There was no state, nor a trace of one. */
  readonly fresh: boolean
  /** Something that was known once is not known any more. */
  readonly damaged: boolean
  /** The highest number in the directory, 0 when there is none. */
  readonly highest: number
  /** Length of the snapshot. */
  readonly bytes: number
  /** Where to go on appending; undefined: only a new snapshot can follow. */
  readonly journal: Journal | undefined
}

/** Throws the file system's error when the directory can't be used at all. */
export async function loadState(source: StateSource): Promise<LoadedState> {
  const names = (await source.disk.list(source.directory)).map(parseStateName).filter((name) => name !== undefined)
  const highest = names.reduce((most, name) => Math.max(most, name.number), 0)
  const inUse = names.filter((name) => !name.unreadable)
  const numbers = inUse.filter((name) => name.kind === 'json').map((name) => name.number)
  let damaged = false
  for (const number of numbers.sort((a, b) => b - a)) {
    const snapshot = await orReason(readSnapshot(blocksOf(source, number, 'json'), source.versions))
    if (typeof snapshot !== 'string') {
      const resumed = await resumeJournal(source, number, snapshot)
      return { ...snapshot, fresh: false, damaged: damaged || resumed.damaged, highest, journal: resumed.journal }
    }
    damaged = true
    await setAside(source, number, 'json', snapshot)
    const itsJournal = inUse.some((name) => name.kind === 'journal' && name.number === number)
    if (itsJournal) await setAside(source, number, 'journal', 'its snapshot cannot be read')
  }
  // No snapshot: a first start, or somebody removed it. A start that died before its first snapshot had its name
  // leaves an empty journal behind, and nothing was shipped then.
  for (const { kind, number } of damaged ? [] : inUse) {
    if (kind !== 'journal') continue
    const read = await orReason(readLines(blocksOf(source, number, kind), () => false))
    if (typeof read !== 'string' && read.bytes === 0) continue
    damaged = true
    await setAside(source, number, kind, typeof read === 'string' ? read : 'its snapshot is missing')
  }
  damaged ||= names.some((name) => name.unreadable)
  return { entries: new Map(), since: undefined, fresh: !damaged, damaged, highest, bytes: 0, journal: undefined }
}

/** Applies the journal to the snapshot's entries, and cuts it where it is torn, so that it can be gone on with. */
async function resumeJournal(
  source: StateSource,
  number: number,
  snapshot: Snapshot,
): Promise<{ journal: Journal | undefined; damaged: boolean }> {
  const file = path.join(source.directory, stateName(number, 'journal'))
  const apply = (value: unknown): boolean => applyLine(value, snapshot, source.versions)
  const read = await orReason(readLines(blocksOf(source, number, 'journal'), apply))
  if (typeof read === 'string') {
    await setAside(source, number, 'journal', read)
    return { journal: undefined, damaged: true }
  }
  const { whole, bytes } = read
  if (whole < bytes) source.events.stateTorn(file, bytes - whole)
  // Lines of two versions don't mix in one file.
  if (snapshot.version !== source.versions.current) return { journal: undefined, damaged: false }
  try {
    const opened = await source.disk.resume(file)
    try {
      if (whole < bytes) await opened.truncate(whole)
      // What a killed agent had written, but not synced, has been read and will be built on.
      await opened.sync()
      await source.disk.syncDirectory(source.directory)
      return { journal: new Journal(opened, whole), damaged: false }
    } catch (error) {
      await opened.close()
      throw error
    }
  } catch (error) {
    if (isDenied(error)) throw error
    return { journal: undefined, damaged: false } // everything is in memory: a new snapshot takes its place
  }
}

function applyLine(value: unknown, { entries, version }: Snapshot, versions: StateVersions): boolean {
  if (isObject(value) && typeof value['gone'] === 'string') {
    entries.delete(value['gone'])
    return true
  }
  const entry = readEntry(value, version, versions)
  if (entry === undefined) return false
  entries.set(entry.id, entry)
  return true
}

/** A state file's bytes; none if it is not there. */
async function* blocksOf(
  { disk, directory }: StateSource,
  number: number,
  kind: StateFileKind,
): AsyncGenerator<Buffer> {
  try {
    yield* disk.read(path.join(directory, stateName(number, kind)))
  } catch (error) {
    if (systemCodeOf(error) !== 'ENOENT') throw error
  }
}

/** What was read, or why it could not be. */
async function orReason<T>(reading: Promise<T>): Promise<T | string> {
  try {
    return await reading
  } catch (error) {
    if (isDenied(error)) throw error
    return messageOf(error)
  }
}

/** Keeps for a person what can't be read. If not even that works the directory is unusable. */
async function setAside(source: StateSource, number: number, kind: StateFileKind, reason: string): Promise<void> {
  const file = path.join(source.directory, stateName(number, kind))
  const movedTo = `${file}.unreadable-${source.now()}`
  await source.disk.rename(file, movedTo)
  source.events.stateSetAside(file, movedTo, reason)
}

/** Somebody must give us rights: neither waiting nor another file helps. */
export function isDenied(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(error))
}
