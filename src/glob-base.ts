/**
 * What the configuration and discovery have to agree on: the directory in which the patterns of a glob begin, and the
 * endings that no rotated log has. Discovery walks from that directory, and files have to be below it
 * (config/inputs.ts); config/schema.ts documents the endings. input/discovery/glob.ts knows what patterns match.
 */

/** Endings of files that a rotation leaves and that are no logs: compressed and temporary files, backups. */
export const NOT_LOG_ENDINGS: readonly string[] =
  '.gz .zst .bz2 .xz .lz4 .lzma .zip .br .Z .tmp .swp .bak .offset ~'.split(' ')

/** The characters that make a name a pattern in picomatch; `+`, `@` and `!` do so only before a parenthesis. */
const MAGIC = /[*?[{(\\]/

export interface SplitGlob {
  /** The directory that all matches are below: the names before the first pattern. */
  readonly base: string
  /** The names that follow. The last one is the name of files. */
  readonly rest: readonly string[]
}

/** Splits an absolute glob before its first pattern. */
export function splitGlob(glob: string): SplitGlob {
  const names = glob.split('/').filter((name) => name !== '' && name !== '.')
  const first = names.findIndex(isPattern)
  const at = first < 0 ? names.length - 1 : first
  return { base: `/${names.slice(0, at).join('/')}`, rest: names.slice(at) }
}

export function isPattern(name: string): boolean {
  return MAGIC.test(name)
}
