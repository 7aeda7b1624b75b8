/**
 * Time that passes only when a test says so: timers and the clock are node:test's mocks, promises are real, and
 * immediates run while time stands still (with node:test's mock of them, a timer that sets one would run again).
 */
import type { TestContext } from 'node:test'

const realImmediate = globalThis.setImmediate

/** How many rounds of promises and immediates it takes until nothing more happens by itself. */
const ROUNDS = 6

export class VirtualTime {
  readonly #t: TestContext
  #immediates: (() => void)[] = []

  /** Replaces timers and clock from here on to the end of the test. The clock begins at 1000. */
  constructor(t: TestContext) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1000 })
    t.mock.method(globalThis, 'setImmediate', (run: () => void) => void this.#immediates.push(run))
  }

  readonly now = (): number => Date.now()

  /** Lets everything happen that needs no time. */
  async runDue(rounds = ROUNDS): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      this.#t.mock.timers.tick(0)
      for (const run of this.#immediates.splice(0)) run()
      await new Promise((resolve) => realImmediate(resolve))
    }
  }

  /** Lets milliseconds pass, one after another. */
  async pass(milliseconds: number): Promise<void> {
    await this.runDue()
    for (let i = 0; i < milliseconds; i++) {
      this.#t.mock.timers.tick(1)
      await this.runDue(2)
    }
    await this.runDue()
  }

  /** Lets milliseconds pass at once: each timer that is due fires one time. */
  async jump(milliseconds: number): Promise<void> {
    this.#t.mock.timers.tick(milliseconds)
    await this.runDue()
  }

  /** Lets time pass until a condition is true; fails after `within` ms. Work in other threads takes no time here. */
  async until(condition: () => boolean, within = 60_000): Promise<void> {
    for (let passed = 0; !condition(); passed++) {
      if (passed > within) throw new Error(`not within ${within} ms: ${condition.toString()}`)
      await this.pass(1)
    }
  }
}
