/** Writes docs/benchmarks.md and its plots from the results. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Results } from '../results.ts'
import type { OtherLoad } from '../stage/other-load.ts'
import { spreadOf } from '../statistics.ts'
import { plots } from './plots.ts'
import {
  earlierTable,
  idleTable,
  latencyTable,
  liveTable,
  memoryTable,
  profileTable,
  samples,
  throughputTables,
} from './sections.ts'
import { EARLIER, HOW, LATENCY, LIVE, IDLE, MEMORY, PROFILE, THROUGHPUT, TOP, VERDICT } from './texts.ts'
import { verdict } from './verdict.ts'
import { number, table } from './wording.ts'

/** A person's notes on the figures, shown under the verdict: what keeps a figure from being reached. */
const NOTES = 'benchmarks/notes.md'

export function writePage(directory: string, results: Results): void {
  const drawn = plots(results)
  mkdirSync(join(directory, 'benchmarks'), { recursive: true })
  for (const [name, content] of drawn) writeFileSync(join(directory, 'benchmarks', name), content)
  const notes = join(directory, NOTES)
  const said = existsSync(notes) ? readFileSync(notes, 'utf8').trim() : ''
  const plot = (name: string, text: string): string => (drawn.has(name) ? `![${text}](benchmarks/${name})` : '')
  const blocks = [
    TOP,
    quickWarning(results),
    '## Verdict',
    verdict(results),
    VERDICT,
    said,
    '## Shipping a file as fast as it goes',
    THROUGHPUT,
    plot('cpu.svg', 'CPU-seconds per GB of each agent'),
    throughputTables(results),
    plot('peak.svg', 'Peak memory of each agent'),
    samples(results) && 'The first record of each, but for path and host:',
    samples(results),
    profileTable(results) && PROFILE,
    profileTable(results),
    '## Files that are being written',
    LIVE,
    plot('live.svg', 'CPU in % of a core at 1 and 10 MB/s'),
    liveTable(results),
    '## Latency',
    LATENCY,
    plot('latency.svg', 'How many lines have arrived after how many ms'),
    latencyTable(results),
    '## Memory',
    MEMORY,
    plot('outage.svg', 'Memory over time while Kafka is down'),
    memoryTable(results),
    '## Idle',
    IDLE,
    idleTable(results),
    earlierTable(results) && '## Beside an earlier version',
    earlierTable(results) && EARLIER,
    earlierTable(results),
    '## How it was measured',
    HOW,
    partsTable(results),
    machines(results),
  ]
  writeFileSync(join(directory, 'benchmarks.md'), `${blocks.filter((block) => block !== '').join('\n\n')}\n`)
}

function quickWarning(results: Results): string {
  return Object.values(results).some(({ quick }) => quick) ? '**Cut short with --quick: the figures mean little.**' : ''
}

/** When each part was measured, and how much CPU other programs had. */
function partsTable(results: Results): string {
  const rows = Object.entries(results).map(([name, { at, minutes, rounds, machine, runs }]) => {
    const loads: readonly OtherLoad[] = runs.filter((run) => 'otherCores' in run)
    const others = spreadOf(loads.map((load) => load.otherCores))
    const stolen = spreadOf(loads.map((load) => load.stolenCores))
    const load = others === null ? '–' : `${number(others.median)}, ${number(others.most)}`
    const theft = stolen === null ? '–' : `${number(stolen.median)}, ${number(stolen.most)}`
    return [name, `${at} UTC`, `${rounds}`, `${minutes} min`, machine.commit, load, theft]
  })
  const head = [
    'part',
    'measured',
    'rounds',
    'took',
    'commit',
    'cores others had: median, most',
    'cores stolen: median, most',
  ]
  return table(head, rows)
}

/** The machines on which parts were measured, usually one. */
function machines(results: Results): string {
  const described = Object.values(results).map(({ machine }) => {
    const { cpu, cores, memoryGb, system, kernel, versions } = machine
    const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
    return `${cores} cores (${cpu}), ${memoryGb} GB, ${system}, Linux ${kernel}; ${named.join(', ')}.`
  })
  return [...new Set(described)].join('\n\n')
}
