/** The plots of the page, by file name. A part that was not measured has none. */
import type { Results } from '../results.ts'
import { RATES } from '../parts/live.ts'
import { valuesOf } from './comparisons.ts'
import { curvePlot } from './curves.ts'
import { stripPlot, type Strip } from './strips.ts'

export function plots(results: Results): Map<string, string> {
  const drawn = new Map<string, string>()
  for (const [name, plot] of Object.entries(PLOTS)) {
    const content = plot(results)
    if (content !== null) drawn.set(name, content)
  }
  return drawn
}

/** The colour of an agent: logagent, rsyslog, the naive agent and the floor have one each. */
function colourOf(subject: string): number {
  return Math.max(0, ['logagent', 'rsyslog', 'naive', 'floor'].indexOf(subject.split(' ', 1)[0] ?? ''))
}

const SUBJECTS = ['floor', 'logagent raw', 'logagent raw, headers', 'rsyslog raw', 'naive raw', 'logagent json', 'rsyslog json'] // prettier-ignore

const PLOTS: Readonly<Record<string, (results: Results) => string | null>> = {
  'cpu.svg': ({ throughput }) =>
    throughput === undefined
      ? null
      : stripPlot({
          title: 'CPU to ship a file as fast as it goes',
          axis: 'CPU-seconds per GB of source, logarithmic; a dot is a run, the mark is the median',
          scale: 'logarithmic',
          strips: SUBJECTS.map((name): Strip => {
            return {
              name,
              colour: colourOf(name),
              values: valuesOf(throughput.runs, name, (run) => run.cpuSecondsPerGb),
            }
          }),
        }),
  'peak.svg': ({ throughput }) =>
    throughput === undefined
      ? null
      : stripPlot({
          title: 'Peak memory meanwhile',
          axis: 'peak RSS in MB, logarithmic',
          scale: 'logarithmic',
          strips: SUBJECTS.map((name): Strip => {
            return { name, colour: colourOf(name), values: valuesOf(throughput.runs, name, (run) => run.peakRssMb) }
          }),
        }),
  'live.svg': ({ live }) =>
    live === undefined
      ? null
      : stripPlot({
          title: 'CPU while 30 files are written, a write() for each line',
          axis: '% of a core',
          scale: 'linear',
          strips: RATES.flatMap((rate) =>
            ['logagent raw', 'rsyslog raw'].map((name): Strip => {
              const runs = live.runs.filter((run) => run.mbPerSecond === rate)
              const values = valuesOf(runs, name, (run) => run.cpuPercent)
              return { name: `${name}, ${rate} MB/s`, colour: colourOf(name), values }
            }),
          ),
        }),
  'latency.svg': ({ latency }) =>
    latency === undefined
      ? null
      : curvePlot({
          title: 'From write() to the consumer at 200 lines/s: each run',
          axes: ['ms', '% of lines that have arrived'],
          most: { x: 2 * Math.max(...latency.runs.map((run) => run.p90Ms)), y: 100 },
          panels: [
            {
              title: '',
              curves: latency.runs.map(({ subject, quantilesMs }) => {
                const points = quantilesMs.map((ms, percent) => [ms, percent] as const)
                return { name: subject, points, colour: colourOf(subject) }
              }),
            },
          ],
        }),
  'outage.svg': ({ outage }) =>
    outage === undefined
      ? null
      : curvePlot({
          title: 'Memory while Kafka is down (shaded) with 2 GB of backlog, raw',
          axes: ['seconds since the agent began', 'RSS in MB'],
          limit: 95,
          panels: [...Map.groupBy(outage.runs, (run) => run.outage)].map(([kind, runs]) => {
            const [first] = runs.filter((run) => run.subject === 'logagent raw')
            const curves = first === undefined ? [] : [{ name: 'logagent raw', points: first.rss, colour: 0 }]
            return { title: kind, curves, bands: first === undefined ? [] : [first.down] }
          }),
        }),
}
