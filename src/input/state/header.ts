/**
 * The header, a snapshot's first line: when the state began, and which programs can read it. Older programs may read and
 * extend a newer program's state; the reasons are in docs/decisions/0013-state-versions.md.
 *
 *   {"logagent":"state","version":2,"readableFrom":2,"agent":"node-1","since":1763769600000}
 */
import { AgentError } from '../../errors.ts'
import { isObject, isWhole, unlessEmpty } from './stored-generation.ts'

export interface Header {
  readonly agentId: string
  /** Time of the first start with this state, in milliseconds since the epoch. */
  readonly since: number
  /** Version of the lines: the version of the newest program that has written this state. */
  readonly version: number
  /** The oldest version whose programs can read the lines, and keep members and lines that they do not know. */
  readonly readableFrom: number
  /** Members that a newer program wrote. They are written back unchanged. */
  readonly unknown?: Readonly<Record<string, unknown>>
}

/** Converts a parsed entry of one version to the next version. */
export type Migration = (entry: Record<string, unknown>) => Record<string, unknown>

export interface StateVersions {
  /** The version that this program writes. */
  readonly current: number
  /** The oldest version whose programs can read the lines of {@link current}. */
  readonly readableFrom: number
  /** By older version: the conversion of its entries to the version after it. */
  readonly migrations: ReadonlyMap<number, Migration>
}

/**
 * Version 2 has a shorter guard and new kinds of lines. A program of version 1 would take the guard for that of another
 * file, and the lines for damage. Entries of version 1 need no conversion: the members added since may be missing.
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
 * The header in a parsed first line, or a text that says how it is damaged.
 *
 * @throws AgentError state-unusable when the header is sound, and programs of this version cannot read the state
 */
export function readHeader(value: unknown, versions: StateVersions): Header | string {
  if (!isObject(value) || value['logagent'] !== 'state') return 'its first line is not a header'
  const { logagent: _, version, readableFrom = version, agent, since, ...rest } = value
  if (!isWhole(version)) return 'its header has no version'
  if (!isWhole(readableFrom) || readableFrom > version) return 'its header does not say which versions can read it'
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
 * The header under which this program continues the loaded state, or begins one. A newer version in it is kept: the state
 * still has lines of the newer program, and the newer program can read the lines that this one adds, or this one would
 * not have been allowed to read the state.
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

/** Whether this program may append to the journal under this header: no line may be newer than its header says. */
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
