/**
 * The log lines of the benchmarks: as an nginx access log has them, 188 bytes on average, each with a number of its own.
 * A block of 4,096 different lines is made once and then only numbered anew, so that writing them costs next to nothing
 * beside what is measured. The same on every run.
 */

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
  /** Where line i begins; one more than there are lines, so that the last one's end is there too. */
  readonly starts: readonly number[]
  /** Where the digits of line i are. */
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

  /** Line i with its newline: a view, good until it is numbered again. */
  line(i: number): Buffer {
    return this.bytes.subarray(this.starts[i], this.starts[i + 1])
  }
}

/** The number of the line that a record was made of, raw or in JSON; -1 if there is none. */
export function numberIn(value: Buffer): number {
  const at = value.indexOf(MARK) + MARK.length
  if (at < MARK.length || at + DIGITS > value.length) return -1
  let n = 0
  for (let i = at; i < at + DIGITS; i++) n = n * 10 + (value[i] ?? NaN) - 48
  return Number.isInteger(n) ? n : -1
}

type Below = (limit: number) => number

/** xorshift, seeded by a constant. */
function generator(): Below {
  let x = 2463534242
  return (limit) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) % limit
  }
}

function lineOf(next: Below): string {
  const one = <T>(from: readonly [T, ...T[]]): T => from[next(from.length)] ?? from[0]
  const two = (): string => String(next(60)).padStart(2, '0')
  const client = `10.${next(256)}.${next(256)}.${next(256)}`
  const time = `22/Nov/2026:${String(next(24)).padStart(2, '0')}:${two()}:${two()} +0000`
  const request = `${one(METHODS)} ${one(PATHS)}${next(1 << 24)} HTTP/1.1`
  const rest = `"https://example.com/${next(1 << 20)}" "${one(AGENTS)}"`
  return `${client} - - [${time}] "${request}" ${one(STATUSES)} ${next(90_000)} ${rest}${MARK}${'0'.repeat(DIGITS)}\n`
}
