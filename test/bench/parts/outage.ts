/**
 * Kafka down with 2 GB of backlog: the agent's memory must not grow with the backlog, and everything must arrive once
 * Kafka is back. Kafka is down in three ways: not there when the agent starts; frozen in the middle (connections stay, and
 * requests time out); killed in the middle. The records are read back and counted line by line.
 */
import { linkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Kafka } from '../../support/kafka.ts'
import { usageOf } from '../../support/process.ts'
import { logagent, type Contestant } from '../contestants/contestant.ts'
import type { Course } from '../results.ts'
import { follow, type Look, recordsIn } from '../stage/arrivals.ts'
import type { Child } from '../stage/child.ts'
import { numberIn } from '../stage/lines.ts'
import type { Stage } from '../stage/stage.ts'

export type Outage = 'absent' | 'frozen' | 'killed'

export interface OutageRun {
  readonly round: number
  readonly subject: string
  readonly outage: Outage
  readonly downSeconds: number
  /** The bytes that were not yet in Kafka when it went down. */
  readonly backlogBytes: number
  /** Times from Kafka's return to the next record in the topic, and to the last one; not in old results. */
  readonly resumedSeconds?: number
  readonly caughtUpSeconds?: number
  readonly peakRssMb: number
  readonly lines: number
  readonly missing: number
  readonly repeated: number
  /** Samples: [seconds since the agent's start, RSS in MB]. */
  readonly rss: readonly (readonly [number, number])[]
  /** When Kafka was down, in seconds since the agent's start. */
  readonly down: readonly [number, number]
}

interface Size {
  readonly backlogBytes: number
  /** Bytes of the file that are shipped before Kafka goes down. */
  readonly beforeBytes: number
  readonly downMs: Readonly<Record<Outage, number>>
}

/** The full size: Kafka is frozen for longer than the time-out of a request (30 s). */
const FULL: Size = {
  backlogBytes: 2e9,
  beforeBytes: 200e6,
  downMs: { absent: 30_000, frozen: 45_000, killed: 20_000 },
}
const QUICK: Size = { backlogBytes: 400e6, beforeBytes: 50e6, downMs: { absent: 4000, frozen: 4000, killed: 4000 } }
/** The file is larger by this factor, since the agent goes on while Kafka is being stopped. */
const SPARE = 1.05
const SAMPLE_MS = 500
const READ_MS = 900_000

const SUBJECTS = [logagent('raw'), logagent('json')]
const OUTAGES: readonly Outage[] = ['absent', 'frozen', 'killed']

export async function outage(stage: Stage, { round, quick, report }: Course): Promise<OutageRun[]> {
  const runs: OutageRun[] = []
  for (const kind of OUTAGES) {
    for (const subject of SUBJECTS) {
      const figures = await runOne(stage, subject, kind, quick ? QUICK : FULL)
      runs.push({ round, subject: subject.name, outage: kind, ...figures })
      report(`${subject.name}, Kafka ${kind}: peak ${figures.peakRssMb.toFixed(1)} MB, all there after ${figures.caughtUpSeconds?.toFixed(1)} s, ${figures.missing} lines missing, ${figures.repeated} repeated`) // prettier-ignore
    }
  }
  return runs
}

type Figures = Omit<OutageRun, 'round' | 'subject' | 'outage'>

async function runOne(stage: Stage, contestant: Contestant, kind: Outage, size: Size): Promise<Figures> {
  const { kafka } = stage
  const input = stage.input(Math.round((size.backlogBytes + size.beforeBytes) * SPARE))
  const job = await stage.openJob()
  linkSync(input.path, join(job.logs, 'app.log'))
  if (kind === 'absent') await kafka.stop()

  const agent = contestant.start(stage, job)
  const memory = sampleMemory(agent)
  const arrivals = { topics: kafka, topic: job.topic, agent }
  const before = Math.round((size.beforeBytes / input.bytes) * input.lines)
  const looks = kind === 'absent' ? [] : await follow({ ...arrivals, records: before })
  const downFrom = memory.seconds()
  await GOING[kind].down(kafka)
  // the length of the outage is the input
  await delay(size.downMs[kind])
  await GOING[kind].up(kafka)
  const downTo = memory.seconds()
  const upAt = performance.now()
  const back = await follow({ ...arrivals, records: input.lines })
  const { peakRssBytes } = usageOf(agent.pid)
  memory.stop()
  await agent.stop()

  const account = await countLines(stage, job.topic, input.lines)
  await stage.closeJob(job)
  const shipped = ((looks.at(-1)?.records ?? 0) / input.lines) * input.bytes
  return {
    downSeconds: Math.round(downTo - downFrom),
    backlogBytes: Math.round(input.bytes - shipped),
    ...recovery(back, upAt),
    peakRssMb: peakRssBytes / 2 ** 20,
    lines: input.lines,
    ...account,
    rss: memory.samples,
    down: [downFrom, downTo],
  }
}

function recovery(looks: readonly Look[], upAt: number): { resumedSeconds: number; caughtUpSeconds: number } {
  const [first, last] = [looks[0], looks.at(-1)]
  if (first === undefined || last === undefined) throw new Error('no look after the outage')
  // where records came before the first look, it is the first one
  const resumed = first.records === last.records ? first : looks.find(({ records }) => records > first.records)
  return { resumedSeconds: (resumed!.atMs - upAt) / 1000, caughtUpSeconds: (last.atMs - upAt) / 1000 }
}

interface Going {
  readonly down: (kafka: Kafka) => void | Promise<void>
  readonly up: (kafka: Kafka) => void | Promise<void>
}

const GOING: Readonly<Record<Outage, Going>> = {
  absent: { down: () => {}, up: async (kafka) => kafka.restart() },
  frozen: { down: (kafka) => kafka.pause(), up: (kafka) => kafka.resume() },
  killed: { down: async (kafka) => kafka.kill(), up: async (kafka) => kafka.restart() },
}

interface MemorySamples {
  readonly samples: [number, number][]
  seconds(): number
  stop(): void
}

function sampleMemory(agent: Child): MemorySamples {
  const begin = performance.now()
  const samples: [number, number][] = []
  const seconds = (): number => Math.round((performance.now() - begin) / 10) / 100
  const look = (): void => {
    if (!agent.isEnded()) samples.push([seconds(), Math.round((usageOf(agent.pid).rssBytes / 2 ** 20) * 10) / 10])
  }
  const timer = setInterval(look, SAMPLE_MS)
  return { samples, seconds, stop: () => clearInterval(timer) }
}

async function countLines(stage: Stage, topic: string, lines: number): Promise<{ missing: number; repeated: number }> {
  const seen = new Uint8Array(lines)
  let distinct = 0
  const count = (value: Buffer | null): void => {
    const n = value === null ? -1 : numberIn(value)
    if (seen[n] !== 0) return // not a line of the file, or not its first record
    seen[n] = 1
    distinct++
  }
  await stage.kafka.readEach(topic, ({ value }) => count(value), { within: READ_MS })
  return { missing: lines - distinct, repeated: (await recordsIn(stage.kafka, topic)) - distinct }
}
