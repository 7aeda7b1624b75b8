/**
 * How the state looks on disk: names, lines, versions. Who writes and reads them is snapshot.ts, journal.ts and
 * state-load.ts.
 *
 *   state.<n>.json      snapshot n    header line, one line an entry, footer line; whole or not there
 *   state.<n>.journal   what changed since snapshot n, in order; its end may be torn
 *   state.<n>.tmp       a snapshot being written
 *   <name>.unreadable-<ms>   set aside: could not be read, kept for a person
 *
 *   line    = crc ' ' json '\n'      crc: CRC-32 (zlib) of the JSON's bytes, 8 hexadecimal digits
 *   header  = {"logagent":"state","version":1,"agent":"node-1","since":1763769600000}
 *   footer  = {"end":2}              how many entries
 *   entry   = {"id":"5c1f…","input":"web","path":"/var/log/…","device":"65024",…}   see stored-generation.ts
 *   gone    = {"gone":"5c1f…"}       journal only: the entry was removed
 *
 * A number is never used twice, and a snapshot holds everything that older files hold.
 */
import { crc32 } from 'node:zlib'
import { fromJson, isObject, isWhole } from './stored-generation.ts'
import type { StoredGeneration } from './stored-generation.ts'

export interface Header {
  readonly agentId: string
  /** Milliseconds since the epoch of the first start with this state. */
  readonly since: number
  readonly version: number
}

/** Lifts a parsed entry of one version to the next. */
export type Migration = (entry: Record<string, unknown>) => Record<string, unknown>

/** The version this program writes, and under each older version how its entries are lifted by one. */
export interface StateVersions {
  readonly current: number
  readonly migrations: ReadonlyMap<number, Migration>
}

export const STATE_VERSIONS: StateVersions = { current: 1, migrations: new Map() }

const KINDS = ['json', 'journal', 'tmp'] as const
export type StateFileKind = (typeof KINDS)[number]

export interface StateName {
  readonly number: number
  readonly kind: StateFileKind
  readonly unreadable: boolean
}

export function stateName(number: number, kind: StateFileKind): string {
  return `state.${number}.${kind}`
}

/** What a name in the state directory means; undefined for what is not the state's (the lock, a person's copy). */
export function parseStateName(name: string): StateName | undefined {
  const match = /^state\.(\d{1,15})\.(\w+)(\.unreadable-\d+)?$/.exec(name)
  const kind = KINDS.find((kind) => kind === match?.[2])
  if (match === null || kind === undefined) return undefined
  return { number: Number(match[1]), kind, unreadable: match[3] !== undefined }
}

export function stateLine(json: string): string {
  return `${hex(crc32(json))} ${json}\n`
}

export function headerLine({ agentId, since, version }: Header): string {
  return stateLine(JSON.stringify({ logagent: 'state', version, agent: agentId, since }))
}

export function footerLine(entries: number): string {
  return stateLine(JSON.stringify({ end: entries }))
}

export function goneLine(id: string): string {
  return stateLine(JSON.stringify({ gone: id }))
}

/** No line of ours is longer; a file of another kind may have no line ends at all. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/** How far a file could be read. */
export interface LinesRead {
  /** Bytes of the whole lines it begins with. */
  readonly whole: number
  readonly bytes: number
}

/**
 * Hands the lines' values to `take`, up to the first line that is torn, has a wrong checksum, or that `take` does not
 * understand (false).
 */
export async function readLines(blocks: AsyncIterable<Buffer>, take: (value: unknown) => boolean): Promise<LinesRead> {
  let rest: Buffer = Buffer.alloc(0)
  let whole = 0
  let bytes = 0
  let reading = true
  for await (const block of blocks) {
    bytes += block.length
    if (!reading) continue
    rest = Buffer.concat([rest, block])
    const { length, ended } = takeLines(rest, take)
    whole += length
    rest = rest.subarray(length)
    reading = !ended && rest.length < MAX_LINE_BYTES
  }
  return { whole, bytes }
}

/** `length`: what the taken lines are long. `ended`: the next one cannot be taken, whatever follows. */
function takeLines(bytes: Buffer, take: (value: unknown) => boolean): { length: number; ended: boolean } {
  let start = 0
  for (;;) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0) return { length: start, ended: false }
    const json = bytes.subarray(start + 9, end)
    const sound = bytes.toString('latin1', start, start + 9) === `${hex(crc32(json))} `
    if (!sound || !take(parse(json))) return { length: start, ended: true }
    start = end + 1
  }
}

/** Reads header facts, or says in words why they cannot be read. */
export function readHeader(value: unknown, versions: StateVersions): Header | string {
  if (!isObject(value) || value['logagent'] !== 'state') return 'its first line is not a header'
  const { version, agent, since } = value
  if (!isWhole(version)) return 'its header has no version'
  if (version > versions.current) return `it has version ${version}, this program knows up to ${versions.current}`
  for (let older = version; older < versions.current; older++) {
    if (!versions.migrations.has(older)) return `it has version ${version}, which this program no longer reads`
  }
  if (typeof agent !== 'string' || !isWhole(since)) return 'its header is incomplete'
  return { agentId: agent, since, version }
}

/** An entry as some version wrote it, in today's form; undefined if it is none. */
export function readEntry(value: unknown, version: number, versions: StateVersions): StoredGeneration | undefined {
  if (!isObject(value)) return undefined
  let entry = value
  for (let older = version; older < versions.current; older++) {
    const lift = versions.migrations.get(older)
    if (lift === undefined) return undefined
    entry = lift(entry)
  }
  return fromJson(entry)
}

function parse(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    return undefined // as good as a wrong checksum: no reader takes undefined
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
