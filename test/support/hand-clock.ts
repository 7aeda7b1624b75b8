/** A clock that stands still until the test moves it. */
export class HandClock {
  #now: number

  constructor(now = 1_000_000) {
    this.#now = now
  }

  /** The time in milliseconds; a function, to be passed on. */
  readonly read = (): number => this.#now

  advance(milliseconds: number): void {
    this.#now += milliseconds
  }
}
