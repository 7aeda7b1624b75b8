/**
 * When files are looked at for new bytes: not whenever something happens, but all together, at beats. A file is then read
 * with all bytes that came meanwhile, and the lines of all files leave in the same requests. The first event after a pause
 * makes a beat at once, so that a lone line does not wait.
 *
 * Two kinds of files are looked at: files with an event ({@link Polling.notice}), and files without a watch
 * ({@link Polling.poll}):
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
  /** The least time from one beat to the next; ms. */
  readonly pollMs: number
  /** Whether the file has no watch, so that it has to be polled. */
  readonly isPolled: (file: LogFile) => boolean
  /** The file may have something to read. */
  readonly wake: (file: LogFile) => void
  /** Give all files that were woken their turns now. */
  readonly takeTurns: () => void
  /** Called at each beat: directories without a watch should be looked at too. */
  readonly polling: () => void
}

/** For this long after its last bytes, and for two looks at least, a file is slow and not cold. */
const WARM_MS = 1000

/** About forty lines: a look that brings as much is worth its cost. */
const BUSY_BYTES = 8192

/** How many looks a second, over all files, may bring less, as long as no file waits longer than {@link SLOW_MS}. */
const SLOW_LOOKS_PER_SECOND = 120
const SLOW_MS = 1000

/** Up to this many slow files have a look at every beat: a setting of shorter beats is worth its cost there. */
const LEAST_SLOW_FILES = 8

/** With very many slow files, the limit of looks a second, even if a file then waits longer than {@link SLOW_MS}. */
const MOST_SLOW_LOOKS_PER_SECOND = 10_000

/** The time from one look at cold files to the next, and the largest number that is looked at each time. */
const COLD_POLL_MS = 250
const COLD_POLLS = 250

/** What the last looks at a polled file brought. */
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
  /** Ms from one look at slow files to the next, by how many there were at the last look. */
  #slowMs: number
  #timer: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null
  /** Monotonic ms when the next beat is due; Infinity: there is no reason for one. */
  #dueAt = Infinity
  #stopped = false

  constructor(options: PollingOptions) {
    this.#options = options
    this.#slowMs = options.pollMs
  }

  /** Something happened to the file: look at it with the next beat. */
  notice(file: LogFile): void {
    this.#noticed.add(file)
    this.#arm(this.#beatAt + this.#options.pollMs)
  }

  /** Look at this file again and again from now on, until it turns out to have a watch. */
  poll(file: LogFile): void {
    if (this.#polled.has(file)) return
    this.#polled.set(file, { next: file.next, isBusy: false })
    this.#arm(file.activeAt > this.#warmSince ? this.#slowAt + this.#slowMs : this.#coldAt + COLD_POLL_MS)
  }

  /** Whether the file had bytes a moment ago, so that it is busy or slow, and not cold. */
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
    // not at once, so that other events of the same moment share the beat
    if (wait <= 0) this.#immediate = setImmediate(() => this.#beat())
    // polling alone must not keep the process alive
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
      // slow beats look at the cold files too, so these need no beats of their own
      else this.#arm(slow > 0 ? this.#slowAt + this.#slowMs : this.#coldAt + COLD_POLL_MS)
    }
    takeTurns()
  }

  /** Look at the busy files and, if it is their time, at the slow ones. Returns how many there are of each. */
  #pollWarm(now: number): { busy: number; slow: number } {
    const { pollMs, wake } = this.#options
    const warmSince = this.#warmSince
    // a beat that comes a little early counts, so that no second one is needed
    const isSlowBeat = now >= this.#slowAt + this.#slowMs - pollMs / 4
    let busy = 0
    let slow = 0
    // thousands of files may be polled, and a loop over the entries of a map would make an array for each
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

/** Ms from one look at slow files to the next, where there are so many of them. */
function slowMs(pollMs: number, files: number): number {
  const usual = (files * 1000) / SLOW_LOOKS_PER_SECOND
  const longest = Math.max(SLOW_MS, (files * 1000) / MOST_SLOW_LOOKS_PER_SECOND)
  const forFew = (files * pollMs) / LEAST_SLOW_FILES
  return Math.round(Math.max(pollMs, Math.min(usual, longest, forFew)))
}
