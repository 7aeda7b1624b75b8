/**
 * The cost of shipping a file as fast as it goes: CPU per GB of source by the slope between N and 2N bytes inside one run,
 * so that neither the start nor the end counts; the start by itself; lines a second; peak memory. Agents that are
 * compared run in one group in alternation (ABBA), and ratios are taken only within a round.
 */
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { usageOf } from '../../support/process.ts'
import { until } from '../../support/wait.ts'
import { logagent, naive, type Contestant } from '../contestants/contestant.ts'
import { rsyslog } from '../contestants/rsyslog.ts'
import type { Course } from '../results.ts'
import { follow, momentOf, recordsIn } from '../stage/arrivals.ts'
import type { InputFile } from '../stage/input-file.ts'
import { watchOtherLoad, type OtherLoad } from '../stage/other-load.ts'
import { checkSample } from '../stage/sample.ts'
import type { Stage } from '../stage/stage.ts'
import { abba } from '../statistics.ts'

export type GroupName = 'raw' | 'json' | 'naive'

export interface ThroughputRun extends OtherLoad {
  readonly round: number
  readonly group: GroupName
  readonly subject: string
  /** N of the slope. */
  readonly markBytes: number
  readonly cpuSecondsPerGb: number
  readonly linesPerSecond: number
  /** CPU and time from the start of the process to its first record in Kafka; null for the floor, which has no Kafka. */
  readonly start: { readonly cpuMs: number; readonly ms: number } | null
  readonly peakRssMb: number
  /** Records in the topic after the agent was stopped; exactly the lines of the file are expected. */
  readonly records: number | null
  readonly lines: number
  /** The value of the first record. */
  readonly sample: string | null
}

type Subject = Contestant | 'floor'

const GROUPS: Readonly<Record<GroupName, readonly Subject[]>> = {
  raw: [logagent('raw'), logagent('raw, headers'), 'floor', rsyslog('raw')],
  json: [logagent('json'), rsyslog('json')],
  naive: [logagent('raw'), naive()],
}

const GB = 1e9
const FULL_N = GB
const QUICK_N = 100e6
const MB = 2 ** 20
/** The file is longer than 2N by this factor: its end, where an agent waits for its last responses, is in no figure. */
export const BEYOND = 1.02

/** What is the same for all runs of a round. */
export interface Setting {
  readonly stage: Stage
  readonly input: InputFile
  readonly markBytes: number
}

type Figures = Omit<ThroughputRun, 'round' | 'group' | 'subject' | 'markBytes' | 'lines'>

export async function throughput(stage: Stage, { round, quick, report }: Course): Promise<ThroughputRun[]> {
  const runs: ThroughputRun[] = []
  const markBytes = quick ? QUICK_N : FULL_N
  const input = stage.input(Math.round(2 * markBytes * BEYOND))
  const setting = { stage, input, markBytes }
  for (const group of ['raw', 'json', 'naive'] as const) {
    for (const subject of abba(GROUPS[group])) {
      const figures = subject === 'floor' ? await runFloor(setting) : await shipFile(setting, subject)
      const name = subject === 'floor' ? subject : subject.name
      runs.push({ round, group, subject: name, markBytes, lines: input.lines, ...figures })
      report(`${name}: ${figures.cpuSecondsPerGb.toFixed(2)} CPU-s/GB, ${Math.round(figures.linesPerSecond)} lines/s, peak ${figures.peakRssMb.toFixed(0)} MB`) // prettier-ignore
    }
  }
  return runs
}

/** Measures one agent that ships a file as fast as it goes. */
export async function shipFile({ stage, input, markBytes }: Setting, contestant: Contestant): Promise<Figures> {
  const job = await stage.openJob()
  linkSync(input.path, join(job.logs, 'app.log'))
  const otherLoad = watchOtherLoad()
  const startedAt = performance.now()
  const agent = contestant.start(stage, job)
  const looks = await follow({ topics: stage.kafka, topic: job.topic, agent, records: input.lines })
  const load = otherLoad()
  const { peakRssBytes } = usageOf(agent.pid)
  await agent.stop()
  const records = await recordsIn(stage.kafka, job.topic)
  const sample = await checkSample(job)
  await stage.closeJob(job)

  const perByte = input.lines / input.bytes
  const [first, second] = [markBytes, 2 * markBytes].map((bytes) => momentOf(looks, Math.round(bytes * perByte)))
  if (first === undefined || second === undefined) throw new Error('two marks, two moments')
  const started = looks.find((look) => look.records > 0)
  return {
    cpuSecondsPerGb: (second.cpuMs - first.cpuMs) / 1000 / (markBytes / GB),
    linesPerSecond: (markBytes * perByte) / ((second.atMs - first.atMs) / 1000),
    start: started === undefined ? null : { cpuMs: started.cpuMs, ms: Math.round(started.atMs - startedAt) },
    peakRssMb: peakRssBytes / MB,
    records,
    sample,
    ...load,
  }
}

async function runFloor({ stage, input, markBytes }: Setting): Promise<Figures> {
  const program = (name: string): string => join(import.meta.dirname, '..', name)
  const sink = stage.launch({ program: process.execPath, args: [program('sink.ts')] })
  const port = (): string => sink.output().trim()
  await until(() => port() !== '', { what: () => `the port of the sink: ${sink.lastWords()}` })
  const otherLoad = watchOtherLoad()
  const marks = [markBytes, 2 * markBytes].map(String)
  const floor = stage.launch({ program: process.execPath, args: [program('floor.ts'), input.path, port(), ...marks] })
  await floor.ended(300_000)
  const load = otherLoad()
  await sink.stop()
  const [first, second] = floor
    .output()
    .trim()
    .split('\n')
    .map((line): FloorMark => JSON.parse(line))
  if (first === undefined || second === undefined) throw new Error(`the floor did not come far: ${floor.lastWords()}`)
  const bytes = second.bytes - first.bytes
  return {
    cpuSecondsPerGb: (second.cpuMs - first.cpuMs) / 1000 / (bytes / GB),
    linesPerSecond: (bytes * (input.lines / input.bytes)) / ((second.atMs - first.atMs) / 1000),
    start: null,
    peakRssMb: second.peakRssBytes / MB,
    records: null,
    sample: null,
    ...load,
  }
}

/** A line that floor.ts prints. */
interface FloorMark {
  readonly bytes: number
  readonly atMs: number
  readonly cpuMs: number
  readonly peakRssBytes: number
}
