/**
 * When to request metadata, and of which topics: at once for a new topic; with back-off for one whose metadata may be
 * wrong or lacks something; for all of them every `maxAgeMs`; and never while no topic is wanted. There is one request
 * at a time, and one timer.
 */
import { AgentError } from '../../errors.ts'
import { Backoff, type BackoffLimits } from '../backoff.ts'

export interface RefreshOptions {
  readonly maxAgeMs: number
  readonly retry: BackoffLimits
  readonly random: () => number
  readonly now: () => number
  /**
   * Requests these topics, and takes the response in. Resolves with the topics to be requested again soon, and whether
   * anything was new; rejects when no broker responded.
   */
  readonly request: (
    topics: readonly string[],
  ) => Promise<{ readonly troubled: readonly string[]; readonly news: boolean }>
}

export class MetadataRefresh {
  readonly #options: RefreshOptions
  readonly #backoff: Backoff
  readonly #wanted = new Set<string>()
  /** Topics of the next request. */
  readonly #stale = new Set<string>()
  /** When to request the stale ones; Infinity: not needed. */
  #soonAt = Infinity
  /** When to request all. */
  #allAt = Infinity
  #lastAt = -Infinity
  #running = false
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: RefreshOptions) {
    this.#options = options
    this.#backoff = new Backoff(options.retry, options.random)
  }

  /** Keeps the metadata of a topic fresh from now on. */
  want(topic: string): void {
    if (this.#wanted.has(topic)) return
    this.#wanted.add(topic)
    this.#stale.add(topic)
    this.#soon(0)
  }

  /** The metadata of a topic may be wrong. Any number of calls until the next request count as one. */
  doubt(topic: string): void {
    if (!this.#wanted.has(topic)) return
    this.#stale.add(topic)
    this.#doubted()
  }

  /** The metadata of any topic may be wrong. */
  doubtAll(): void {
    for (const topic of this.#wanted) this.#stale.add(topic)
    if (this.#wanted.size > 0) this.#doubted()
  }

  /** Requests a topic without back-off, because it should be there now. */
  hurry(topic: string): void {
    this.#stale.add(topic)
    this.#soon(0)
  }

  close(): void {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #doubted(): void {
    if (this.#soonAt !== Infinity) return
    // After a long time without trouble this is another incident.
    if (this.#options.now() - this.#lastAt > 2 * this.#options.retry.maxMs) this.#backoff.reset()
    this.#soon(this.#backoff.next())
  }

  #soon(delayMs: number): void {
    this.#soonAt = Math.min(this.#soonAt, this.#options.now() + delayMs)
    this.#arm()
  }

  #arm(): void {
    if (this.#running || this.#closed) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    const dueAt = Math.min(this.#soonAt, this.#allAt)
    if (dueAt === Infinity) return
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, Math.ceil(dueAt - this.#options.now())))
  }

  async #run(): Promise<void> {
    const { now, request } = this.#options
    this.#timer = null
    // A timer may come a fraction of a millisecond before its time.
    if (now() < Math.min(this.#soonAt, this.#allAt)) {
      this.#arm()
      return
    }
    this.#running = true
    const all = now() >= this.#allAt || this.#stale.size === this.#wanted.size
    const topics = [...(all ? this.#wanted : this.#stale)]
    this.#stale.clear()
    this.#soonAt = Infinity
    // If no broker responds, all are stale and requested with back-off: a time that lies in the past would be due at
    // once.
    if (all) this.#allAt = Infinity
    try {
      const { troubled, news } = await request(topics)
      if (news) this.#backoff.reset()
      this.#lastAt = now()
      if (all) this.#allAt = this.#nextAll()
      this.#retry(troubled)
    } catch (error) {
      // Each broker that failed has reported why; here it only means another attempt.
      if (!(error instanceof AgentError)) throw error
      this.#retry(topics)
    }
    this.#running = false
    this.#arm()
  }

  #retry(topics: readonly string[]): void {
    for (const topic of topics) this.#stale.add(topic)
    if (topics.length > 0) this.#soonAt = Math.min(this.#soonAt, this.#options.now() + this.#backoff.next())
  }

  /**
   * When to request all next: at random in the last fifth of `maxAgeMs`, so that agents started together don't stay in
   * step.
   */
  #nextAll(): number {
    return this.#options.now() + this.#options.maxAgeMs * (0.8 + 0.2 * this.#options.random())
  }
}
