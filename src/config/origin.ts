/**
 * Where a value came from, and whether it may be shown. A value from a file of its own (NAME_FILE) is shown nowhere,
 * since it may be a secret, or the text of a file that was named by mistake. A value that was made with such a value is
 * not shown either.
 */

export interface Origin {
  /**
   * `default`, `file PATH`, `environment NAME` or `flag --NAME`; `, as kafka.topic` is added where an input inherits
   * it.
   */
  readonly words: string
  readonly isSecret: boolean
}

export const DEFAULT: Origin = { words: 'default', isSecret: false }

const HIDDEN = '(hidden)'

/**
 * The origin of a value that was made with another one. If the other is secret, so is this, and the words name both.
 */
export function madeWith(origin: Origin, other: Origin): Origin {
  return other.isSecret ? { words: `${origin.words}, with ${other.words}`, isSecret: true } : origin
}

/** The value, or `(hidden)` if it is secret. */
export function shown<T>(value: T, { isSecret }: Origin = DEFAULT): T | typeof HIDDEN {
  return isSecret ? HIDDEN : value
}
