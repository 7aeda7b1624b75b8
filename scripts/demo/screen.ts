/** The demo's output: plain lines, and on a terminal also a line of progress that is overwritten, and bold headings. */

/** How often the progress is printed where it can't be overwritten. */
const PLAIN_MS = 2000

export interface Row {
  readonly name: string
  readonly value: string
  readonly note?: string
}

export class Screen {
  readonly #out: NodeJS.WriteStream
  readonly #clock: () => number
  #printedAt = -Infinity
  #isOverwritable = false

  /** `clock` gives monotonic ms. */
  constructor(out: NodeJS.WriteStream, clock: () => number) {
    this.#out = out
    this.#clock = clock
  }

  heading(text: string): void {
    this.line(`\n${this.#out.hasColors?.() ? `\u001b[1m${text}\u001b[0m` : text}`)
  }

  line(text: string): void {
    this.#out.write(`${this.#isOverwritable ? '\n' : ''}${text}\n`)
    this.#isOverwritable = false
  }

  progress(text: string): void {
    if (this.#out.isTTY) {
      this.#out.write(`\r\u001b[K${text.slice(0, this.#out.columns - 1)}`)
      this.#isOverwritable = true
    } else if (this.#clock() - this.#printedAt >= PLAIN_MS) {
      this.#printedAt = this.#clock()
      this.line(text)
    }
  }

  /** Prints a line in place of the progress. */
  replace(text: string): void {
    this.#out.write(`${this.#isOverwritable ? '\r\u001b[K' : ''}${text}\n`)
    this.#isOverwritable = false
  }

  /** Prints rows with names aligned left and values aligned right. */
  table(rows: readonly Row[]): void {
    const names = Math.max(...rows.map(({ name }) => name.length))
    const values = Math.max(...rows.map(({ value }) => value.length))
    for (const { name, value, note = '' } of rows) {
      this.line(`  ${name.padEnd(names)}  ${value.padStart(values)}  ${note}`.trimEnd())
    }
  }
}

/** A number with separators: 1,234,567. */
export function counted(n: number): string {
  return Math.round(n).toLocaleString('en-US')
}
