/** Compares the records read from Kafka with the lines that the app wrote: every line once, every byte unchanged. */
import { identify, lineOf, type Log } from './lines.ts'

/** A record as `logagent consume --format record` prints it. */
interface Shown {
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** The parts of a record's value that are compared. */
interface Shipped {
  readonly message: string
  readonly log: { readonly file: { readonly id: string } }
}

export interface Sums {
  readonly records: number
  readonly missing: number
  readonly repeated: number
  /** Records whose message is not, byte for byte, a line of the app. */
  readonly changed: number
  /** Lines whose first occurrence comes after a later line of their file. */
  readonly disordered: number
}

const SAMPLES_AT: ReadonlySet<string> = new Set(['access-2', 'app-1', 'app-3'])

export class Account {
  /** A few whole records, to be shown. */
  readonly samples: string[] = []
  readonly #since: number
  readonly #seen: Readonly<Record<Log, Uint8Array>>
  /**
   * The highest line number by `log.file.id`. Order is kept within a file, and its rotated pieces may go to other
   * partitions.
   */
  readonly #last = new Map<string, number>()
  #records = 0
  #repeated = 0
  #changed = 0
  #disordered = 0

  constructor(written: Readonly<Record<Log, number>>, since: number) {
    this.#since = since
    this.#seen = { access: new Uint8Array(written.access), app: new Uint8Array(written.app) }
  }

  /** Adds one line of `logagent consume --format record`. */
  add(line: string): void {
    const { partition, offset, value }: Shown = JSON.parse(line)
    const { message, log: source }: Shipped = JSON.parse(value)
    this.#records++
    const is = identify(message)
    if (is === null || message !== lineOf(is.log, is.n, this.#since) || is.n >= this.#seen[is.log].length) {
      this.#changed++
      return
    }
    const { log, n } = is
    const { id } = source.file
    if (this.#seen[log][n] === 1) this.#repeated++
    else if (n < (this.#last.get(id) ?? -1)) this.#disordered++
    else this.#last.set(id, n)
    this.#seen[log][n] = 1
    if (SAMPLES_AT.has(`${log}-${n}`)) this.samples.push(`partition ${partition}, offset ${offset}: ${value}`)
  }

  sums(): Sums {
    let missing = 0
    for (const seen of Object.values(this.#seen)) for (const flag of seen) if (flag === 0) missing++
    return {
      records: this.#records,
      missing,
      repeated: this.#repeated,
      changed: this.#changed,
      disordered: this.#disordered,
    }
  }
}
