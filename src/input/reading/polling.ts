/**
 * When files are looked at for new bytes. Not at once whenever something happens, but together, at beats: a file is then
 * read with all that came meanwhile, and what was read of all files leaves in the same requests. The first event after a
 * pause is a beat of its own, so that a lone line does not wait.
 *
 * Two kinds of files are looked at: those that an event told of ({@link Polling.notice}), and those that no watch speaks
 * for ({@link Polling.poll}):
 *
 * | file                                               | looked at every                                   |
 * |----------------------------------------------------|---------------------------------------------------|
 * | busy: its last look brought {@link BUSY_BYTES}     | `pollMs`                                          |
 * | slow: it had bytes a moment ago, but few           | `pollMs`, longer where many are: {@link slowMs}   |
 * | cold                                               | {@link COLD_POLL_MS}, longer where many are       |
 */
import type { LogFile } from '../files/log-file.ts'

export interface PollingOptions {
  /** Monotonic ms. */
  readonly clock: () => number
  /** From one beat to the next, at least; ms. */
  readonly pollMs: number
  /** Whether no watch speaks for the file, so that it has to be polled. */
  readonly isPolled: (file: LogFile) => boolean
  /** The file may have something to read. */
  readonly wake: (file: LogFile) => void
  /** Give the files that were woken their turns, now. */
  readonly takeTurns: () => void
  /** A beat: directories without a watch should be looked at too. */
  readonly polling: () => void
}

/** A file is slow, and not cold, for so long after its last bytes, and for two looks at least. */
const WARM_MS = 1000

/** Forty lines or so: a look that brings as much is worth its cost. */
const BUSY_BYTES = 8192

/** So many looks a second, in all, may bring less, as long as nobody has to wait longer than the other for it. */
const SLOW_LOOKS_PER_SECOND = 120
const SLOW_MS = 1000

/** With shorter beats, whoever asked for them pays for more: so many slow files are looked at at every beat. */
const LEAST_SLOW_FILES = 8

/** Where there are very many, even this: looks a second. */
const MOST_SLOW_LOOKS_PER_SECOND = 10_000

/** From one look at a cold file to the next, and how many are looked at in that time, at most. */
const COLD_POLL_MS = 250
const COLD_POLLS = 250

/** How the last looks at a polled file went. */
interface Looked {
  /** Where its next read began at the last look. */
  next: number
  isBusy: boolean
}

export class Polling {
  readonly #options: PollingOptions
  readonly #noticed = new Set<LogFile>()
  readonly #polled = new Map<LogFile, Looked>()
  #coldPolls: Iterator<LogFile> | null = null
  #beatAt = -Infinity
  #slowAt = -Infinity
  #coldAt = -Infinity
  /** From one look at slow files to the next, for as many as there were at the last one. */
  #slowMs: number
  #timer: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null
  /** When the next beat is due; Infinity: there is no reason for one. */
  #dueAt = Infinity
  #stopped = false

  constructor(options: PollingOptions) {
    this.#options = options
    this.#slowMs = options.pollMs
  }

  /** Something happened to the file: it is looked at with the next beat. */
  notice(file: LogFile): void {
    this.#noticed.add(file)
    this.#arm(this.#beatAt + this.#options.pollMs)
  }

  /** Look at this file again and again from now on, until a watch is found to speak for it. */
  poll(file: LogFile): void {
    if (this.#polled.has(file)) return
    this.#polled.set(file, { next: file.next, isBusy: false })
    this.#arm(file.activeAt > this.#warmSince ? this.#slowAt + this.#slowMs : this.#coldAt + COLD_POLL_MS)
  }

  /** Whether it had bytes a moment ago: it is busy or slow, and not cold. */
  isWarm(file: LogFile): boolean {
    return file.activeAt > this.#warmSince
  }

  forget(file: LogFile): void {
    this.#noticed.delete(file)
    this.#polled.delete(file)
  }

  stop(): void {
    this.#stopped = true
    this.#disarm()
  }

  get #warmSince(): number {
    return this.#options.clock() - Math.max(WARM_MS, 2 * this.#slowMs)
  }

  #arm(at: number): void {
    if (this.#stopped || at >= this.#dueAt) return
    this.#disarm()
    this.#dueAt = at
    const wait = at - this.#options.clock()
    // not here: other events of the same moment go along
    if (wait <= 0) this.#immediate = setImmediate(() => this.#beat())
    // polling alone is no reason to live
    else this.#timer = setTimeout(() => this.#beat(), Math.ceil(wait)).unref()
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timer = this.#immediate = null
    this.#dueAt = Infinity
  }

  #beat(): void {
    this.#disarm()
    const { clock, pollMs, polling, wake, takeTurns } = this.#options
    const now = clock()
    this.#beatAt = now
    polling()
    for (const file of this.#noticed) wake(file)
    this.#noticed.clear()
    if (this.#polled.size > 0) {
      const { busy, slow } = this.#pollWarm(now)
      if (now >= this.#coldAt + COLD_POLL_MS) this.#pollCold(now)
      if (busy > 0) this.#arm(now + pollMs)
      // cold files are no reason for beats of their own then
      else this.#arm(slow > 0 ? this.#slowAt + this.#slowMs : this.#coldAt + COLD_POLL_MS)
    }
    takeTurns()
  }

  /** Returns how many there are. */
  #pollWarm(now: number): { busy: number; slow: number } {
    const { pollMs, wake } = this.#options
    const warmSince = this.#warmSince
    // a beat that comes a little early is no reason for another one
    const isSlowBeat = now >= this.#slowAt + this.#slowMs - pollMs / 4
    let busy = 0
    let slow = 0
    // thousands may be polled: a loop over a map would make an array for each
    this.#polled.forEach((looked, file) => {
      if (file.activeAt <= warmSince) return
      if (looked.isBusy || isSlowBeat) {
        looked.isBusy = file.next - looked.next >= BUSY_BYTES
        looked.next = file.next
        wake(file)
      }
      if (looked.isBusy) busy++
      else slow++
    })
    if (isSlowBeat) {
      this.#slowAt = now
      this.#slowMs = slowMs(pollMs, slow)
    }
    return { busy, slow }
  }

  #pollCold(now: number): void {
    const { isPolled, wake } = this.#options
    const warmSince = this.#warmSince
    this.#coldAt = now
    this.#coldPolls ??= this.#polled.keys()
    for (let i = 0; i < COLD_POLLS; i++) {
      const { value, done } = this.#coldPolls.next()
      if (done === true) {
        this.#coldPolls = null
        return
      }
      if (!isPolled(value)) this.#polled.delete(value)
      else if (value.activeAt > warmSince) continue
      wake(value)
    }
  }
}

function slowMs(pollMs: number, files: number): number {
  const usual = (files * 1000) / SLOW_LOOKS_PER_SECOND
  const longest = Math.max(SLOW_MS, (files * 1000) / MOST_SLOW_LOOKS_PER_SECOND)
  const asked = (files * pollMs) / LEAST_SLOW_FILES
  return Math.round(Math.max(pollMs, Math.min(usual, longest, asked)))
}
