/**
 * Pauses between attempts: they double from `minMs` to `maxMs`, and each is shortened by up to a half at random, so
 * that a thousand agents that lost the same broker don't come back in step.
 */
export interface BackoffLimits {
  readonly minMs: number
  readonly maxMs: number
}

/**
 * How long to wait after `attempts` attempts before the next one, in milliseconds. `random` gives numbers in [0, 1).
 */
export function pauseAfter(attempts: number, { minMs, maxMs }: BackoffLimits, random: () => number): number {
  return Math.min(maxMs, minMs * 2 ** attempts) * (0.5 + random() / 2)
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
    return pauseAfter(this.#attempts++, this.#limits, this.#random)
  }

  reset(): void {
    this.#attempts = 0
  }
}
