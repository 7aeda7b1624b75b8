/**
 * The benchmarks: `npm run bench [-- part…] [--rounds n] [--quick] [--out directory]`. Parts: throughput, profile, live, latency,
 * memory, outage, idle, earlier (this build beside that of another commit, `--earlier`, in all or some `--figures`); all
 * of them if none is named. `render` only writes the page again. They run against one real Kafka with its data in memory.
 * The results are merged into benchmarks/results.json after each part, and docs/benchmarks.md is rendered from that. With
 * --quick everything is cut short to see whether it works, and written elsewhere (tmp/bench).
 */
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writePage } from './page/page.ts'
import { earlier } from './parts/earlier.ts'
import { idle } from './parts/idle.ts'
import { latency } from './parts/latency.ts'
import { live } from './parts/live.ts'
import { memory } from './parts/memory.ts'
import { outage } from './parts/outage.ts'
import { profile } from './parts/profile.ts'
import { throughput } from './parts/throughput.ts'
import { loadResults, saveResults, type Course, type PartName } from './results.ts'
import { describeMachine } from './stage/machine.ts'
import { Stage } from './stage/stage.ts'

type Part = (stage: Stage, course: Course) => Promise<readonly object[]>
const PARTS: Readonly<Record<PartName, Part>> = { throughput, profile, live, latency, memory, outage, idle, earlier }
const NAMES = ['throughput', 'profile', 'live', 'latency', 'memory', 'outage', 'idle', 'earlier'] satisfies PartName[]
const ROOT = join(import.meta.dirname, '../..')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    out: { type: 'string' },
    earlier: { type: 'string', default: 'f36ce2e' },
    figures: { type: 'string', default: '' },
  },
})
const { quick } = values
const beside = { commit: values.earlier, figures: values.figures.split(',').filter(Boolean) }
const rounds = Number(values.rounds ?? (quick ? 1 : 5))
if (!(rounds >= 1)) throw new Error(`--rounds ${values.rounds}: how often each part is run, 1 or more`)
const out = resolve(values.out ?? join(ROOT, quick ? 'tmp/bench' : 'docs'))
const file = join(out, 'benchmarks/results.json')
const unknown = positionals.filter((word) => word !== 'render' && !NAMES.some((name) => name === word))
if (unknown.length > 0) throw new Error(`no such part: ${unknown.join(', ')} (${NAMES.join(', ')}, render)`)

if (!positionals.includes('render')) await measure(NAMES.filter((name) => chosen(name)))
writePage(out, loadResults(file))

function chosen(name: PartName): boolean {
  return positionals.length === 0 || positionals.includes(name)
}

async function measure(names: readonly PartName[]): Promise<void> {
  const stage = await Stage.open(quick ? 3e9 : 10e9)
  try {
    for (const name of names) await measureOne(stage, name)
  } finally {
    await stage.close()
  }
}

/** Runs a part, and saves its results after each round, so that an interrupted run keeps what it has. */
async function measureOne(stage: Stage, name: PartName): Promise<void> {
  const machine = await describeMachine()
  const begin = performance.now()
  const minutes = (): number => (performance.now() - begin) / 60_000
  const runs: object[] = []
  for (let round = 1; round <= rounds; round++) {
    const report = (line: string): void =>
      void process.stdout.write(`${name} ${round} (${minutes().toFixed(1)} min) ${line}\n`)
    runs.push(...(await PARTS[name](stage, { round, quick, earlier: beside, report })))
    const at = new Date().toISOString().slice(0, 16).replace('T', ' ')
    const measured = { at, minutes: Math.round(minutes()), rounds: round, quick, machine, runs }
    saveResults(file, { ...loadResults(file), [name]: measured })
  }
  stage.dropInputs()
}
