/**
 * Globs, split at the slashes into segments, so that discovery enters and watches only directories that can hold a match.
 * File names are bytes. They are matched as UTF-8; bytes that are not UTF-8 are matched as replacement characters.
 */
import picomatch from 'picomatch'
import { NOT_LOG_ENDINGS, isPattern, splitGlob } from '../../glob-base.ts'
import { pathOfText, textOfPath } from '../../paths.ts'

/** One segment of a glob: what a name in a directory has to match. */
export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pattern'; matches(name: string): boolean }
  /** `**`, which stands for any number of directories, also for none. */
  | { readonly kind: 'any-depth' }

export interface Glob {
  /** The directory below which all matches are; latin1, as all paths are. */
  readonly base: string
  /** The segments after `base`; the last one matches file names. */
  readonly segments: readonly Segment[]
}

/** In every shell `[!x]` matches all characters but x; without `posix`, picomatch would have it match `!` and x. */
const OPTIONS = { posix: true, windows: false }

/** Parses an absolute glob. Braces over several segments ("{a/b,c}") are not supported; the configuration refuses them. */
export function parseGlob(pattern: string): Glob {
  const { base, rest } = splitGlob(pattern)
  return { base: pathOfText(base), segments: rest.map(parseSegment) }
}

function parseSegment(part: string): Segment {
  if (part === '**') return { kind: 'any-depth' }
  if (!isPattern(part)) return { kind: 'name', name: pathOfText(part) }
  // otherwise a ! in front would negate the segment, which it does not do behind a slash
  const matches = picomatch(part, { ...OPTIONS, dot: false, nonegate: true })
  // as in a shell, brackets do not match the dot of a hidden name
  const isHidden = (name: string): boolean => part.startsWith('[') && name.startsWith('.')
  return { kind: 'pattern', matches: (name) => !isHidden(name) && matches(textOfPath(name)) }
}

/** Whether a name in a directory matches a segment. */
export function matchesSegment(segment: Segment, name: string): boolean {
  if (segment.kind === 'any-depth') return true
  return segment.kind === 'name' ? segment.name === name : segment.matches(name)
}

/**
 * Returns a function that tells whether a path is excluded. Patterns with a slash are matched against the whole path,
 * others against the file name.
 */
export function excluder(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map((pattern) => {
    const matches = picomatch(pattern, { ...OPTIONS, dot: true })
    return (path: string) => matches(textOfPath(pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1)))
  })
  return (path) => matchers.some((matches) => matches(path))
}

const NOT_PLAIN = new RegExp(`(${NOT_LOG_ENDINGS.map((ending) => RegExp.escape(ending)).join('|')})$`)

/**
 * The live names of which this may be a rotated piece's name. A piece is named like the live file, with a separator and a
 * suffix added ("app.log.1", "app.log-20261122", "0.log.20261122-100000"). Names of compressed files have no live name.
 */
export function liveNames(name: string): string[] {
  const names: string[] = []
  if (NOT_PLAIN.test(name)) return names
  for (let i = 1; i < name.length - 1; i++) {
    if (name[i] === '.' || name[i] === '-' || name[i] === '_') names.push(name.slice(0, i))
  }
  return names
}

/** Whether a name is that of a rotated piece of a live file. `isLive`: whether a name is a live file's. */
export function isRotatedName(name: string, isLive: (name: string) => boolean): boolean {
  return liveNames(name).some(isLive)
}
