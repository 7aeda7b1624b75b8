/** The seed of a property test: printed, so that a failure on another machine can be had again with SEED=…. */
import type { TestContext } from 'node:test'

export function seeded(t: TestContext, numRuns: number): { seed: number; numRuns: number } {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.diagnostic(`SEED=${seed}`)
  return { seed, numRuns }
}
