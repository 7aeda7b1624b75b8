/** What the input stage needs of one input's configuration: its slice, and nothing of topics or encodings. */

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
