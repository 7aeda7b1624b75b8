/**
 * Sets a whole state aside, for a person who has decided to give the positions up. The new names show the next start that
 * there was a state: that start is not a first start, and reads every file from its beginning.
 */
import * as path from 'node:path'
import { systemCodeOf } from '../../errors.ts'
import type { StateDisk } from './disk.ts'
import { parseStateName, stateName } from './format.ts'
import type { StateName } from './format.ts'

/** A state file that was set aside: its path before and after. */
export interface RenamedFile {
  readonly from: string
  readonly to: string
}

/** Whether the directory has a state that is in use. False also when the directory does not exist. */
export async function hasState(disk: StateDisk, directory: string): Promise<boolean> {
  return (await inUse(disk, directory)).length > 0
}

/** Renames all files in use; the caller holds the directory's lock. `now`: milliseconds since the epoch, for the names. */
export async function setStateAside(disk: StateDisk, directory: string, now: number): Promise<RenamedFile[]> {
  const renamed: RenamedFile[] = []
  for (const { number, kind } of await inUse(disk, directory)) {
    const from = path.join(directory, stateName(number, kind))
    const to = `${from}.set-aside-${now}`
    await disk.rename(from, to)
    renamed.push({ from, to })
  }
  if (renamed.length > 0) await disk.syncDirectory(directory)
  return renamed
}

/**
 * The files in use: snapshots, the newest last, and then the journals. If the renaming stops halfway, a start therefore
 * finds either the newest snapshot with its journal, or no snapshot at all. Unfinished snapshots are left where they are,
 * since no start reads them.
 */
async function inUse(disk: StateDisk, directory: string): Promise<StateName[]> {
  const rank = ({ kind }: StateName): number => (kind === 'json' ? 0 : 1)
  return (await namesIn(disk, directory))
    .map(parseStateName)
    .filter((name) => name !== undefined)
    .filter(({ kind, isAside }) => kind !== 'tmp' && !isAside)
    .sort((a, b) => rank(a) - rank(b) || a.number - b.number)
}

async function namesIn(disk: StateDisk, directory: string): Promise<readonly string[]> {
  try {
    return await disk.list(directory)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return []
    throw error
  }
}
