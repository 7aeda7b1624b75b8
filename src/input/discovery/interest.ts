/**
 * What is sought in a directory: the segments of globs that its names have to match, and what they then are. The names and
 * their files are looked at in directory.ts.
 */
import type { InputRules } from '../input-rules.ts'
import type { Listed } from '../volume/volume.ts'
import { type Segment, isRotatedName, matchesSegment } from './glob.ts'

/** A glob that can match in a directory or below it. */
export interface Interest {
  readonly rules: InputRules
  readonly excludes: (path: string) => boolean
  readonly segments: readonly Segment[]
  /** Index of the segment that the directory's own names have to match. */
  readonly at: number
  /** The literal prefix of the glob: the default root. */
  readonly base: string
}

/** The use that an interest has for a name. */
export interface Want {
  readonly interest: Interest
  /** A directory by this name can hold matches. */
  readonly isWay: boolean
  /** What a file by this name is: a match, or named like a rotated piece of one; null: not wanted. */
  readonly kind: 'live' | 'rotated' | null
}

/** The directory that a name is in. */
interface Parent {
  pathOf(name: string): string
}

/**
 * The interests in the directory at a path, in the order of `globs`, whose `at` is 0. A file belongs to the first interest
 * that wants it, whichever way led to the directory.
 */
export function interestsIn(path: string, globs: readonly Interest[]): readonly Interest[] {
  return globs.flatMap((glob) => {
    const { base, segments } = glob
    if (path !== base && !path.startsWith(base === '/' ? base : `${base}/`)) return []
    const names = path.slice(base.length).split('/').filter(Boolean)
    const reached = names.reduce((from, name) => reach(segments, steps(segments, from, name)), reach(segments, [0]))
    return reached.map((at) => ({ ...glob, at }))
  })
}

/** Adds to segments those that follow a `**`, which also stands for no directory at all. */
function reach(segments: readonly Segment[], from: readonly number[]): number[] {
  const all = new Set(from)
  for (const at of all) if (segments[at]?.kind === 'any-depth' && at + 1 < segments.length) all.add(at + 1)
  return [...all]
}

/** The segments that the names in a directory have to match, if its own name had to match those of `from`. */
function steps(segments: readonly Segment[], from: readonly number[], name: string): number[] {
  return from.flatMap((at) => {
    const segment = segments[at]
    if (segment === undefined) return []
    // as in a shell, ** does not stand for hidden directories
    if (segment.kind === 'any-depth') return name.startsWith('.') ? [] : [at]
    return at + 1 < segments.length && matchesSegment(segment, name) ? [at + 1] : []
  })
}

/** Whether a file by this name matches the interest's glob, and is not excluded. */
export function isLive({ segments, at, excludes }: Interest, name: string, parent: Parent): boolean {
  const segment = segments[at]
  return segment !== undefined && matchesSegment(segment, name) && !excludes(parent.pathOf(name))
}

/** The use that an interest has for a name; null if it has none. */
export function wantOf(interest: Interest, { name, isLink }: Listed, parent: Parent): Want | null {
  const segment = interest.segments[interest.at]
  if (segment === undefined) return null
  const last = interest.at === interest.segments.length - 1
  const isOurs = (candidate: string): boolean => isLive(interest, candidate, parent)
  if (segment.kind === 'any-depth') {
    if (name.startsWith('.')) return null
    // a link could lead back to a directory above, and so round in circles
    return { interest, isWay: !isLink, kind: last && isOurs(name) ? 'live' : null }
  }
  if (!last) return matchesSegment(segment, name) ? { interest, isWay: true, kind: null } : null
  if (isOurs(name)) return { interest, isWay: false, kind: 'live' }
  // a rotated piece of an excluded file is excluded too
  if (interest.rules.rotated === 'none' || interest.excludes(parent.pathOf(name)) || !isRotatedName(name, isOurs))
    return null
  return { interest, isWay: false, kind: 'rotated' }
}
