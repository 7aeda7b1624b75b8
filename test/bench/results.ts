/**
 * The results of the parts as kept in docs/benchmarks/results.json: every run with its raw figures, from which the page
 * is computed. Each part has its own time and machine, since parts may be run one at a time.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { EarlierRun } from './parts/earlier.ts'
import type { IdleRun } from './parts/idle.ts'
import type { LatencyRun } from './parts/latency.ts'
import type { LiveRun } from './parts/live.ts'
import type { MemoryRun } from './parts/memory.ts'
import type { OutageRun } from './parts/outage.ts'
import type { ProfileRun } from './parts/profile.ts'
import type { ThroughputRun } from './parts/throughput.ts'
import type { Machine } from './stage/machine.ts'

interface Runs {
  readonly throughput: ThroughputRun
  readonly profile: ProfileRun
  readonly live: LiveRun
  readonly latency: LatencyRun
  readonly memory: MemoryRun
  readonly outage: OutageRun
  readonly idle: IdleRun
  readonly earlier: EarlierRun
}

export type PartName = keyof Runs

export interface Measured<Run> {
  /** Day and time (UTC) of the end. */
  readonly at: string
  readonly minutes: number
  /** How many rounds were finished: those in `runs`. */
  readonly rounds: number
  /** Whether the run was cut short to see if it works: then the figures mean little. */
  readonly quick: boolean
  readonly machine: Machine
  readonly runs: readonly Run[]
}

export type Results = { readonly [Part in PartName]?: Measured<Runs[Part]> }

/** One round of a part; rounds are counted from 1. */
export interface Course {
  readonly round: number
  readonly quick: boolean
  /** The commit that is measured beside this one, and for which figures; all if none is named. */
  readonly earlier: { readonly commit: string; readonly figures: readonly string[] }
  /** Reports progress in a line. */
  readonly report: (line: string) => void
}

export function loadResults(path: string): Results {
  try {
    const results: Results = JSON.parse(readFileSync(path, 'utf8'))
    return results
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}

/** Saves results with a line for each run, so that a diff can be read. */
export function saveResults(path: string, results: Results): void {
  mkdirSync(dirname(path), { recursive: true })
  const parts = Object.entries(results).map(([name, { runs, ...facts }]) => {
    const lines = runs.map((run) => JSON.stringify(run)).join(',\n')
    return `${JSON.stringify(name)}: {\n${JSON.stringify(facts).slice(1, -1)},\n"runs": [\n${lines}\n]}`
  })
  writeFileSync(path, `{\n${parts.join(',\n')}\n}\n`)
}
