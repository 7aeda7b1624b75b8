/** The randomness of tests: it comes from a printed seed, so that SEED=… repeats a failure on another machine. */
import type { TestContext } from 'node:test'

/** Prints the seed, and returns it as a parameter of `fc.assert`. */

export function seeded(t: TestContext, numRuns: number): { seed: number; numRuns: number } {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`SEED=${seed}`)
  return { seed, numRuns }
}

/** Gives whole numbers from 0 to below a limit, the same ones for the same seed. */
export function chances(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % below
  }
}
