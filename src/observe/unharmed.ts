/**
 * Protects the agent from its own reports: an error in a report must not end the agent or the work that is reported.
 * Such an error is reported, each reason once, and otherwise ignored.
 */
import { messageOf } from '../errors.ts'
import { everyEvent } from './every-event.ts'
import type { Events } from './events.ts'

/** How many reasons are reported at most: if every error has another one, they must not fill the memory or the log. */
const MOST_REASONS = 100

export class Unharmed {
  readonly #complain: (reason: string) => void
  readonly #reasons = new Set<string>()

  /** `complain` reports that a report has failed; it may fail itself. */
  constructor(complain: (reason: string) => void) {
    this.#complain = complain
  }

  /** The report's result, or `instead` if it fails. */
  by<T>(report: () => T, instead: T): T {
    try {
      return report()
    } catch (error) {
      this.#fail(error)
      return instead
    }
  }

  /** Passes events to a listener whose errors do not reach the caller. */
  events(listener: Events): Events {
    return everyEvent([listener], (report) => (w, x, y, z) => {
      try {
        report.call(listener, w, x, y, z)
      } catch (error) {
        this.#fail(error)
      }
    })
  }

  #fail(error: unknown): void {
    try {
      const reason = messageOf(error)
      if (this.#reasons.has(reason) || this.#reasons.size === MOST_REASONS) return
      this.#reasons.add(reason)
      this.#complain(reason)
    } catch {
      // there is no other way to report it
    }
  }
}
