/**
 * Globs as segments between slashes, so that discovery walks and watches only directories that can hold a match.
 * Names are bytes; they are matched as UTF-8, with replacement characters where they are not.
 */
import picomatch from 'picomatch'
import { NOT_LOG_ENDINGS, isPattern, splitGlob } from '../../glob-base.ts'
import { pathOfText, textOfPath } from '../../paths.ts'

export type Segment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'pattern'; matches(name: string): boolean }
  /** `**`: any number of directories, also none. */
  | { readonly kind: 'any-depth' }

export interface Glob {
  /** The directory that all matches lie below. Latin1, as all paths. */
  readonly base: string
  /** What follows; the last one matches file names. */
  readonly segments: readonly Segment[]
}

/** `[!x]` is all but x in every shell; without `posix` picomatch takes it for `!` or x. */
const OPTIONS = { posix: true, windows: false }

/** Parse an absolute glob. Braces over several segments ("{a/b,c}") are not understood; the configuration refuses them. */
export function parseGlob(pattern: string): Glob {
  const { base, rest } = splitGlob(pattern)
  return { base: pathOfText(base), segments: rest.map(parseSegment) }
}

function parseSegment(part: string): Segment {
  if (part === '**') return { kind: 'any-depth' }
  if (!isPattern(part)) return { kind: 'name', name: pathOfText(part) }
  // a ! in front would turn the whole segment around, which it doesn't behind a slash
  const matches = picomatch(part, { ...OPTIONS, dot: false, nonegate: true })
  // as in a shell: nothing in brackets is the dot that hides a name
  const isHidden = (name: string): boolean => part.startsWith('[') && name.startsWith('.')
  return { kind: 'pattern', matches: (name) => !isHidden(name) && matches(textOfPath(name)) }
}

export function matchesSegment(segment: Segment, name: string): boolean {
  if (segment.kind === 'any-depth') return true
  return segment.kind === 'name' ? segment.name === name : segment.matches(name)
}

/** Whether a path is excluded: patterns with a slash see the whole path, others the name. */
export function excluder(patterns: readonly string[]): (path: string) => boolean {
  const matchers = patterns.map((pattern) => {
    const matches = picomatch(pattern, { ...OPTIONS, dot: true })
    return (path: string) => matches(textOfPath(pattern.includes('/') ? path : path.slice(path.lastIndexOf('/') + 1)))
  })
  return (path) => matchers.some((matches) => matches(path))
}

const NOT_PLAIN = new RegExp(`(${NOT_LOG_ENDINGS.map((ending) => RegExp.escape(ending)).join('|')})$`)

/**
 * The names of live files that a file by this name may be a rotated piece of: the live name, a separator, and something
 * ("app.log.1", "app.log-20261122", "0.log.20261122-100000"), and not compressed.
 */
export function liveNames(name: string): string[] {
  const names: string[] = []
  if (NOT_PLAIN.test(name)) return names
  for (let i = 1; i < name.length - 1; i++) {
    if (name[i] === '.' || name[i] === '-' || name[i] === '_') names.push(name.slice(0, i))
  }
  return names
}

/** Whether a name is that of a rotated piece of a file whose name `isLive`. */
export function isRotatedName(name: string, isLive: (name: string) => boolean): boolean {
  return liveNames(name).some(isLive)
}
