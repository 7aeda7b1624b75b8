/**
 * What only reports must not end the agent, nor the work that it reports: whatever goes wrong in it is reported, each
 * reason once, and got over.
 */
import { messageOf } from '../errors.ts'
import type { Events } from './events.ts'

/** Reasons that all differ are not remembered, nor reported, for ever. */
const MOST_REASONS = 100

export class Unharmed {
  readonly #complain: (reason: string) => void
  readonly #reasons = new Set<string>()

  /** `complain`: say that a report failed; it may fail itself. */
  constructor(complain: (reason: string) => void) {
    this.#complain = complain
  }

  /** The report's result; `instead` when it fails. */
  by<T>(report: () => T, instead: T): T {
    try {
      return report()
    } catch (error) {
      this.#fail(error)
      return instead
    }
  }

  /** Events whose listener cannot harm who calls them. */
  events(listener: Events): Events {
    /* oxlint-disable typescript/no-unsafe-type-assertion -- the types of the parameters are lost and found on this way */
    const all: Partial<Record<keyof Events, (w: unknown, x: unknown, y: unknown, z: unknown) => void>> = {}
    for (const name of Object.keys(listener) as (keyof Events)[]) {
      const hear = listener[name] as (...args: unknown[]) => void
      // no event has more than four parameters; a list of them would be made for every call
      all[name] = (w: unknown, x: unknown, y: unknown, z: unknown) => {
        try {
          hear.call(listener, w, x, y, z)
        } catch (error) {
          this.#fail(error)
        }
      }
    }
    return all as unknown as Events
    /* oxlint-enable typescript/no-unsafe-type-assertion */
  }

  #fail(error: unknown): void {
    try {
      const reason = messageOf(error)
      if (this.#reasons.has(reason) || this.#reasons.size === MOST_REASONS) return
      this.#reasons.add(reason)
      this.#complain(reason)
    } catch {
      // there is no way left to say it
    }
  }
}
