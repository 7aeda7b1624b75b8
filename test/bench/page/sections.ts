/** The tables of the page, one for each part. */
import { FIGURES } from '../parts/earlier.ts'
import { LINES_PER_SECOND } from '../parts/latency.ts'
import { FILES, PARTITIONS, RATES } from '../parts/live.ts'
import { DOINGS } from '../parts/profile.ts'
import type { GroupName, ThroughputRun } from '../parts/throughput.ts'
import type { Results } from '../results.ts'
import { spreadOf, type Spread } from '../statistics.ts'
import { ratiosOf, valuesOf } from './comparisons.ts'
import { NOTHING, number, ratio, spread, table } from './wording.ts'

const distinct = (names: readonly string[]): string[] => [...new Set(names)]

/** How many more (or fewer) records than lines arrived, in each run in which the numbers differ. */
function exactness(runs: readonly { readonly records: number | null; readonly lines: number }[]): string {
  const wrong = runs.flatMap(({ records, lines }) => (records === null || records === lines ? [] : [records - lines]))
  if (runs.every(({ records }) => records === null)) return NOTHING
  return wrong.length === 0
    ? 'exactly'
    : wrong.map((difference) => `${difference > 0 ? '+' : ''}${difference}`).join(', ')
}

const GROUPS: Readonly<Record<GroupName, { readonly title: string; readonly against: string }>> = {
  raw: { title: 'The bytes of the line', against: 'rsyslog raw' },
  json: { title: 'JSON with path and offset', against: 'rsyslog json' },
  naive: { title: 'The naive agent', against: 'naive raw' },
}

export function throughputTables({ throughput }: Results): string {
  const runs = throughput?.runs ?? []
  return Object.entries(GROUPS)
    .map(([group, { title, against }]) => {
      const own = runs.filter((run) => run.group === group)
      const rows = distinct(own.map(({ subject }) => subject)).map((subject) => throughputRow(own, subject, against))
      const head = ['', 'CPU-s/GB', `to ${against}`, 'lines/s', 'start: CPU', 'start: time', 'peak RSS', 'arrived']
      return `**${title}**\n\n${table(head, rows)}`
    })
    .join('\n\n')
}

/** What the main thread does: its share of the time, and of the CPU per GB where that was measured. */
export function profileTable({ profile, throughput }: Results): string {
  const runs = profile?.runs ?? []
  if (runs.length === 0) return ''
  const subjects = distinct(runs.map(({ subject }) => subject))
  const cpu = subjects.map((subject) =>
    spreadOf(valuesOf(throughput?.runs ?? [], subject, (run) => run.cpuSecondsPerGb)),
  )
  const rows = DOINGS.map((doing) => [
    doing,
    ...subjects.map((subject, column) => {
      const share = spreadOf(valuesOf(runs, subject, ({ shares }) => shares[doing]))?.median ?? NaN
      const whole = cpu[column]?.median
      return `${whole === undefined ? '' : `${(share * whole).toFixed(2)}, `}${Math.round(100 * share)} %`
    }),
  ])
  return table(['CPU-s/GB, of it', ...subjects], rows)
}

/** The first record of each agent, as it is stored in Kafka. */
export function samples({ throughput }: Results): string {
  const first = new Map<string, string>()
  for (const { subject, sample } of throughput?.runs ?? []) {
    if (sample !== null && !first.has(subject)) first.set(subject, sample)
  }
  return first.size === 0 ? '' : ['```', ...[...first].map(([name, sample]) => `${name}: ${sample}`), '```'].join('\n')
}

function throughputRow(runs: readonly ThroughputRun[], subject: string, against: string): string[] {
  const own = runs.filter((run) => run.subject === subject)
  const of = (value: (run: ThroughputRun) => number): Spread | null => spreadOf(own.map(value))
  const starts = own.flatMap(({ start }) => (start === null ? [] : [start]))
  return [
    subject,
    spread(of((run) => run.cpuSecondsPerGb)),
    subject === against
      ? '1'
      : spread(
          ratiosOf(runs, [subject, against], (run) => run.cpuSecondsPerGb),
          ratio,
        ),
    number(of((run) => run.linesPerSecond)?.median ?? NaN),
    starts.length === 0 ? NOTHING : `${number(spreadOf(starts.map(({ cpuMs }) => cpuMs))?.median ?? NaN)} ms`,
    starts.length === 0 ? NOTHING : `${number(spreadOf(starts.map(({ ms }) => ms))?.median ?? NaN)} ms`,
    spread(
      of((run) => run.peakRssMb),
      number,
      ' MB',
    ),
    exactness(own),
  ]
}

