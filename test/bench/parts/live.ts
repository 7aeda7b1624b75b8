/**
 * Logs that are being written: 30 files, a write() for each line, at three rates; 100 KB/s is the load of an ordinary
 * node. The cost here is in noticing writes and in small batches, not in bytes. CPU in % of a core, after a warm-up; each
 * line must have arrived at the end.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { usageOf } from '../../support/process.ts'
import { until } from '../../support/wait.ts'
import { logagent, type Contestant } from '../contestants/contestant.ts'
import { rsyslog } from '../contestants/rsyslog.ts'
import type { Course } from '../results.ts'
import { follow, recordsIn } from '../stage/arrivals.ts'
import { watchOtherLoad, type OtherLoad } from '../stage/other-load.ts'
import type { Stage } from '../stage/stage.ts'
import { abba } from '../statistics.ts'

export interface LiveRun extends OtherLoad {
  readonly round: number
  readonly subject: string
  /** The rate of all files together. */
  readonly mbPerSecond: number
  readonly cpuPercent: number
  readonly peakRssMb: number
  readonly records: number
  readonly lines: number
}

export const FILES = 30
export const PARTITIONS = 6
export const RATES = [0.1, 1, 10]
const SUBJECTS = [logagent('raw'), rsyslog('raw')]
const FULL = { warmUpMs: 10_000, measuredMs: 20_000 }
const QUICK = { warmUpMs: 2000, measuredMs: 4000 }

export interface Load {
  readonly files: number
  readonly partitions: number
  /** The rate of all files together. */
  readonly mbPerSecond: number
  readonly warmUpMs: number
  readonly measuredMs: number
}

export async function live(stage: Stage, { round, quick, report }: Course): Promise<LiveRun[]> {
  const runs: LiveRun[] = []
  for (const mbPerSecond of RATES) {
    for (const subject of abba(SUBJECTS)) {
      const load = { files: FILES, partitions: PARTITIONS, mbPerSecond, ...(quick ? QUICK : FULL) }
      const run = await shipLive(stage, subject, load)
      runs.push({ round, subject: subject.name, mbPerSecond, ...run })
      report(`${subject.name} at ${mbPerSecond} MB/s: ${run.cpuPercent.toFixed(1)} % of a core`)
    }
  }
  return runs
}

export type LiveFigures = Omit<LiveRun, 'round' | 'subject' | 'mbPerSecond'>

/** Measures one agent under a load. */
export async function shipLive(stage: Stage, contestant: Contestant, load: Load): Promise<LiveFigures> {
  const { files } = load
  const job = await stage.openJob({ partitions: load.partitions })
  for (let file = 0; file < files; file++) writeFileSync(join(job.logs, `${file}.log`), 'the file is there\n')
  const agent = contestant.start(stage, job)
  const arrivals = { topics: stage.kafka, topic: job.topic, agent }
  await follow({ ...arrivals, records: files })

  const seconds = (load.warmUpMs + load.measuredMs) / 1000 + 1
  const writer = stage.launch({
    program: process.execPath,
    args: [join(import.meta.dirname, '../live-writer.ts'), job.logs, files, load.mbPerSecond * 1e6, seconds].map(
      String,
    ),
  })
  await until(() => writer.output().startsWith('begin'), { what: () => `the writer begins: ${writer.lastWords()}` })
  // these spans of time are what is measured
  await delay(load.warmUpMs)
  const otherLoad = watchOtherLoad()
  const [before, beganAt] = [usageOf(agent.pid).cpuMs, performance.now()]
  await delay(load.measuredMs)
  const [after, endedAt] = [usageOf(agent.pid).cpuMs, performance.now()]
  const others = otherLoad()
  await writer.ended(60_000)

  const lines = files + Number(writer.output().trim().split('\n').at(-1))
  await follow({ ...arrivals, records: lines })
  const { peakRssBytes } = usageOf(agent.pid)
  await agent.stop()
  const records = await recordsIn(stage.kafka, job.topic)
  await stage.closeJob(job)
  const cpuPercent = ((after - before) / (endedAt - beganAt)) * 100
  return { cpuPercent, peakRssMb: peakRssBytes / 2 ** 20, records, lines, ...others }
}
