/**
 * Events of watches can be missed. The sweep therefore checks every file once in `file.sweepMs`, a few files at a time,
 * whether there were events or not.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Generations } from '../files/generations.ts'
import type { LogFile } from '../files/log-file.ts'

export interface SweepOptions {
  readonly generations: Pick<Generations, 'all' | 'count'>
  readonly inspection: Pick<Generations['inspection'], 'check'>
  readonly known: Pick<Generations['known'], 'doubt'>
  /** Called with a file that may have something to read. */
  readonly wake: (file: LogFile) => void
  /** The fraction of all files that is checked at each call. */
  readonly share: number
}

export class Sweep {
  readonly #options: SweepOptions
  #files: Iterator<LogFile> | null = null

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** Checks the next few files. Does not wait for mounts that may hang. */
  async some(): Promise<void> {
    const { generations, share } = this.#options
    for (let left = Math.ceil(generations.count * share); left > 0; left--) {
      this.#files ??= generations.all()[Symbol.iterator]()
      const { value: file, done } = this.#files.next()
      if (done === true) {
        this.#files = null
        return
      }
      const asked = this.ask(file)
      if (!file.volume.remote) await asked
    }
  }

  /** Checks one file now, unless a check of it is under way: only one call at a time is made to a mount that hangs. */
  async ask(file: LogFile): Promise<void> {
    const { inspection, known, wake } = this.#options
    if (file.isOver || file.turn.checking) return
    file.turn.beginCheck()
    const found = await inspection.check(file).catch(unsure)
    file.turn.endCheck()
    if (found === 'unsure') known.doubt(file)
    else if (found === 'grown') wake(file)
  }
}

function unsure(error: unknown): 'unsure' {
  ignoreSystemError(error)
  return 'unsure'
}
