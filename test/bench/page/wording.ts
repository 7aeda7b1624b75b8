/** Writes figures and tables as text. */
import type { Spread } from '../statistics.ts'

export const NOTHING = '–'

/** A number for a table: 12345.678 as 12,346; below 100 with one or two decimals. */
export function number(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `median (least–most) unit` */
export function spread(of: Spread | null, write: (value: number) => string = number, unit = ''): string {
  if (of === null) return NOTHING
  const [least, median, most] = [of.least, of.median, of.most].map((value) => write(value))
  return `${least === most ? median : `${median} (${least}–${most})`}${unit}`
}

/** A wanted value as it was written down: 10, not 10.0. */
export function plain(value: number): string {
  return String(Number(value.toPrecision(4)))
}

/** A ratio; one below a half as 1/n. */
export function ratio(value: number, write = number): string {
  return value < 0.5 ? `1/${write(1 / value)}` : `${write(value)}×`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
