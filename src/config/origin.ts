/**
 * Where a value came from, and whether it may be shown. A value from a file of its own (NAME_FILE) is shown nowhere, since
 * it may be a secret, or the text of another file than was meant; nor is what such a value went into.
 */

export interface Origin {
  /** `default`, `file PATH`, `environment NAME`, `flag --NAME`; with `, as kafka.topic` where it was given for that. */
  readonly words: string
  readonly isSecret: boolean
}

export const DEFAULT: Origin = { words: 'default', isSecret: false }

const HIDDEN = '(hidden)'

/** The origin of a value that another one went into: secret if that is, and then it names both. */
export function madeWith(origin: Origin, other: Origin): Origin {
  return other.isSecret ? { words: `${origin.words}, with ${other.words}`, isSecret: true } : origin
}

/** The value, or what stands in its place. */
export function shown<T>(value: T, { isSecret }: Origin = DEFAULT): T | typeof HIDDEN {
  return isSecret ? HIDDEN : value
}
