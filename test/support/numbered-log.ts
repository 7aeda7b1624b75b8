/**
 * Lines whose every byte follows from their number, written to files as applications do, and the account of the records
 * that came back: which lines are missing, changed, repeated or out of order.
 */
import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs'
import type { KafkaRecord } from './java-reader.ts'

const SAMPLES = [
  'GET /orders/17 200',
  'naïve résumé ✓ processed',
  '日本語のログ行',
  'a "quoted" \\ back\tslash',
  '🚀 launched',
]

/** Line `n` of a log, without its newline. Lengths vary from a few bytes to about 400; every tenth is not UTF-8. */
export function numberedLine(log: string, n: number): Buffer {
  const text = `${log} ${n} ${SAMPLES[n % SAMPLES.length]} ${'x'.repeat((n * 7919) % 350)}`
  return n % 10 === 9 ? Buffer.concat([Buffer.from(text), Buffer.of(0xff, 0xfe, 0xc3, 0x28, 0)]) : Buffer.from(text)
}

const NEWLINE = Buffer.from('\n')

/**
 * Appends numbered lines to a path. The file may be renamed meanwhile, as by rotation; then it goes on in the renamed
 * file until {@link reopen}.
 */
export class LogWriter {
  readonly log: string
  readonly path: string
  #descriptor: number
  /** The number of the next line, which is also how many were written. */
  next = 0

  constructor(log: string, path: string) {
    this.log = log
    this.path = path
    this.#descriptor = openSync(path, 'a')
  }

  /** Writes the next lines, each by itself or all in one write. */
  write(lines: number, how: 'each' | 'together' = 'together'): void {
    const buffers: Buffer[] = []
    for (let i = 0; i < lines; i++) {
      const line = Buffer.concat([numberedLine(this.log, this.next++), NEWLINE])
      if (how === 'each') writeSync(this.#descriptor, line)
      else buffers.push(line)
    }
    if (buffers.length > 0) writeSync(this.#descriptor, Buffer.concat(buffers))
  }

  /** Writes bytes that are not one of the numbered lines. */
  raw(bytes: string | Buffer): void {
    appendFileSync(this.#descriptor, bytes)
  }

  reopen(): void {
    this.close()
    this.#descriptor = openSync(this.path, 'a')
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor)
    this.#descriptor = -1
  }
}

export interface Account {
  readonly records: number
  readonly distinct: number
  /** Lines that did not come, up to 20, as log and number. */
  readonly missing: readonly string[]
  /** Records whose bytes are not those of any line, up to 5. */
  readonly changed: readonly string[]
  readonly repeated: number
  /** How many first occurrences came after a later line of the same log and partition. */
  readonly disordered: number
}

/** Finds the line in a record: the raw value, or the `message` of a json one. */
export type LineOf = (record: KafkaRecord) => Buffer

export const rawLine: LineOf = (record) => record.value ?? Buffer.alloc(0)

export const messageOf: LineOf = (record) => {
  const { message }: { message: string } = JSON.parse(record.value?.toString() ?? '{"message":""}')
  return Buffer.from(message)
}

/** {@link numberedLine} as JSON has it: with replacement characters for bytes that are not UTF-8. */
export const lossyLine: typeof numberedLine = (log, n) => Buffer.from(numberedLine(log, n).toString())

/** Compares the records that came with the lines that were written; `written`: number of lines by log. */
export function account(
  records: readonly KafkaRecord[],
  written: ReadonlyMap<string, number>,
  lineOf = rawLine,
  expected = numberedLine,
): Account {
  const seen = new Map([...written].map(([log, lines]): [string, Uint8Array] => [log, new Uint8Array(lines)]))
  const last = new Map<string, number>()
  const changed: string[] = []
  let distinct = 0
  let disordered = 0
  for (const record of records) {
    const line = lineOf(record)
    const [log = '', number = ''] = line.subarray(0, 200).toString('latin1').split(' ', 2)
    const n = Number(number)
    const flags = seen.get(log)
    if (flags === undefined || !(n < flags.length) || !line.equals(expected(log, n))) {
      if (changed.length < 5) changed.push(line.subarray(0, 120).toString('latin1'))
      continue
    }
    if (flags[n] === 1) continue
    flags[n] = 1
    distinct++
    const place = `${log} ${record.partition}`
    if (n < (last.get(place) ?? -1)) disordered++
    else last.set(place, n)
  }
  const missing: string[] = []
  for (const [log, flags] of seen)
    flags.forEach((flag, n) => flag === 0 && missing.length < 20 && missing.push(`${log} ${n}`))
  return {
    records: records.length,
    distinct,
    missing,
    changed,
    repeated: records.length - distinct - changed.length,
    disordered,
  }
}
