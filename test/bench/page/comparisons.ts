/** Figures out of runs: always within a round first, since between rounds the machine may have become another. */
import { mean, spreadOf, type Spread } from '../statistics.ts'

interface OfRound {
  readonly round: number
  readonly subject: string
}

export function valuesOf<Run extends OfRound>(
  runs: readonly Run[],
  subject: string,
  value: (run: Run) => number,
): number[] {
  return runs.filter((run) => run.subject === subject).map(value)
}

/** Of each round that has both: the mean of one's runs as a part of the mean of the other's. */
export function ratiosOf<Run extends OfRound>(
  runs: readonly Run[],
  [one, other]: readonly [string, string],
  value: (run: Run) => number,
): Spread | null {
  const ratios = [...Map.groupBy(runs, ({ round }) => round).values()].flatMap((ofRound) => {
    const [own, others] = [valuesOf(ofRound, one, value), valuesOf(ofRound, other, value)]
    return own.length > 0 && others.length > 0 ? [mean(own) / mean(others)] : []
  })
  return spreadOf(ratios)
}
