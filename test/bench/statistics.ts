/** The few numbers that the tables are made of. */

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

/** Null of nothing. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const [least = NaN, most = NaN] = [sorted[0], sorted.at(-1)]
  return { median: quantile(sorted, 0.5), least, most, count: sorted.length }
}

/** Between the two nearest values; of an ascending list. */
export function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** There and back: what slows the machine down for a while, or ever more, meets all alike. */
export function abba<T>(subjects: readonly T[]): T[] {
  return [...subjects, ...subjects.toReversed()]
}
