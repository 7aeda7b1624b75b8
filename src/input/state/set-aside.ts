/**
 * Sets a whole state aside, for a person who has decided to give the positions up. The names say to the next start that
 * there was a state: it is no first start, and reads every file from its beginning.
 */
import * as path from 'node:path'
import { systemCodeOf } from '../../errors.ts'
import type { StateDisk } from './disk.ts'
import { parseStateName, stateName } from './format.ts'
import type { StateName } from './format.ts'

/** A state file's path, and where it is now. */
export interface Moved {
  readonly from: string
  readonly to: string
}

/** Whether there is a state in use in the directory, which need not be there. */
export async function hasState(disk: StateDisk, directory: string): Promise<boolean> {
  return (await inUse(disk, directory)).length > 0
}

/** Only while the directory is locked. `now`: ms since the epoch. */
export async function setStateAside(disk: StateDisk, directory: string, now: number): Promise<Moved[]> {
  const moved: Moved[] = []
  for (const { number, kind } of await inUse(disk, directory)) {
    const from = path.join(directory, stateName(number, kind))
    const to = `${from}.set-aside-${now}`
    await disk.rename(from, to)
    moved.push({ from, to })
  }
  if (moved.length > 0) await disk.syncDirectory(directory)
  return moved
}

/**
 * Snapshots, the newest last, and then the journals: a start that finds only a part of them moved finds the newest
 * snapshot with its journal, or no snapshot at all. A snapshot that was not finished counts for nothing, and stays.
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
