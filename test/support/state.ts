/** The vocabulary of the state's tests: entries, a checkpoint on some disk with its reports, a timer fired by hand. */
import { openCheckpoint } from '../../src/input/state/checkpoint.ts'
import type { Checkpoint, CheckpointOptions } from '../../src/input/state/checkpoint.ts'
import { stateLine } from '../../src/input/state/format.ts'
import { type StoredGeneration, toJson } from '../../src/input/state/stored-generation.ts'
import type { FakeDisk } from './fake-disk.ts'

/** An entry like those of a Kubernetes node. */
export function entry(id: string, change: Partial<StoredGeneration> = {}): StoredGeneration {
  const path = `/var/log/pods/shop_web-7d9c5b6f7-abcde_0f5c3f52-7c1b-4c53-9f0d-5b8e4b0e5a01/nginx/${id}.log`
  return {
    id,
    inputId: 'containers',
    path,
    place: path,
    device: '66305',
    inode: '1835021',
    fingerprint: { length: 1024, hash: '9f86d081884c7d65' },
    position: { offset: 0, open: [], skipped: 0 },
    guard: 0x6b46b68ffc68f,
    size: 2_000_000,
    mtimeMs: 1_763_769_600_123.25,
    bornMs: 0,
    partition: 3,
    finished: false,
    ...change,
  }
}

/** The entry with this id at another offset. */
export function at(id: string, offset: number): StoredGeneration {
  return entry(id, { position: { offset, open: [], skipped: 0 } })
}

/** An event, and what it was called with. */
export type Report = [name: string, ...facts: unknown[]]

/** Opens a checkpoint, and records its events. */
export async function openState(
  options: Partial<CheckpointOptions>,
): Promise<{ state: Checkpoint; reports: Report[] }> {
  const reports: Report[] = []
  const record =
    (name: string) =>
    (...facts: unknown[]): void =>
      void reports.push([name, ...facts])
  const events = {
    checkpointWritten: record('checkpointWritten'),
    checkpointFailed: record('checkpointFailed'),
    stateTorn: record('stateTorn'),
    stateSetAside: record('stateSetAside'),
  }
  const state = await openCheckpoint({ directory: '/state', agentId: 'node-1', now: () => 1000, events, ...options })
  return { state, reports }
}

/** A header as a newer program writes it, which programs from version `readableFrom` on can read. */
export function headerOf(version: number, readableFrom: number): Record<string, unknown> {
  return { logagent: 'state', version, readableFrom, agent: 'node-1', since: 55, zone: 'b' }
}

/** An entry as a newer program writes it: with members that this program does not know. */
export function newerEntry(
  id: string,
  offset: number,
  members: object = { lease: { holder: 'x' }, parts: [1, 2] },
): object {
  return { ...JSON.parse(toJson(at(id, offset))), ...members }
}

/** A state file with these lines, as a newer or older program may have written it. */
export function stateFile(...lines: readonly object[]): Buffer {
  return Buffer.from(lines.map((line) => stateLine(JSON.stringify(line))).join(''))
}

/** The lines of a state file, parsed. */
export function stateLines(file: Buffer): Record<string, unknown>[] {
  const lines = file.toString().split('\n').slice(0, -1)
  return lines.map((line): Record<string, unknown> => JSON.parse(line.slice(9)))
}

/** The offsets in a state, by id. */
export function offsets(state: Checkpoint): Record<string, number> {
  return Object.fromEntries([...state.entries].map(([id, { position }]) => [id, position.offset]))
}

/** A timer that fires when the test calls {@link fire}. */
export class HandTimer {
  #run: (() => void) | undefined
  /** How often it was set. */
  armed = 0

  readonly after = (_ms: number, run: () => void): (() => void) => {
    this.armed++
    this.#run = run
    return () => (this.#run = undefined)
  }

  get isArmed(): boolean {
    return this.#run !== undefined
  }

  fire(): void {
    const run = this.#run
    this.#run = undefined
    run?.()
  }
}

/** The same state, written as the next snapshot with an empty journal. */
export async function compact(disk: FakeDisk): Promise<FakeDisk> {
  const compacted = disk.afterKill()
  const { state } = await openState({ disk: compacted })
  for (const one of state.entries.values()) state.put(one)
  compacted.failingSyncs = 1
  const [flushed, closed] = [await state.flush(), await state.close()]
  if (flushed || !closed) throw new Error('no snapshot was written')
  return compacted
}
