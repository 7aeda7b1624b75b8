/**
 * The state's format on disk: file names, lines, versions. The files are written and read by snapshot.ts, journal.ts and
 * load.ts.
 *
 *   state.<n>.json      snapshot n    header line, one line an entry, footer line; whole or not there
 *   state.<n>.journal   changes since snapshot n, in order; its end may be torn
 *   state.<n>.tmp       a snapshot being written
 *   <name>.unreadable-<ms>   set aside: could not be read, kept for a person to look at
 *   <name>.set-aside-<ms>    set aside by `logagent state set-aside`
 *
 *   line    = crc ' ' json '\n'      crc: CRC-32 (zlib) of the JSON's bytes, 8 hexadecimal digits
 *   header  = {"logagent":"state","version":2,"readableFrom":2,…}                   see header.ts
 *   footer  = {"end":2}              the number of lines between it and the header
 *   entry   = {"id":"5c1f…","input":"web","path":"/var/log/…","device":"65024",…}   see stored-generation.ts
 *   moved   = {"moved":"5c1f…","offset":…}   journal only: the entry's position moved  see moved-entry.ts
 *   note    = {"kind":"pod","key":"0f5c…",…}                                        see notes.ts
 *   gone    = {"gone":"5c1f…"}       journal only: the entry was removed; with a `kind`, the note was
 *
 * A number is never used twice, and a snapshot holds everything that older files hold. A line's kind is known by the
 * members `logagent`, `end`, `gone`, `moved` and `kind`: no version may use these names for anything else.
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
  /** Set aside: the file is never read, and shows only that there was a state once. */
  readonly isAside: boolean
}

export function stateName(number: number, kind: StateFileKind): string {
  return `state.${number}.${kind}`
}

/** The parts of a name in the state directory; undefined for other files (the lock, a person's copy). */
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

/** Longer than any line of a state. A file of another kind may have no line ends at all. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/** The extent to which a file could be read. */
export interface LinesRead {
  /** Total length of the sound lines at its beginning, in bytes. */
  readonly whole: number
  /** Length of the file. */
  readonly bytes: number
}

/**
 * Passes the lines' values to `take`, up to the first line that is torn, has a wrong checksum, or for which `take` returns
 * false.
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

/** `length`: total length of the lines taken. `ended`: the next line is unsound, whatever follows. */
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

/** The content of a state: the sum of its lines. */
export interface StateContent {
  readonly entries: Map<string, Entry>
  readonly notes: Notes
}

/** Adds the entry or note in a line of the given version to the content; false if the line is neither. */
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

/** Removes from the content what a `gone` line names; false if the line is of another kind. */
export function takeGone(value: unknown, { entries, notes }: StateContent): boolean {
  if (!isObject(value) || typeof value['gone'] !== 'string') return false
  const { gone: key, kind } = value
  if (typeof kind === 'string') notes.remove({ kind, key })
  else entries.delete(key)
  return true
}

/** The entry in a line of the given version, lifted to the current one; undefined if it is none. */
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
    return undefined // has the effect of a wrong checksum: no reader takes undefined
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}
