/**
 * The first line of a snapshot: since when there is a state, and which programs can read it. Why older programs may read
 * and write what a newer one wrote is docs/decisions/0013-state-versions.md.
 *
 *   {"logagent":"state","version":2,"readableFrom":2,"agent":"node-1","since":1763769600000}
 */
import { AgentError } from '../../errors.ts'
import { isObject, isWhole, unlessEmpty } from './stored-generation.ts'

export interface Header {
  readonly agentId: string
  /** Milliseconds since the epoch of the first start with this state. */
  readonly since: number
  /** The form of the lines: that of the newest program that has written this state. */
  readonly version: number
  /** The oldest version whose programs can read the lines, and preserve what they do not know. */
  readonly readableFrom: number
  /** Members that a newer program wrote: written again as they are. */
  readonly unknown?: Readonly<Record<string, unknown>>
}

/** Lifts a parsed entry of one version to the next. */
export type Migration = (entry: Record<string, unknown>) => Record<string, unknown>

export interface StateVersions {
  /** The version that this program writes. */
  readonly current: number
  /** The oldest version whose programs can read that. */
  readonly readableFrom: number
  /** How an entry of each older version is lifted by one. */
  readonly migrations: ReadonlyMap<number, Migration>
}

/**
 * Version 2 has a shorter guard, which version 1 would take for another file's, and lines of other kinds, which it would
 * take for damage. Its entries are those of version 1 with members that may be missing.
 */
export const STATE_VERSIONS: StateVersions = {
  current: 2,
  readableFrom: 2,
  migrations: new Map([[1, (entry) => entry]]),
}

export function headerJson({ agentId, since, version, readableFrom, unknown }: Header): string {
  return JSON.stringify({ logagent: 'state', version, readableFrom, agent: agentId, since, ...unknown })
}

/**
 * The header in a parsed first line, or in words why it is damaged.
 *
 * @throws AgentError state-unusable when it is sound, and no program of this version can read what follows
 */
export function readHeader(value: unknown, versions: StateVersions): Header | string {
  if (!isObject(value) || value['logagent'] !== 'state') return 'its first line is not a header'
  const { logagent: _, version, readableFrom = version, agent, since, ...rest } = value
  if (!isWhole(version)) return 'its header has no version'
  if (!isWhole(readableFrom) || readableFrom > version) return 'its header does not say who can read it'
  if (readableFrom > versions.current) {
    const needed = readableFrom === version ? '' : `, for logagent with version ${readableFrom} or newer`
    throw unreadable(
      `was written in version ${version}${needed}; this logagent reads up to version ${versions.current}`,
      'Run the newer logagent again',
    )
  }
  for (let older = version; older < versions.current; older++) {
    if (!versions.migrations.has(older)) {
      throw unreadable(
        `was written in version ${version}, which this logagent no longer reads`,
        'Run an older logagent again',
      )
    }
  }
  if (typeof agent !== 'string' || !isWhole(since)) return 'its header is incomplete'
  const unknown = unlessEmpty(rest)
  return { agentId: agent, since, version, readableFrom, ...(unknown && { unknown }) }
}

/**
 * The header under which this program goes on with what it loaded, if it loaded anything. A newer version stays: the
 * newer program's lines are still there, and what this program adds is sound to it, or it would not be readable here.
 */
export function headerAfter(
  loaded: Header | undefined,
  { agentId, since, versions }: { agentId: string; since: number; versions: StateVersions },
): Header {
  return {
    agentId,
    since,
    version: Math.max(versions.current, loaded?.version ?? 0),
    readableFrom: Math.max(versions.readableFrom, loaded?.readableFrom ?? 0),
    ...(loaded?.unknown && { unknown: loaded.unknown }),
  }
}

/** Whether lines of this program's may follow those under the header: lines of two versions don't mix in one file. */
export function canGoOn({ version, readableFrom }: Header, versions: StateVersions): boolean {
  return version >= versions.current && readableFrom >= versions.readableFrom
}

function unreadable(what: string, wayBack: string): AgentError {
  const loss = 'every file is then read again from its beginning'
  return new AgentError(
    'state-unusable',
    `${what}. Nothing in it was changed. ${wayBack}, or give up the positions with "logagent state set-aside": ${loss}`,
  )
}
