/** How tests wait: for a condition, never for a time. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Waiting {
  /** Milliseconds until it counts as failed. Generous: a loaded machine must not fail a test that is right. */
  readonly within?: number
  /** What is waited for, in words: the message of the failure. A function is asked at the end, for the last state. */
  readonly what: string | (() => string)
  /** Milliseconds between two looks. */
  readonly every?: number
}

type Outcome<T> = T | false | null | undefined

/** The condition's first value that is neither false, null nor undefined; looked at at once, then again and again. */
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