export function liveTable({ live }: Results): string {
  const runs = live?.runs ?? []
  const rows = RATES.flatMap((rate) => {
    const own = runs.filter((run) => run.mbPerSecond === rate)
    return distinct(own.map(({ subject }) => subject)).map((subject) => {
      const mine = own.filter((run) => run.subject === subject)
      return [
        `${subject}, ${rate} MB/s`,
        spread(spreadOf(valuesOf(own, subject, (run) => run.cpuPercent)), number, ' %'),
        subject === 'rsyslog raw'
          ? '1'
          : spread(
              ratiosOf(own, [subject, 'rsyslog raw'], (run) => run.cpuPercent),
              ratio,
            ),
        spread(spreadOf(valuesOf(own, subject, (run) => run.peakRssMb)), number, ' MB'),
        exactness(mine),
      ]
    })
  })
  const head = [`${FILES} files, ${PARTITIONS} partitions`, 'CPU, % of a core', 'to rsyslog', 'peak RSS', 'arrived']
  return table(head, rows)
}

/** This build beside an earlier one: each figure of both, and their ratio within a round. */
export function earlierTable({ earlier }: Results): string {
  const runs = earlier?.runs ?? []
  if (runs.length === 0) return ''
  const rows = Object.entries(FIGURES).flatMap(([name, { words, unit, most }]) => {
    const own = runs.filter(({ figure }) => figure === name)
    if (own.length === 0) return []
    const of = (subject: string): string => spread(spreadOf(valuesOf(own, subject, ({ value }) => value)))
    const within = ratiosOf(own, ['now', 'earlier'], ({ value }) => value)
    const reached = within === null ? NOTHING : within.median <= most ? 'yes' : '**no**'
    return [[`${words}, ${unit}`, of('now'), of('earlier'), spread(within, times), `${most}×`, reached, exactness(own)]]
  })
  const commits = distinct(runs.map(({ commit }) => commit)).join(', ')
  return table(['figure', 'now', commits, 'ratio', 'wanted at most', 'reached', 'arrived'], rows)
}

function times(value: number): string {
  return `${value.toFixed(2)}×`
}

export function latencyTable({ latency }: Results): string {
  const runs = latency?.runs ?? []
  const rows = distinct(runs.map(({ subject }) => subject)).map((subject) => {
    const of = (value: (run: (typeof runs)[number]) => number): string => {
      return spread(spreadOf(valuesOf(runs, subject, value)))
    }
    return [
      subject,
      of((run) => run.p50Ms),
      of((run) => run.p90Ms),
      of((run) => run.p99Ms),
      of((run) => run.maxMs),
      of((run) => run.consumerMs),
    ]
  })
  return table([`ms at ${LINES_PER_SECOND} lines/s`, 'p50', 'p90', 'p99', 'longest', 'of it the consumer'], rows)
}

export function memoryTable({ memory, outage }: Results): string {
  const shipping = Map.groupBy(memory?.runs ?? [], (run) => run.subject)
  const down = Map.groupBy(outage?.runs ?? [], (run) => `${run.subject}, Kafka ${run.outage}`)
  const rows = [
    ...[...shipping].map(([name, runs]) => {
      return [
        `${name}, as fast as it goes`,
        spread(spreadOf(runs.map((run) => run.peakRssMb))),
        NOTHING,
        NOTHING,
        exactness(runs),
      ]
    }),
    ...[...down].map(([name, runs]) => {
      const [missing, repeated] = [runs.map((run) => run.missing), runs.map((run) => run.repeated)]
      const seconds = spread(spreadOf(runs.map((run) => run.downSeconds)), (value) => value.toFixed(0))
      const isExact = [...missing, ...repeated].every((lines) => lines === 0)
      const found = `${missing.join(', ')} missing, ${repeated.join(', ')} repeated`
      const peak = spread(spreadOf(runs.map((run) => run.peakRssMb)))
      const after = [runs.flatMap((run) => run.resumedSeconds ?? []), runs.flatMap((run) => run.caughtUpSeconds ?? [])]
      const [resumed = '', caughtUp = ''] = after.map((each) => spread(spreadOf(each), (value) => value.toFixed(1)))
      return [
        name,
        peak,
        `${seconds} s`,
        caughtUp === NOTHING ? NOTHING : `${resumed}; ${caughtUp} s`,
        isExact ? 'exactly' : found,
      ]
    }),
  ]
  return table(['2 GB', 'peak RSS, MB', 'Kafka was down for', 'first; all there after', 'arrived'], rows)
}

export function idleTable({ idle }: Results): string {
  const rows = [...Map.groupBy(idle?.runs ?? [], (run) => run.files)].map(([files, runs]) => {
    const traced = runs.flatMap(({ eventLoop }) => (eventLoop === null ? [] : [eventLoop]))
    return [
      files === 0 ? 'bare Node, no agent' : `${files.toLocaleString('en-US')} files`,
      spread(spreadOf(runs.map((run) => run.rssMb))),
      spread(spreadOf(runs.map((run) => run.cpuPercent))),
      spread(spreadOf(runs.map((run) => run.sleepsPerSecond))),
      spread(spreadOf(traced.map((loop) => loop.timers))),
      spread(spreadOf(traced.map((loop) => loop.events))),
    ]
  })
  const head = [
    'idle for 60 s',
    'RSS, MB',
    'CPU, % of a core',
    'threads going to sleep, /s',
    'timers, /s',
    'events, /s',
  ]
  return table(head, rows)
}
