/** The peak memory of logagent while it ships 2 GB as fast as it goes. */
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { usageOf } from '../../support/process.ts'
import { logagent } from '../contestants/contestant.ts'
import type { Course } from '../results.ts'
import { follow, recordsIn } from '../stage/arrivals.ts'
import type { Stage } from '../stage/stage.ts'

export interface MemoryRun {
  readonly round: number
  readonly subject: string
  readonly peakRssMb: number
  readonly bytes: number
  readonly records: number
  readonly lines: number
}

const FULL_BYTES = 2e9
const QUICK_BYTES = 200e6
const SUBJECTS = [logagent('raw'), logagent('json')]

export async function memory(stage: Stage, { round, quick, report }: Course): Promise<MemoryRun[]> {
  const runs: MemoryRun[] = []
  const input = stage.input(quick ? QUICK_BYTES : FULL_BYTES)
  for (const subject of SUBJECTS) {
    const job = await stage.openJob()
    linkSync(input.path, join(job.logs, 'app.log'))
    const agent = subject.start(stage, job)
    await follow({ topics: stage.kafka, topic: job.topic, agent, records: input.lines })
    const peakRssMb = usageOf(agent.pid).peakRssBytes / 2 ** 20
    await agent.stop()
    const records = await recordsIn(stage.kafka, job.topic)
    await stage.closeJob(job)
    runs.push({ round, subject: subject.name, peakRssMb, bytes: input.bytes, records, lines: input.lines })
    report(`${subject.name}: peak ${peakRssMb.toFixed(1)} MB`)
  }
  return runs
}
