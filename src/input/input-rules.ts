/** What the input stage needs of one input's configuration: its slice, and nothing of topics or encodings. */
import { pathOfText } from '../paths.ts'

export interface InputRules {
  /** Identity of the input over reloads. */
  readonly id: string
  /** Absolute globs, in UTF-8. */
  readonly globs: readonly string[]
  readonly exclude: readonly string[]
  readonly start: 'beginning' | 'end'
  /** follow: rotated pieces written since our first start are read too; all: every one; none: only matching names. */
  readonly rotated: 'follow' | 'all' | 'none'
  /** Directories a file's real path must lie under; empty: the literal prefix of the glob. */
  readonly roots: readonly string[]
  readonly maxLineBytes: number
}

/** Where a file's real path has to lie: as the input says, else below the literal prefix of the glob. */
export interface Bounds {
  readonly rules: InputRules
  readonly base: string
}

/** Directories that a file's real path has to lie under, latin1: the input's, else the literal prefix of the glob. */
export function rootsOf({ rules, base }: Bounds): readonly string[] {
  return rules.roots.length > 0 ? rules.roots.map(pathOfText) : [base]
}
