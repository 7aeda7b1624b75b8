/** Plots with a strip for each subject: a dot for every run, a line over their range, a mark at the median. */
import { spreadOf } from '../statistics.ts'
import { element, linear, logarithmic, svg, tickText, type Scale } from './svg.ts'
import { number } from './wording.ts'

export interface Strip {
  readonly name: string
  readonly values: readonly number[]
  /** 0 to 3. */
  readonly colour: number
}

export interface StripPlot {
  readonly title: string
  /** The name of the values. */
  readonly axis: string
  readonly strips: readonly Strip[]
  readonly scale: 'linear' | 'logarithmic'
  /** A limit, drawn as a line. */
  readonly limit?: number
}

const WIDTH = 760
const LEFT = 190
const RIGHT = 90
const ROW = 28
const TOP = 40
const BOTTOM = 44

export function stripPlot({ title, axis, strips, scale: kind, limit }: StripPlot): string {
  const height = TOP + strips.length * ROW + BOTTOM
  const values = strips.flatMap((strip) => strip.values)
  const all = limit === undefined ? values : [...values, limit]
  const [least, most] = [Math.min(...all), Math.max(...all)]
  const range = [LEFT, WIDTH - RIGHT] as const
  const scale = kind === 'linear' ? linear(most, range) : logarithmic([least, most], range)
  const floor = height - BOTTOM
  const ticks = scale.ticks.flatMap((tick) => {
    const x = scale.place(tick)
    return [
      element('line', { class: 'grid', x1: x, x2: x, y1: TOP, y2: floor }),
      element('text', { class: 'quiet', x, y: floor + 16, 'text-anchor': 'middle' }, tickText(tick)),
    ]
  })
  const wall =
    limit === undefined
      ? []
      : [element('line', { class: 'limit', x1: scale.place(limit), x2: scale.place(limit), y1: TOP - 6, y2: floor })]
  return svg({ width: WIDTH, height }, title, [
    element('text', { class: 'title', x: 12, y: 22 }, title),
    ...ticks,
    ...wall,
    ...strips.flatMap((strip, row) => stripOf(strip, TOP + (row + 0.5) * ROW, scale)),
    element('text', { class: 'quiet', x: (LEFT + WIDTH - RIGHT) / 2, y: height - 8, 'text-anchor': 'middle' }, axis),
  ])
}

function stripOf({ name, values, colour }: Strip, y: number, scale: Scale): string[] {
  const spread = spreadOf(values)
  const label = element('text', { x: LEFT - 12, y: y + 4, 'text-anchor': 'end' }, name)
  if (spread === null) return [label]
  const { least, median, most } = spread
  const at = scale.place(median)
  return [
    label,
    `<g class="c${colour}">`,
    element('line', { class: 'range', x1: scale.place(least), x2: scale.place(most), y1: y, y2: y }),
    ...values.map((value) => element('circle', { class: 'dot', cx: scale.place(value), cy: y, r: 3.5 })),
    element('line', { class: 'mark', x1: at, x2: at, y1: y - 9, y2: y + 9 }),
    '</g>',
    element('text', { x: WIDTH - RIGHT + 10, y: y + 4 }, number(median)),
  ]
}
