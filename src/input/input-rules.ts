/** The part of one input's configuration that the input stage needs: nothing of topics or encodings. */
import { pathOfText } from '../paths.ts'

export interface InputRules {
  /** Identifies the input over reloads. */
  readonly id: string
  /** Absolute globs, in UTF-8. */
  readonly globs: readonly string[]
  readonly exclude: readonly string[]
  readonly start: 'beginning' | 'end'
  /** Which rotated pieces are read. follow: those written since our first start; all: every one; none: no piece. */
  readonly rotated: 'follow' | 'all' | 'none'
  /** Directories that a file's real path must lie under; empty: the literal prefix of the glob. */
  readonly roots: readonly string[]
  readonly maxLineBytes: number
}

/** Bounds for a file's real path: the input's roots, else `base`, the literal prefix of the glob. */
export interface Bounds {
  readonly rules: InputRules
  readonly base: string
}

/** The directories that a file's real path has to lie under, in latin1. */
export function rootsOf({ rules, base }: Bounds): readonly string[] {
  return rules.roots.length > 0 ? rules.roots.map(pathOfText) : [base]
}
