/**
 * This build beside that of an earlier commit, both with their defaults, to see what a change costs or saves: at the loads
 * of a node, as fast as it goes, idle, and how long a line takes. The two alternate in each round (ABBA).
 */
import { LOGAGENT_FLAGS, LOW_LATENCY, logagentAt, type Contestant } from '../contestants/contestant.ts'
import type { Course } from '../results.ts'
import { buildEarlier } from '../stage/earlier-build.ts'
import type { OtherLoad } from '../stage/other-load.ts'
import type { Stage } from '../stage/stage.ts'
import { abba } from '../statistics.ts'
import { MANY, idleAgent } from './idle.ts'
import { timeLines } from './latency.ts'
import { shipLive } from './live.ts'
import { BEYOND, shipFile } from './throughput.ts'

export interface EarlierRun extends OtherLoad {
  readonly round: number
  /** A name of {@link FIGURES}. */
  readonly figure: string
  readonly subject: 'now' | 'earlier'
  readonly commit: string
  /** The value in the figure's unit. */
  readonly value: number
  readonly records: number | null
  readonly lines: number
}

interface Measured extends OtherLoad {
  readonly value: number
  readonly records: number | null
  readonly lines: number
}

interface Figure {
  /** The name of the figure in the table. */
  readonly words: string
  readonly unit: '% of a core' | 'CPU-s/GB' | 'ms'
  /** The ratio of now to earlier that must be reached. */
  readonly most: number
  readonly flags: readonly string[]
  /** The flags of this build, where they differ. */
  readonly flagsNow?: readonly string[]
  readonly measure: (stage: Stage, contestant: Contestant, quick: boolean) => Promise<Measured>
}

interface Load {
  readonly files: number
  readonly partitions: number
  readonly mbPerSecond: number
}

const LIVE = { warmUpMs: 10_000, measuredMs: 20_000 }
const QUICK_LIVE = { warmUpMs: 2000, measuredMs: 4000 }
const N = 1e9
const QUICK_N = 100e6
const { json, raw } = LOGAGENT_FLAGS

function live(words: string, load: Load, most: number): Figure {
  return {
    ...{ words, unit: '% of a core', most, flags: json },
    async measure(stage, contestant, quick) {
      const { cpuPercent: value, ...rest } = await shipLive(stage, contestant, {
        ...load,
        ...(quick ? QUICK_LIVE : LIVE),
      })
      return { value, ...rest }
    },
  }
}

function throughput(words: string, flags: readonly string[]): Figure {
  return {
    ...{ words, unit: 'CPU-s/GB', most: 1.03, flags },
    async measure(stage, contestant, quick) {
      const markBytes = quick ? QUICK_N : N
      const input = stage.input(Math.round(2 * markBytes * BEYOND))
      const figures = await shipFile({ stage, input, markBytes }, contestant)
      const { cpuSecondsPerGb: value, records, otherCores, stolenCores } = figures
      return { value, records, lines: input.lines, otherCores, stolenCores }
    },
  }
}

export const FIGURES: Readonly<Record<string, Figure>> = {
  ordinary: live('30 files, 100 KB/s, JSON', { files: 30, partitions: 6, mbPerSecond: 0.1 }, 0.25),
  megabyte: live('30 files, 1 MB/s, JSON', { files: 30, partitions: 6, mbPerSecond: 1 }, 0.35),
  'ten-megabytes': live('30 files, 10 MB/s, JSON', { files: 30, partitions: 6, mbPerSecond: 10 }, 0.8),
  'many-files': live('300 files, 200 KB/s, 24 partitions, JSON', { files: 300, partitions: 24, mbPerSecond: 0.2 }, 0.3),
  'thousand-files': live(
    '1,000 files at 10 lines/s each, 24 partitions, JSON',
    { files: 1000, partitions: 24, mbPerSecond: 1.88 },
    0.5,
  ),
  raw: throughput('as fast as it goes, bare lines', raw),
  json: throughput('as fast as it goes, JSON', json),
  idle: {
    ...{ words: `${MANY.toLocaleString('en')} idle files`, unit: '% of a core', most: 1.03, flags: raw },
    async measure(stage, contestant, quick) {
      const length = quick ? { settleMs: 3000, measuredMs: 6000 } : { settleMs: 10_000, measuredMs: 30_000 }
      const run = await idleAgent(stage, contestant, { files: MANY, traceMs: 0, ...length })
      const { cpuPercent: value, otherCores, stolenCores } = run
      return { value, records: null, lines: 0, otherCores, stolenCores }
    },
  },
  'low-latency': {
    ...{ words: 'a line’s way to the consumer, p50, with the low-latency setting', unit: 'ms', most: 1.1, flags: raw },
    flagsNow: [...raw, ...LOW_LATENCY],
    async measure(stage, contestant, quick) {
      const length = quick ? { warmUpLines: 200, lines: 800 } : { warmUpLines: 1000, lines: 4000 }
      const { p50Ms: value, records, lines, otherCores, stolenCores } = await timeLines(stage, contestant, length)
      return { value, records, lines, otherCores, stolenCores }
    },
  },
}

export async function earlier(stage: Stage, { round, quick, earlier: beside, report }: Course): Promise<EarlierRun[]> {
  const { commit, figures } = beside
  const unknown = figures.find((name) => FIGURES[name] === undefined)
  if (unknown !== undefined) throw new Error(`no such figure: ${unknown} (${Object.keys(FIGURES).join(', ')})`)
  const bundle = stage.once(`earlier ${commit}`, () => buildEarlier(commit, stage.directory))
  const runs: EarlierRun[] = []
  for (const [figure, { flags, flagsNow = flags, measure, unit }] of Object.entries(FIGURES)) {
    if (figures.length > 0 && !figures.includes(figure)) continue
    const subjects = [logagentAt(stage.bundle, 'now', flagsNow), logagentAt(bundle, 'earlier', flags)] as const
    for (const subject of abba(subjects)) {
      const measured = await measure(stage, subject, quick)
      const name = subject.name === 'now' ? 'now' : 'earlier'
      runs.push({ round, figure, subject: name, commit, ...measured })
      report(`${figure} ${name}: ${measured.value.toFixed(2)} ${unit}`)
    }
  }
  return runs
}
