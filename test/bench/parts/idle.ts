/**
 * The cost of logagent while nothing happens: with 10 files and with 10,000, all shipped and connected, 60 s each; its
 * memory beside that of bare Node in the same run. Wake-ups are traced afterwards, since tracing costs CPU.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { usageOf } from '../../support/process.ts'
import { type Contestant, logagent } from '../contestants/contestant.ts'
import type { Course } from '../results.ts'
import { follow, recordsIn } from '../stage/arrivals.ts'
import { LineBlock } from '../stage/lines.ts'
import { watchOtherLoad, type OtherLoad } from '../stage/other-load.ts'
import type { Stage } from '../stage/stage.ts'
import { sleepsOf, watchEventLoop, type EventLoopWakeUps } from '../stage/wake-ups.ts'

export interface IdleRun extends OtherLoad {
  readonly round: number
  /** 0: bare Node, no agent at all. */
  readonly files: number
  readonly rssMb: number
  readonly peakRssMb: number
  readonly cpuPercent: number
  /** How often a second any thread went to sleep: an upper bound of wake-ups of any kind. */
  readonly sleepsPerSecond: number
  /** Null where they cannot be traced. */
  readonly eventLoop: EventLoopWakeUps | null
}

/** The most files in a directory: the files of pods are in many directories, too. */
const DIRECTORY_FILES = 100
const LINES = 10
export const FEW = 10
export const MANY = 10_000
const FULL = { settleMs: 10_000, measuredMs: 60_000, traceMs: 20_000 }
const QUICK = { settleMs: 3000, measuredMs: 6000, traceMs: 3000 }
const NODE_MS = 2000

type Length = typeof FULL
const SUBJECT = logagent('raw')

export async function idle(stage: Stage, { round, quick, report }: Course): Promise<IdleRun[]> {
  const runs: IdleRun[] = []
  const length = quick ? QUICK : FULL
  for (const files of [0, FEW, MANY]) {
    const run = { round, files, ...(files === 0 ? await bareNode(stage) : await idleAgent(stage, SUBJECT, { files, ...length })) } // prettier-ignore
    runs.push(run)
    const timers = run.eventLoop === null ? '' : `, ${run.eventLoop.timers.toFixed(1)} timers/s`
    report(`${files} files: ${run.rssMb.toFixed(1)} MB, ${run.cpuPercent.toFixed(2)} % of a core, ${run.sleepsPerSecond.toFixed(1)} sleeps/s${timers}`) // prettier-ignore
  }
  return runs
}

type Figures = Omit<IdleRun, 'round' | 'files'>

async function bareNode(stage: Stage): Promise<Figures> {
  const node = stage.launch({ program: process.execPath, args: ['-e', 'setInterval(() => {}, 1e9)'] })
  await delay(NODE_MS)
  const figures = await measure(node.pid, NODE_MS)
  await node.stop()
  return { ...figures, eventLoop: null }
}

/** Measures one agent while nothing happens to its files. */
export async function idleAgent(
  stage: Stage,
  contestant: Contestant,
  { files, settleMs, measuredMs, traceMs }: Length & { files: number },
): Promise<Figures> {
  const job = await stage.openJob()
  makeFiles(job.logs, files)
  const glob = { ...job, glob: join(job.logs, '*', '*.log') }
  const agent = contestant.start(stage, glob)
  await follow({ topics: stage.kafka, topic: job.topic, agent, records: files * LINES })
  await delay(settleMs)
  const figures = await measure(agent.pid, measuredMs)
  const eventLoop = await watchEventLoop(stage, agent.pid, traceMs)
  if (agent.isEnded()) throw new Error(`the idle agent ended: ${agent.lastWords()}`)
  await agent.stop()
  const records = await recordsIn(stage.kafka, job.topic)
  if (records !== files * LINES) throw new Error(`${records} records, not ${files * LINES}`)
  await stage.closeJob(job)
  return { ...figures, eventLoop }
}

/** Measures a process over a span of time: here and above, the delays are what is measured. */
async function measure(pid: number, ms: number): Promise<Omit<Figures, 'eventLoop'>> {
  const otherLoad = watchOtherLoad()
  const [cpuMs, sleeps, beganAt] = [usageOf(pid).cpuMs, sleepsOf(pid), performance.now()]
  await delay(ms)
  const usage = usageOf(pid)
  const seconds = (performance.now() - beganAt) / 1000
  return {
    rssMb: usage.rssBytes / 2 ** 20,
    peakRssMb: usage.peakRssBytes / 2 ** 20,
    cpuPercent: (usage.cpuMs - cpuMs) / 10 / seconds,
    sleepsPerSecond: (sleepsOf(pid) - sleeps) / seconds,
    ...otherLoad(),
  }
}

function makeFiles(directory: string, files: number): void {
  const block = new LineBlock()
  for (let file = 0; file < files; file++) {
    const own = join(directory, String(Math.floor(file / DIRECTORY_FILES)))
    mkdirSync(own, { recursive: true })
    const lines = Array.from({ length: LINES }, (_, i) => {
      block.number(i, file * LINES + i)
      return Buffer.from(block.line(i))
    })
    writeFileSync(join(own, `${file}.log`), Buffer.concat(lines))
  }
}
