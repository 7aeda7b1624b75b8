/**
 * Lines whose every byte is known from their number, written to files as applications do, and the accounting of what
 * came back: nothing missing, nothing changed, order kept on first occurrence.
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

/** Appends numbered lines to a path, which may be renamed under it as a logger's file is: {@link reopen} then. */
export class LogWriter {
  readonly log: string
  readonly path: string
  #descriptor: number
  /** Number of the next line: how many were written. */
  next = 0

  constructor(log: string, path: string) {
    this.log = log
    this.path = path
    this.#descriptor = openSync(path, 'a')
  }

  /** Each line with a write of its own, or all in one. */
  write(lines: number, how: 'each' | 'together' = 'together'): void {
    const buffers: Buffer[] = []
    for (let i = 0; i < lines; i++) {
      const line = Buffer.concat([numberedLine(this.log, this.next++), NEWLINE])
      if (how === 'each') writeSync(this.#descriptor, line)
      else buffers.push(line)
    }
    if (buffers.length > 0) writeSync(this.#descriptor, Buffer.concat(buffers))
  }

  /** Write bytes that are no line of the numbering. */
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
  /** Numbers that did not come, up to 20 of them. */
  readonly missing: readonly string[]
  /** Records whose bytes are not those of any line, up to 5. */
  readonly changed: readonly string[]
  readonly repeated: number
  /** First occurrences that came after a later line of the same log and partition. */
  readonly disordered: number
}

/** The line in a record: the raw value, or the `message` of a json one. */
export type LineOf = (record: KafkaRecord) => Buffer

export const rawLine: LineOf = (record) => record.value ?? Buffer.alloc(0)

export const messageOf: LineOf = (record) => {
  const { message }: { message: string } = JSON.parse(record.value?.toString() ?? '{"message":""}')
  return Buffer.from(message)
}

/** {@link numberedLine} as JSON can have it: replacement characters for what is not UTF-8. */
export const lossyLine: typeof numberedLine = (log, n) => Buffer.from(numberedLine(log, n).toString())

/** Compares what came with what was written; `written`: number of lines by log. */
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
