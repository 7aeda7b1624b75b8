/** Waits in tests: for a condition, never for a fixed time. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Waiting {
  /** Milliseconds until the wait fails. The default is generous: a busy machine must not fail a correct test. */
  readonly within?: number
  /** What the test waits for, for the message of a failure. A function is called at the end, to show the last state. */
  readonly what: string | (() => string)
  /** Milliseconds between two checks. */
  readonly every?: number
}

type Outcome<T> = T | false | null | undefined

/** Resolves to the first value of the condition that is neither false, null nor undefined. It is checked at once first. */
export async function until<T>(
  condition: () => Outcome<T> | Promise<Outcome<T>>,
  { within = 30_000, what, every = 20 }: Waiting,
): Promise<T> {
  const deadline = performance.now() + within
  for (;;) {
    const value = await condition()
    if (value !== false && value !== null && value !== undefined) return value
    if (performance.now() > deadline) {
      throw new Error(`not within ${within} ms: ${typeof what === 'string' ? what : what()}`)
    }
    await delay(every)
  }
}
