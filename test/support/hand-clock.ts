/** A clock that goes when the test says so. */
export class HandClock {
  #now: number

  constructor(now = 1_000_000) {
    this.#now = now
  }

  /** To be passed on as a function. */
  readonly read = (): number => this.#now

  advance(milliseconds: number): void {
    this.#now += milliseconds
  }
}
