/** Plots with curves in one or several panels side by side, each with an x axis of its own and a common y axis. */
import { element, group, linear, svg, tickText, type Scale } from './svg.ts'

export interface Curve {
  readonly name: string
  readonly points: readonly (readonly [number, number])[]
  /** 0 to 3. */
  readonly colour: number
}

export interface Panel {
  readonly title: string
  readonly curves: readonly Curve[]
  /** Spans of the x axis that are shaded. */
  readonly bands?: readonly (readonly [number, number])[]
}

export interface CurvePlot {
  readonly title: string
  readonly panels: readonly Panel[]
  /** The names of x and y. */
  readonly axes: readonly [string, string]
  /** The upper ends of the axes; the default is the largest value. */
  readonly most?: { readonly x?: number; readonly y?: number }
  readonly limit?: number
}

const WIDTH = 760
const HEIGHT = 320
const LEFT = 56
const RIGHT = 16
const GAP = 28
const TOP = 78
const BOTTOM = 46
const FLOOR = HEIGHT - BOTTOM

export function curvePlot({ title, panels, axes, most = {}, limit }: CurvePlot): string {
  const every = panels.flatMap(({ curves }) => curves)
  const points = every.flatMap((curve) => curve.points)
  const yMost = most.y ?? Math.max(...points.map(([, y]) => y), limit ?? 0)
  const up = linear(yMost, [FLOOR, TOP])
  const width = (WIDTH - LEFT - RIGHT - GAP * (panels.length - 1)) / panels.length
  const rows = up.ticks.map((tick) =>
    element('text', { class: 'quiet', x: LEFT - 8, y: up.place(tick) + 4, 'text-anchor': 'end' }, tickText(tick)),
  )
  const names = [...new Map(every.map((curve) => [curve.name, curve.colour]))]
  return svg({ width: WIDTH, height: HEIGHT }, title, [
    element('text', { class: 'title', x: 12, y: 22 }, title),
    ...names.flatMap(([name, colour], i) => keyOf(name, colour, 12 + i * 150)),
    element('text', { class: 'quiet', x: WIDTH - RIGHT, y: 22, 'text-anchor': 'end' }, `up: ${axes[1]}`),
    ...rows,
    ...panels.map((panel, i) =>
      group({ transform: `translate(${(LEFT + i * (width + GAP)).toFixed(1)} 0)` }, [
        ...panelOf(panel, { width, up, xMost: most.x ?? lastX(panel), limit }),
      ]),
    ),
    element('text', { class: 'quiet', x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 8, 'text-anchor': 'middle' }, axes[0]),
  ])
}

function keyOf(name: string, colour: number, x: number): string[] {
  return [
    group({ class: `c${colour}` }, [element('rect', { class: 'key', x, y: 36, width: 14, height: 4 })]),
    element('text', { class: 'quiet', x: x + 20, y: 42 }, name),
  ]
}

function lastX({ curves }: Panel): number {
  return Math.max(...curves.flatMap(({ points }) => points.map(([x]) => x)))
}

interface Space {
  readonly width: number
  readonly up: Scale
  readonly xMost: number
  readonly limit: number | undefined
}

function* panelOf({ title, curves, bands = [] }: Panel, { width, up, xMost, limit }: Space): Generator<string> {
  const right = linear(xMost, [0, width])
  const end = right.ticks.at(-1) ?? xMost
  yield element('text', { x: width / 2, y: TOP - 12, 'text-anchor': 'middle' }, title)
  for (const [from, to] of bands) {
    const x = right.place(from)
    yield element('rect', { class: 'band', x, y: TOP, width: right.place(to) - x, height: FLOOR - TOP })
  }
  for (const tick of up.ticks) {
    yield element('line', { class: 'grid', x1: 0, x2: width, y1: up.place(tick), y2: up.place(tick) })
  }
  for (const tick of right.ticks) {
    const x = right.place(tick)
    yield element('text', { class: 'quiet', x, y: FLOOR + 16, 'text-anchor': 'middle' }, tickText(tick))
  }
  if (limit !== undefined) {
    yield element('line', { class: 'limit', x1: 0, x2: width, y1: up.place(limit), y2: up.place(limit) })
  }
  for (const { points, colour } of curves) {
    const seen = points.filter(([x]) => x <= end)
    const path = seen.map(([x, y]) => `${right.place(x).toFixed(1)},${up.place(y).toFixed(1)}`).join(' ')
    yield group({ class: `c${colour}` }, [element('polyline', { class: 'curve', points: path })])
  }
}
