/**
 * What is found in the state directory at start: the newest snapshot that is whole, then its journal. Nothing found
 * here stops the agent but a directory it may not use, and a state that only another version can read; what is damaged is
 * cut or set aside, and reported.
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

export interface StateSource {
  readonly disk: StateDisk
  readonly directory: string
  readonly now: () => number
  readonly events: Pick<Events, 'stateTorn' | 'stateSetAside'>
  readonly versions: StateVersions
}

export interface LoadedState extends StateContent {
  /** undefined: none could be read. */
  readonly header: Header | undefined
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

/**
 * Throws the file system's error when the directory can't be used at all.
 *
 * @throws AgentError state-unusable when a program of another version has to read it: then nothing in it has been changed
 */
export async function loadState(source: StateSource): Promise<LoadedState> {
  const names = (await source.disk.list(source.directory)).map(parseStateName).filter((name) => name !== undefined)
  const highest = names.reduce((most, name) => Math.max(most, name.number), 0)
  const inUse = names.filter((name) => !name.isAside)
  const numbers = inUse.filter((name) => name.kind === 'json').map((name) => name.number)
  const damage = new Map<number, string>()
  for (const number of numbers.sort((a, b) => b - a)) {
    const snapshot = await orReason(readSnapshot(blocksOf(source, number, 'json'), source.versions))
    if (typeof snapshot === 'string') {
      damage.set(number, snapshot)
      continue
    }
    await setSnapshotsAside(source, damage, inUse)
    const { journal, damaged } = await resumeJournal(source, number, snapshot)
    return { ...snapshot, fresh: false, damaged: damage.size > 0 || damaged, highest, journal }
  }
  await setSnapshotsAside(source, damage, inUse)
  let damaged = damage.size > 0
  // No snapshot: a first start, or somebody removed it. A start that died before its first snapshot had its name
  // leaves an empty journal behind, and nothing was shipped then.
  for (const { kind, number } of damaged ? [] : inUse) {
    if (kind !== 'journal') continue
    const read = await orReason(readLines(blocksOf(source, number, kind), () => false))
    if (typeof read !== 'string' && read.bytes === 0) continue
    damaged = true
    await setAside(source, number, kind, typeof read === 'string' ? read : 'its snapshot is missing')
  }
  damaged ||= names.some((name) => name.isAside)
  const nothing = { entries: new Map(), notes: new Notes(), header: undefined, bytes: 0, journal: undefined }
  return { ...nothing, fresh: !damaged, damaged, highest }
}

/** Only once it is known that no snapshot is another version's: that one's directory is left as it is. */
async function setSnapshotsAside(
  source: StateSource,
  damage: ReadonlyMap<number, string>,
  inUse: readonly StateName[],
): Promise<void> {
  for (const [number, reason] of damage) {
    await setAside(source, number, 'json', reason)
    const itsJournal = inUse.some((name) => name.kind === 'journal' && name.number === number)
    if (itsJournal) await setAside(source, number, 'journal', 'its snapshot cannot be read')
  }
}

/** Applies the journal to the snapshot's entries, and cuts it where it is torn, so that it can be gone on with. */
async function resumeJournal(
  source: StateSource,
  number: number,
  snapshot: Snapshot,
): Promise<{ journal: Journal | undefined; damaged: boolean }> {
  const file = path.join(source.directory, stateName(number, 'journal'))
  const { version } = snapshot.header
  const apply = (value: unknown): boolean =>
    takeGone(value, snapshot) || takeLine(value, snapshot, { version, versions: source.versions })
  const read = await orReason(readLines(blocksOf(source, number, 'journal'), apply))
  if (typeof read === 'string') {
    await setAside(source, number, 'journal', read)
    return { journal: undefined, damaged: true }
  }
  const { whole, bytes } = read
  if (whole < bytes) source.events.stateTorn(file, bytes - whole)
  if (!canGoOn(snapshot.header, source.versions)) return { journal: undefined, damaged: false }
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

/** What was read, or why it could not be. Throws where the reason is none of the file's. */
async function orReason<T>(reading: Promise<T>): Promise<T | string> {
  try {
    return await reading
  } catch (error) {
    if (isDenied(error) || isShortOfDescriptors(error) || error instanceof AgentError) throw error
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
