/**
 * Pauses between attempts: they double from `minMs` to `maxMs`, and each is cut by up to a half at random, so that a
 * thousand agents that lost the same broker don't come back in step.
 */
export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

export class Backoff {
  readonly #limits: BackoffLimits
  readonly #random: () => number
  #attempts = 0

  /** `random` gives numbers in [0, 1). */
  constructor(limits: BackoffLimits, random: () => number) {
    this.#limits = limits
    this.#random = random
  }

  /** How long to wait before the next attempt, in milliseconds. */
  next(): number {
    const full = Math.min(this.#limits.maxMs, this.#limits.minMs * 2 ** this.#attempts)
    this.#attempts++
    return full * (0.5 + this.#random() / 2)
  }

  reset(): void {
    this.#attempts = 0
  }
}
