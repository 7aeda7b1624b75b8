/** Figures from runs. Subjects are compared within a round, since the machine may be slower in another one. */
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

/** The ratios of two subjects: in each round that has both, the mean of one's runs over the mean of the other's. */
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
