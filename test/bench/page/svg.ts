/**
 * Draws plots: SVG elements as text, scales and their ticks. Colours follow the reader's scheme, light or dark, on a
 * background of their own, so that a plot is readable wherever it is shown.
 */

const STYLE = `
.ground{fill:#fff}text{font:12px system-ui,sans-serif;fill:#1f2328}.quiet{fill:#59636e}.title{font-weight:600}
.grid{stroke:#d1d9e0;fill:none}.limit{stroke:#cf222e;stroke-dasharray:4 3;fill:none}.band{fill:#cf222e;opacity:.1}
.c0{color:#0969da}.c1{color:#bc4c00}.c2{color:#1a7f37}.c3{color:#8250df}
.dot{fill:currentColor;opacity:.55}.mark{stroke:currentColor;stroke-width:2.5}.range{stroke:currentColor;opacity:.5}
.curve{stroke:currentColor;fill:none;stroke-width:1.5}.key{fill:currentColor}
@media (prefers-color-scheme:dark){.ground{fill:#0d1117}text{fill:#f0f6fc}.quiet{fill:#9198a1}.grid{stroke:#3d444d}
.limit{stroke:#f85149}.band{fill:#f85149;opacity:.18}.c0{color:#4493f8}.c1{color:#f0883e}.c2{color:#3fb950}.c3{color:#ab7df8}}
`

export interface Size {
  readonly width: number
  readonly height: number
}

/** A whole picture as text. */
export function svg({ width, height }: Size, title: string, content: readonly string[]): string {
  const box = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    ...content,
    '</svg>\n',
  ].join('\n')
}

export type Attributes = Readonly<Record<string, string | number>>

export function element(name: string, attributes: Attributes, text?: string): string {
  const written = Object.entries(attributes).map(([key, value]) => {
    return `${key}="${typeof value === 'number' ? Number(value.toFixed(1)) : escaped(value)}"`
  })
  const open = [name, ...written].join(' ')
  return text === undefined ? `<${open}/>` : `<${open}>${escaped(text)}</${name}>`
}

export function group(attributes: Attributes, content: readonly string[]): string {
  const open = element('g', attributes).slice(0, -2)
  return [`${open}>`, ...content, '</g>'].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

/** Maps values to places in the picture, and says where ticks are. */
export interface Scale {
  place(value: number): number
  readonly ticks: readonly number[]
}

/** A scale from 0, or from below the `least` value, to a round number above the largest one. */
export function linear(most: number, [from, to]: readonly [number, number], least = 0): Scale {
  const step = roundStep((most - least) / 5)
  const end = Math.ceil(most / step) * step
  const begin = Math.floor(least / step) * step
  const ticks = Array.from({ length: Math.round((end - begin) / step) + 1 }, (_, i) => begin + i * step)
  return { ticks, place: (value) => from + ((value - begin) / (end - begin)) * (to - from) }
}

/** A logarithmic scale with ticks at 1, 2 and 5 of each decade. */
export function logarithmic([least, most]: readonly [number, number], [from, to]: readonly [number, number]): Scale {
  const all = Array.from({ length: 12 }, (_, i) => 10 ** (i - 4)).flatMap((decade) => [decade, 2 * decade, 5 * decade])
  const begin = all.findLast((tick) => tick <= least) ?? least
  const end = all.find((tick) => tick >= most) ?? most
  const part = (value: number): number => Math.log(value / begin) / Math.log(end / begin)
  return {
    ticks: all.filter((tick) => tick >= begin && tick <= end),
    place: (value) => from + part(Math.max(value, begin)) * (to - from),
  }
}

function roundStep(step: number): number {
  const decade = 10 ** Math.floor(Math.log10(step))
  return ([1, 2, 5, 10].find((factor) => factor * decade >= step) ?? 10) * decade
}

/** The text of a tick, without rounding errors: 0.1 + 0.2 as 0.3. */
export function tickText(tick: number): string {
  return Number(tick.toPrecision(6)).toLocaleString('en-US')
}
