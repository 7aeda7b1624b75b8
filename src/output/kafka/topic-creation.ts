/**
 * Creates topics that are missing, where the settings say so (`topic.create`): one attempt at a time for a topic, and a
 * pause after each attempt, also after one that worked, since a new topic takes a moment to be known to all brokers.
 */
import { AgentError, messageOf } from '../../errors.ts'
import type { Events } from '../../observe/events.ts'
import { Backoff } from '../backoff.ts'

export interface TopicCreationOptions {
  /** One attempt. Once the signal aborts, it has to end soon and leave nothing open. */
  readonly createTopic: (topic: string, signal: AbortSignal) => Promise<void>
  readonly events: Pick<Events, 'topicWaiting' | 'topicRefused'>
  readonly random: () => number
  readonly now: () => number
  /** The topic should be there now. */
  readonly onCreated: (topic: string) => void
  /** Once it aborts, attempts under way are given up, and nothing more is reported. */
  readonly signal: AbortSignal
}

interface Attempts {
  readonly backoff: Backoff
  running: boolean
  notBefore: number
}

/** Creating a topic is an administrative act, so the pauses are far longer than those of other retries. */
const RETRY = { minMs: 5_000, maxMs: 60_000 }

export class TopicCreation {
  readonly #options: TopicCreationOptions
  readonly #attempts = new Map<string, Attempts>()
  readonly #running = new Set<Promise<void>>()

  constructor(options: TopicCreationOptions) {
    this.#options = options
  }

  /** The topic is missing. Never throws; errors are reported. */
  missing(topic: string): void {
    const { random, now } = this.#options
    let attempts = this.#attempts.get(topic)
    if (attempts === undefined) {
      attempts = { backoff: new Backoff(RETRY, random), running: false, notBefore: -Infinity }
      this.#attempts.set(topic, attempts)
    }
    if (attempts.running || now() < attempts.notBefore) return
    attempts.running = true
    const running = this.#create(topic, attempts)
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  /** Resolves when no attempt is under way. */
  async finished(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #create(topic: string, attempts: Attempts): Promise<void> {
    const { createTopic, events, now, onCreated, signal } = this.#options
    try {
      await createTopic(topic, signal)
      onCreated(topic)
    } catch (error) {
      if (!signal.aborted) {
        const isRefused = error instanceof AgentError && error.code === 'kafka-refused'
        events[isRefused ? 'topicRefused' : 'topicWaiting'](topic, `it could not be created: ${messageOf(error)}`)
      }
    }
    attempts.notBefore = now() + attempts.backoff.next()
    attempts.running = false
  }
}
