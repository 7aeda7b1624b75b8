/** The statistics of the tables: medians with their range, quantiles, means; and the order of runs. */

export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
  readonly count: number
}

/** The median and the range of values; null if there are none. */
export function spreadOf(values: readonly number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = [...values].sort((a, b) => a - b)
  const [least = NaN, most = NaN] = [sorted[0], sorted.at(-1)]
  return { median: quantile(sorted, 0.5), least, most, count: sorted.length }
}

/** A quantile of an ascending list, interpolated between the two nearest values. */
export function quantile(sorted: readonly number[], part: number): number {
  const place = (sorted.length - 1) * part
  const below = sorted[Math.floor(place)] ?? NaN
  const above = sorted[Math.ceil(place)] ?? NaN
  return below + (above - below) * (place - Math.floor(place))
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** The subjects there and back: a machine that is slow for a while, or gets ever slower, affects all alike. */
export function abba<T>(subjects: readonly T[]): T[] {
  return [...subjects, ...subjects.toReversed()]
}
