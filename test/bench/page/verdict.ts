/**
 * The table of figures that the agent must reach, and whether it does. A ratio is judged by its median over the rounds, a
 * limit of memory by its worst run, other limits by their median.
 */
import type { Results } from '../results.ts'
import { FEW, MANY } from '../parts/idle.ts'
import { spreadOf, type Spread } from '../statistics.ts'
import { ratiosOf, valuesOf } from './comparisons.ts'
import { NOTHING, number, plain, ratio, spread, table } from './wording.ts'

interface Figure {
  readonly words: string
  readonly most: number
  readonly unit: 'ratio' | 'ms' | 'MB' | '%' | 'a second'
  readonly measured: Spread | null
}

export function verdict(results: Results): string {
  const rows = [...costs(results), ...memories(results), ...idleness(results)].map((figure) => {
    const { words, most, unit, measured } = figure
    if (unit === 'ratio') return [words, `≤ ${ratio(most, plain)}`, spread(measured, ratio), reached(figure)]
    return [words, `≤ ${plain(most)}${UNITS[unit]}`, spread(measured, number, UNITS[unit]), reached(figure)]
  })
  return table(['figure', 'wanted', 'measured: median (least–most)', 'reached'], rows)
}

const UNITS = { ms: ' ms', MB: ' MB', '%': ' %', 'a second': '/s' }

function reached({ measured, most, unit }: Figure): string {
  if (measured === null) return NOTHING
  return (unit === 'MB' ? measured.most : measured.median) <= most ? 'yes' : '**no**'
}

function costs({ throughput, live, latency }: Results): Figure[] {
  const runs = throughput?.runs ?? []
  const cpu = (group: string, pair: readonly [string, string]): Spread | null =>
    ratiosOf(
      runs.filter((run) => run.group === group),
      pair,
      (run) => run.cpuSecondsPerGb,
    )
  const liveAt = (rate: number): Spread | null =>
    ratiosOf(
      (live?.runs ?? []).filter((run) => run.mbPerSecond === rate),
      ['logagent raw', 'rsyslog raw'],
      (run) => run.cpuPercent,
    )
  const pair = ['logagent raw', 'rsyslog raw'] as const
  const late = latency?.runs ?? []
  return [
    {
      words: 'CPU-seconds per GB, raw, bare lines as rsyslog sends them, to rsyslog raw',
      most: 1 / 10,
      unit: 'ratio',
      measured: cpu('raw', pair),
    },
    {
      words: "CPU-seconds per GB, raw with logagent's headers, to rsyslog raw",
      most: 1 / 10,
      unit: 'ratio',
      measured: cpu('raw', ['logagent raw, headers', 'rsyslog raw']),
    },
    {
      words: 'CPU-seconds per GB, raw, bare lines, to the naive agent',
      most: 1 / 40,
      unit: 'ratio',
      measured: cpu('naive', ['logagent raw', 'naive raw']),
    },
    {
      words: 'CPU-seconds per GB, json, to rsyslog json',
      most: 1 / 12,
      unit: 'ratio',
      measured: cpu('json', ['logagent json', 'rsyslog json']),
    },
    { words: 'CPU live at 100 KB/s, 30 files, to rsyslog', most: 1, unit: 'ratio', measured: liveAt(0.1) },
    { words: 'CPU live at 1 MB/s, 30 files, to rsyslog', most: 1, unit: 'ratio', measured: liveAt(1) },
    { words: 'CPU live at 10 MB/s, 30 files, to rsyslog', most: 1, unit: 'ratio', measured: liveAt(10) },
    {
      words: 'latency p50 at 200 lines/s',
      most: 60,
      unit: 'ms',
      measured: spreadOf(valuesOf(late, 'logagent raw', (run) => run.p50Ms)),
    },
    {
      words: 'latency p99 at 200 lines/s',
      most: 120,
      unit: 'ms',
      measured: spreadOf(valuesOf(late, 'logagent raw', (run) => run.p99Ms)),
    },
    {
      words: 'latency p50 at 200 lines/s with the low-latency setting, to rsyslog by default',
      most: 1.5,
      unit: 'ratio',
      measured: ratiosOf(late, ['logagent raw low latency', 'rsyslog raw'], (run) => run.p50Ms),
    },
  ]
}

function memories({ memory, outage }: Results): Figure[] {
  const shipping = (subject: string): Spread | null =>
    spreadOf(valuesOf(memory?.runs ?? [], subject, (run) => run.peakRssMb))
  const down = (subject: string): Spread | null =>
    spreadOf(valuesOf(outage?.runs ?? [], subject, (run) => run.peakRssMb))
  return [
    { words: 'peak RSS shipping 2 GB, raw', most: 80, unit: 'MB', measured: shipping('logagent raw') },
    { words: 'peak RSS shipping 2 GB, json', most: 80, unit: 'MB', measured: shipping('logagent json') },
    { words: 'peak RSS, Kafka down, 2 GB of backlog, raw', most: 95, unit: 'MB', measured: down('logagent raw') },
    { words: 'peak RSS, Kafka down, 2 GB of backlog, json', most: 95, unit: 'MB', measured: down('logagent json') },
  ]
}

function idleness({ idle }: Results): Figure[] {
  const runs = idle?.runs ?? []
  const few = runs.filter((run) => run.files === FEW)
  const many = runs.filter((run) => run.files === MANY)
  const more = many.map((run) => run.rssMb - (few.find(({ round }) => round === run.round)?.rssMb ?? NaN))
  const timers = few.flatMap(({ eventLoop }) => (eventLoop === null ? [] : [eventLoop.timers]))
  return [
    { words: 'idle RSS, 10 files, connected', most: 65, unit: 'MB', measured: spreadOf(few.map((run) => run.rssMb)) },
    { words: '10,000 idle files: CPU', most: 2, unit: '%', measured: spreadOf(many.map((run) => run.cpuPercent)) },
    { words: '10,000 idle files: RSS above that of 10', most: 40, unit: 'MB', measured: spreadOf(more) },
    { words: 'idle, 10 files: CPU', most: 0.5, unit: '%', measured: spreadOf(few.map((run) => run.cpuPercent)) },
    { words: 'idle, 10 files: timer wake-ups', most: 20, unit: 'a second', measured: spreadOf(timers) },
  ]
}
