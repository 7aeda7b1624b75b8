/**
 * How the state looks on disk: names, lines, versions. Who writes and reads them is snapshot.ts, journal.ts and
 * state-load.ts.
 *
 *   state.<n>.json      snapshot n    header line, one line an entry, footer line; whole or not there
 *   state.<n>.journal   what changed since snapshot n, in order; its end may be torn
 *   state.<n>.tmp       a snapshot being written
 *   <name>.unreadable-<ms>   set aside: could not be read, kept for a person
 *   <name>.set-aside-<ms>    set aside by `logagent state set-aside`
 *
 *   line    = crc ' ' json '\n'      crc: CRC-32 (zlib) of the JSON's bytes, 8 hexadecimal digits
 *   header  = {"logagent":"state","version":2,"readableFrom":2,…}                   see state-header.ts
 *   footer  = {"end":2}              how many lines lie between it and the header
 *   entry   = {"id":"5c1f…","input":"web","path":"/var/log/…","device":"65024",…}   see stored-generation.ts
 *   moved   = {"moved":"5c1f…","offset":…}   journal only: its position moved          see moved-entry.ts
 *   note    = {"kind":"pod","key":"0f5c…",…}                                        see state-notes.ts
 *   gone    = {"gone":"5c1f…"}       journal only: the entry was removed; with a kind, the note
 *
 * A number is never used twice, and a snapshot holds everything that older files hold. `logagent`, `end`,
 * `gone`, `moved` and `kind` tell the lines apart: no version may use them for anything else.
 */
import { crc32 } from 'node:zlib'
import { headerJson } from './header.ts'
import type { Header, StateVersions } from './header.ts'
import { goneNoteJson, noteFrom } from './notes.ts'
import type { Note, Notes } from './notes.ts'
import { takeMoved } from './moved-entry.ts'
import { fromJson, isObject } from './stored-generation.ts'
import type { Entry, StoredGeneration } from './stored-generation.ts'

const KINDS = ['json', 'journal', 'tmp'] as const
export type StateFileKind = (typeof KINDS)[number]

export interface StateName {
  readonly number: number
  readonly kind: StateFileKind
  /** It counts for nothing but this: there was a state once. */
  readonly isAside: boolean
}

export function stateName(number: number, kind: StateFileKind): string {
  return `state.${number}.${kind}`
}

/** What a name in the state directory means; undefined for what is not the state's (the lock, a person's copy). */
export function parseStateName(name: string): StateName | undefined {
  const match = /^state\.(\d{1,15})\.(\w+)(\.(?:unreadable|set-aside)-\d+)?$/.exec(name)
  const kind = KINDS.find((kind) => kind === match?.[2])
  if (match === null || kind === undefined) return undefined
  return { number: Number(match[1]), kind, isAside: match[3] !== undefined }
}

export function stateLine(json: string): string {
  return `${hex(crc32(json))} ${json}\n`
}

export function headerLine(header: Header): string {
  return stateLine(headerJson(header))
}

export function footerLine(lines: number): string {
  return stateLine(JSON.stringify({ end: lines }))
}

export function noteLine(note: Note): string {
  return stateLine(JSON.stringify(note))
}

export function goneLine(id: string): string {
  return stateLine(JSON.stringify({ gone: id }))
}

export function goneNoteLine(id: string): string {
  return stateLine(goneNoteJson(id))
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

/** What the lines of a state add up to. */
export interface StateContent {
  readonly entries: Map<string, Entry>
  readonly notes: Notes
}

/** Takes an entry or a note, as some version wrote it, into the content; false if it is neither. */
export function takeLine(
  value: unknown,
  { entries, notes }: StateContent,
  { version, versions }: { version: number; versions: StateVersions },
): boolean {
  if (!isObject(value)) return false
  const moved = takeMoved(value, entries)
  if (moved !== null) return moved
  if ('kind' in value) {
    const note = noteFrom(value)
    if (note !== undefined) notes.put(note)
    return note !== undefined
  }
  const entry = readEntry(value, version, versions)
  if (entry !== undefined) entries.set(entry.id, entry)
  return entry !== undefined
}

/** Takes a line that says that something was removed; false if it is none. */
export function takeGone(value: unknown, { entries, notes }: StateContent): boolean {
  if (!isObject(value) || typeof value['gone'] !== 'string') return false
  const { gone: key, kind } = value
  if (typeof kind === 'string') notes.remove({ kind, key })
  else entries.delete(key)
  return true
}

/** An entry as some version wrote it, in today's form; undefined if it is none. */
function readEntry(
  value: Record<string, unknown>,
  version: number,
  versions: StateVersions,
): StoredGeneration | undefined {
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
