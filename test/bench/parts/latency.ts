/**
 * The time from the write() of a line to its arrival at a consumer, at 200 lines a second into one file. The time of
 * writing is in the line, and the same process reads what the consumer (kcat, unbuffered) prints, so one clock serves for
 * both. The topic stamps records with the time of their append: the time after that is the consumer's, and is reported
 * separately.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../../support/wait.ts'
import { logagent, type Contestant } from '../contestants/contestant.ts'
import { rsyslog } from '../contestants/rsyslog.ts'
import type { Course } from '../results.ts'
import { watchOtherLoad, type OtherLoad } from '../stage/other-load.ts'
import type { Job, Stage } from '../stage/stage.ts'
import { abba, mean, quantile } from '../statistics.ts'

export interface LatencyRun extends OtherLoad {
  readonly round: number
  readonly subject: string
  readonly lines: number
  readonly records: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** The mean time from the append in the broker to the consumer's print: what the measurement adds. */
  readonly consumerMs: number
  /** The quantiles 0, 0.01 … 1, for the plot. */
  readonly quantilesMs: readonly number[]
}

export const LINES_PER_SECOND = 200
const SUBJECTS = [logagent('raw'), logagent('raw', 'low latency'), rsyslog('raw', 'default')]
/** The first lines meet cold code in the agent and in the broker. */
const FULL = { warmUpLines: 1000, lines: 4000 }
const QUICK = { warmUpLines: 200, lines: 800 }
const PADDING = 'x'.repeat(150)

export async function latency(stage: Stage, { round, quick, report }: Course): Promise<LatencyRun[]> {
  const runs: LatencyRun[] = []
  for (const subject of abba(SUBJECTS)) {
    const run = await timeLines(stage, subject, quick ? QUICK : FULL)
    runs.push({ round, subject: subject.name, ...run })
    report(`${subject.name}: p50 ${run.p50Ms.toFixed(1)}, p90 ${run.p90Ms.toFixed(1)}, p99 ${run.p99Ms.toFixed(1)} ms`)
  }
  return runs
}

interface Length {
  readonly warmUpLines: number
  readonly lines: number
}

export type LatencyFigures = Omit<LatencyRun, 'round' | 'subject'>

/** Writes lines into one file, and measures how long they take to a consumer. */
export async function timeLines(
  stage: Stage,
  contestant: Contestant,
  { warmUpLines, lines }: Length,
): Promise<LatencyFigures> {
  const job = await stage.openJob({ configs: { 'message.timestamp.type': 'LogAppendTime' } })
  const path = join(job.logs, 'app.log')
  const file = openSync(path, 'a')
  const consumer = consume(stage, job)
  const { arrivals } = consumer
  const agent = contestant.start(stage, job)
  writeSync(file, `- there\n`)
  await until(() => arrivals.length === 1, { within: 60_000, what: () => `the first line: ${agent.lastWords()}` })

  const otherLoad = watchOtherLoad()
  const begin = performance.now()
  for (let line = 0; line < warmUpLines + lines; line++) {
    const wait = begin + (line * 1000) / LINES_PER_SECOND - performance.now()
    // the pace of the application
    if (wait > 0) await delay(wait)
    writeSync(file, `${performance.now().toFixed(3)} ${line} ${PADDING}\n`)
  }
  const others = otherLoad()
  const all = 1 + warmUpLines + lines
  await until(() => arrivals.length >= all, {
    what: () => `${all} lines, not ${arrivals.length}: ${agent.lastWords()}`,
  })
  await agent.stop()
  await consumer.stop()
  closeSync(file)
  await stage.closeJob(job)

  const measured = arrivals.slice(1 + warmUpLines)
  const sorted = measured.map(({ writtenMs, readMs }) => readMs - writtenMs).sort((a, b) => a - b)
  const at = (part: number): number => Number(quantile(sorted, part).toFixed(3))
  return {
    lines,
    records: arrivals.length - 1 - warmUpLines,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    maxMs: at(1),
    consumerMs: mean(measured.map(({ readMs, appendedMs }) => readMs - appendedMs)),
    quantilesMs: Array.from({ length: 101 }, (_, i) => at(i / 100)),
    ...others,
  }
}

/** One line at the consumer; all times by the clock of performance.now(). */
interface Arrival {
  readonly writtenMs: number
  readonly appendedMs: number
  readonly readMs: number
}

/** Added to a broker's time, which is in whole ms, rounded down. */
const HALF_MS = 0.5

function consume(stage: Stage, { bootstrap, topic }: Job): { arrivals: Arrival[]; stop(): Promise<void> } {
  const options = ['-X', 'fetch.wait.max.ms=10', '-X', 'fetch.error.backoff.ms=1']
  const kcat = spawn(
    'kcat',
    ['-C', '-q', '-u', '-b', bootstrap, '-t', topic, '-o', 'beginning', ...options, '-f', '%T %s\\n'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  stage.adopt(kcat)
  const arrivals: Arrival[] = []
  const epoch = epochOfClock()
  let rest = ''
  kcat.stdout.on('data', (chunk: Buffer) => {
    const readMs = performance.now()
    const lines = `${rest}${chunk.toString('latin1')}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const [appended, written] = line.split(' ', 2)
      arrivals.push({ writtenMs: Number(written), appendedMs: Number(appended) - epoch + HALF_MS, readMs })
    }
  })
  return {
    arrivals,
    async stop() {
      kcat.kill('SIGTERM')
      await once(kcat, 'close')
    },
  }
}

/** The difference between the time of day and performance.now(), found at the edge of a millisecond. */
function epochOfClock(): number {
  const now = Date.now()
  while (Date.now() === now) continue
  return now + 1 - performance.now()
}
