/**
 * The log lines of the benchmarks: like those of an nginx access log, 188 bytes on average, each with a number of its
 * own. A block of 4,096 different lines is made once and then only gets new numbers, so that writing lines costs next to
 * nothing beside what is measured. The lines are the same in every run.
 */
import { generator } from '../generator.ts'

/** Lines in a block. */
export const BLOCK_LINES = 4096

const DIGITS = 10
const MARK = ' n='

type Words = readonly [string, ...string[]]

const METHODS: Words = ['GET', 'GET', 'GET', 'GET', 'POST', 'PUT']
const PATHS: Words = [
  '/api/v1/orders/',
  '/static/js/app.js?v=',
  '/healthz?probe=',
  '/users/profile/',
  '/search?page=2&q=',
  '/cart/',
]
const STATUSES: readonly [number, ...number[]] = [200, 200, 200, 200, 201, 204, 304, 404, 500]
const AGENTS: Words = [
  'Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0.0.0',
  'kube-probe/1.33',
  'okhttp/4.12.0 (internal checkout client)',
]

export class LineBlock {
  readonly bytes: Buffer
  /** Where line i begins, and, as the last element, where the last line ends. */
  readonly starts: readonly number[]
  /** Where the digits of line i begin. */
  readonly #numbers: readonly number[]

  constructor() {
    const next = generator()
    const lines = Array.from({ length: BLOCK_LINES }, () => Buffer.from(lineOf(next)))
    this.bytes = Buffer.concat(lines)
    const starts = [0]
    for (const line of lines) starts.push((starts.at(-1) ?? 0) + line.length)
    this.starts = starts
    this.#numbers = lines.map((line, i) => (starts[i] ?? 0) + line.lastIndexOf(MARK) + MARK.length)
  }

  /** Gives line i of the block this number. */
  number(i: number, n: number): void {
    let at = (this.#numbers[i] ?? 0) + DIGITS
    for (let digit = 0; digit < DIGITS; digit++) {
      this.bytes[--at] = 48 + (n % 10)
      n = Math.floor(n / 10)
    }
  }

  /** Line i with its newline: a view that is valid until the line gets another number. */
  line(i: number): Buffer {
    return this.bytes.subarray(this.starts[i], this.starts[i + 1])
  }
}

/** The number of the line in a record, raw or JSON; -1: there is none. */
export function numberIn(value: Buffer): number {
  const at = value.indexOf(MARK) + MARK.length
  if (at < MARK.length || at + DIGITS > value.length) return -1
  let n = 0
  for (let i = at; i < at + DIGITS; i++) n = n * 10 + (value[i] ?? NaN) - 48
  return Number.isInteger(n) ? n : -1
}

function lineOf(next: (below: number) => number): string {
  const one = <T>(from: readonly [T, ...T[]]): T => from[next(from.length)] ?? from[0]
  const two = (): string => String(next(60)).padStart(2, '0')
  const client = `10.${next(256)}.${next(256)}.${next(256)}`
  const time = `22/Nov/2026:${String(next(24)).padStart(2, '0')}:${two()}:${two()} +0000`
  const request = `${one(METHODS)} ${one(PATHS)}${next(1 << 24)} HTTP/1.1`
  const rest = `"https://example.com/${next(1 << 20)}" "${one(AGENTS)}"`
  return `${client} - - [${time}] "${request}" ${one(STATUSES)} ${next(90_000)} ${rest}${MARK}${'0'.repeat(DIGITS)}\n`
}
