/**
 * What the configuration and discovery (input/glob.ts) have to agree on. Where the patterns of a glob begin: discovery
 * walks from there, and what is found has to lie below (config/inputs.ts). And which endings no rotated log has
 * (config/schema.ts tells them). What patterns match is not known here.
 */

/** Endings of what a rotation leaves that is no log any more, or not yet. */
export const NOT_LOG_ENDINGS: readonly string[] =
  '.gz .zst .bz2 .xz .lz4 .lzma .zip .br .Z .tmp .swp .bak .offset ~'.split(' ')

/** What makes a pattern of a name, as picomatch has it: `+`, `@` and `!` do so only before a parenthesis. */
const MAGIC = /[*?[{(\\]/

export interface SplitGlob {
  /** The directory that all matches lie below: the names before the first pattern. */
  readonly base: string
  /** The names that follow; the last one is that of files. */
  readonly rest: readonly string[]
}

/** An absolute glob in two. */
export function splitGlob(glob: string): SplitGlob {
  const names = glob.split('/').filter((name) => name !== '' && name !== '.')
  const first = names.findIndex(isPattern)
  const at = first < 0 ? names.length - 1 : first
  return { base: `/${names.slice(0, at).join('/')}`, rest: names.slice(at) }
}

export function isPattern(name: string): boolean {
  return MAGIC.test(name)
}
