/** Numbers with a unit, as a person writes them: bytes and durations. */

type Units = readonly (readonly [name: string, size: number])[]

/** The largest unit comes first, so that a value is shown in the largest unit that divides it. */
const BYTE_UNITS: Units = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
]
const TIME_UNITS: Units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
]

/** Parses '256KiB', '1.5 MiB' or '4096' to bytes; undefined if the text is no size or no whole number of bytes. */
export function parseBytes(text: string): number | undefined {
  return quantity(text, BYTE_UNITS)
}

/**
 * Parses '500ms', '25s', '5m' or '250' to milliseconds; undefined if the text is no duration or no whole number of
 * them.
 */
export function parseDuration(text: string): number | undefined {
  return quantity(text, TIME_UNITS)
}

/** Bytes as a person writes them, exactly: 1048576 is '1MiB', 1000000 stays '1000000'. */
export function showBytes(bytes: number): string {
  return showQuantity(bytes, BYTE_UNITS)
}

/** Milliseconds as a person writes them, exactly: 60000 is '1m', 1500 is '1500ms'. */
export function showDuration(milliseconds: number): string {
  return showQuantity(milliseconds, TIME_UNITS)
}

function quantity(text: string, units: Units): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(text.trim())
  const unit = match?.[2]?.toLowerCase() ?? ''
  const size = unit === '' ? 1 : units.find(([name]) => name.toLowerCase() === unit)?.[1]
  const value = Number(match?.[1]) * (size ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : undefined
}

function showQuantity(value: number, units: Units): string {
  const [name, size] = units.find(([, size]) => value > 0 && value % size === 0) ?? ['', 1]
  return `${value / size}${name}`
}
