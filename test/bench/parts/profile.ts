/**
 * What the main thread does while a file is shipped as fast as it goes, by V8's sampling profiler, in shares of its busy
 * time. Only shares are given, since everything costs more under a profiler.
 */
import { cpSync, linkSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { compileKernel } from '../../../scripts/build-kernel.ts'
import { LOGAGENT_FLAGS, type Wanted, logagentCommand } from '../contestants/contestant.ts'
import type { Course } from '../results.ts'
import { follow } from '../stage/arrivals.ts'
import type { Stage } from '../stage/stage.ts'

export interface ProfileRun {
  readonly round: number
  readonly subject: string
  readonly samples: number
  /** The share of each activity, of 1. */
  readonly shares: Readonly<Record<Doing, number>>
}

export const DOINGS = [
  'write to the socket',
  'read files',
  'kernel: find lines',
  'kernel: make records',
  'kernel: text as JSON',
  'kernel: CRC-32C',
  'garbage collector',
  'the rest of the engine',
  'JavaScript',
] as const
export type Doing = (typeof DOINGS)[number]

/** Activities of the kernel by the file of src/kernel/simd; the functions of all other files make records. */
const KERNEL: Readonly<Record<string, Doing>> = {
  lines: 'kernel: find lines',
  escape: 'kernel: text as JSON',
  utf8: 'kernel: text as JSON',
  crc32c: 'kernel: CRC-32C',
}
const NATIVE: Readonly<Record<string, Doing>> = {
  writev: 'write to the socket',
  writeBuffer: 'write to the socket',
  read: 'read files',
  '(garbage collector)': 'garbage collector',
}

const GB = 1e9
/** The part of the time at the beginning that is left out: code is loaded and compiled then. */
const LEFT_OUT = 1 / 3

/** A profile as --cpu-prof writes it. Times are in microseconds. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export async function profile(stage: Stage, { round, quick, report }: Course): Promise<ProfileRun[]> {
  const input = stage.input(quick ? GB / 5 : 2 * GB)
  const bundle = withNames(stage)
  const runs: ProfileRun[] = []
  for (const what of Object.keys(LOGAGENT_FLAGS) as Wanted[]) {
    const job = await stage.openJob()
    linkSync(input.path, join(job.logs, 'app.log'))
    const directory = join(job.directory, 'profile')
    mkdirSync(directory)
    const { program, args } = logagentCommand({ bundle }, job, LOGAGENT_FLAGS[what])
    const at = args.indexOf(bundle)
    const profiled = args.toSpliced(at, 0, '--cpu-prof', '--cpu-prof-dir', directory)
    const agent = stage.launch({ program, args: profiled })
    await follow({ topics: stage.kafka, topic: job.topic, agent, records: input.lines })
    await agent.stop()
    const [name = ''] = readdirSync(directory)
    const found: CpuProfile = JSON.parse(readFileSync(join(directory, name), 'utf8'))
    const run = { round, subject: `logagent ${what}`, ...sharesOf(found) }
    runs.push(run)
    const busiest = DOINGS.toSorted((a, b) => run.shares[b] - run.shares[a]).slice(0, 3)
    report(`${run.subject}: ${busiest.map((doing) => `${doing} ${Math.round(100 * run.shares[doing])} %`).join(', ')}`)
    await stage.closeJob(job)
  }
  return runs
}

/** Makes a copy of the bundle with a kernel whose functions keep their names; returns its path. */
function withNames({ directory, bundle }: Stage): string {
  const copy = join(directory, 'profiled')
  cpSync(dirname(bundle), copy, { recursive: true })
  compileKernel(join(copy, 'kernel.wasm'), true)
  return join(copy, basename(bundle))
}

function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): Pick<ProfileRun, 'samples' | 'shares'> {
  const doing = new Map(nodes.map(({ id, callFrame }) => [id, doingOf(callFrame)]))
  const sums = Object.fromEntries(DOINGS.map((name) => [name, 0])) as Record<Doing, number>
  const whole = timeDeltas.reduce((sum, delta) => sum + delta, 0)
  let time = 0
  let busy = 0
  let count = 0
  for (const [i, id] of samples.entries()) {
    const delta = timeDeltas[i] ?? 0
    time += delta
    const what = doing.get(id)
    if (what === undefined || what === null || time < whole * LEFT_OUT) continue
    sums[what] += delta
    busy += delta
    count++
  }
  const shares = Object.fromEntries(DOINGS.map((name) => [name, sums[name] / busy])) as Record<Doing, number>
  return { samples: count, shares }
}

/** The activity of a frame; null: the thread waits. */
function doingOf({ functionName, url }: { functionName: string; url: string }): Doing | null {
  if (functionName === '(idle)') return null
  const [, file] = /\/simd\/(\w+)\//.exec(functionName) ?? []
  if (file !== undefined) return KERNEL[file] ?? 'kernel: make records'
  if (url !== '') return 'JavaScript'
  return NATIVE[functionName] ?? 'the rest of the engine'
}
