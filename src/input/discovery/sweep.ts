/**
 * Watches can fail to tell: every file is asked for its facts once in `file.sweepMs`, a few at a time, whatever the
 * kernel told of it.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Generations } from '../files/generations.ts'
import type { LogFile } from '../files/log-file.ts'

export interface SweepOptions {
  readonly generations: Pick<Generations, 'all' | 'count'>
  readonly inspection: Pick<Generations['inspection'], 'check'>
  readonly known: Pick<Generations['known'], 'doubt'>
  /** There may be something to read. */
  readonly wake: (file: LogFile) => void
  /** The part of all files that is asked each time. */
  readonly share: number
}

export class Sweep {
  readonly #options: SweepOptions
  #files: Iterator<LogFile> | null = null

  constructor(options: SweepOptions) {
    this.#options = options
  }

  /** Ask the next few. Does not wait for mounts that may hang. */
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

  /** Ask one file now. A mount that hangs is not asked twice. */
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
