/**
 * What the state keeps of one file generation, and its JSON: one object, written whole whenever any of it changed.
 * Files, lines and checksums around it are state-format.ts.
 */
import { isUtf8 } from 'node:buffer'
import type { OpenPiece, Position, Range, Stream } from '../../flow.ts'
import { type Guard, guardText, parseGuard } from '../../guard.ts'
import type { Moved } from './moved-entry.ts'

export interface StoredGeneration {
  /** `log.file.id`, for life. */
  readonly id: string
  readonly inputId: string
  /** Path at discovery, one character per byte (latin1). */
  readonly path: string
  /** Path at which it was last seen, which rotation changes; latin1 too. */
  readonly place: string
  /** Decimal, as device and inode numbers have 64 bits. */
  readonly device: string
  readonly inode: string
  /** Hash of the first `length` bytes; grows with the file. */
  readonly fingerprint: { readonly length: number; readonly hash: string }
  readonly position: Position
  /** Of the up to 64 bytes before `position.offset`. */
  readonly guard: Guard
  /** Last known size in bytes. */
  readonly size: number
  readonly mtimeMs: number
  /** When its inode was made, in ms since the epoch; 0 where that is not known. */
  readonly bornMs: number
  /** The partition a sticky file stays on, -1 when it has none yet. */
  readonly partition: number
  /** Drained and let go; kept while a file by that inode is still on disk. */
  readonly finished: boolean
  /** The form of its lines, once it is known. */
  readonly format?: LogFormat
  /** Members that a newer program wrote: written again as they are. */
  readonly unknown?: Readonly<Record<string, unknown>>
}

const FORMATS = ['lines', 'cri', 'docker'] as const
export type LogFormat = (typeof FORMATS)[number]

/** What has an entry, and makes it when it is asked for: one object less for each of ten thousand files. */
export interface EntrySource {
  readonly id: string
  toStored(): StoredGeneration
  /** What of the entry changes seldom, member by member; null: something is open, which no short line can tell. */
  lasting?(): readonly unknown[] | null
  moved?(): Moved
}

export type Entry = StoredGeneration | EntrySource

export function storedOf(entry: Entry): StoredGeneration {
  return 'toStored' in entry ? entry.toStored() : entry
}

/** The JSON text of one entry. What is usually empty is left out. */
export function toJson(entry: StoredGeneration): string {
  const { position } = entry
  return JSON.stringify({
    id: entry.id,
    input: entry.inputId,
    ...pathToJson('path', entry.path),
    ...(entry.place === entry.path ? {} : pathToJson('place', entry.place)),
    device: entry.device,
    inode: entry.inode,
    fingerprint: entry.fingerprint,
    position: position.open.length > 0 ? position : { offset: position.offset, skipped: position.skipped },
    guard: guardText(entry.guard),
    size: entry.size,
    mtimeMs: entry.mtimeMs,
    bornMs: entry.bornMs || undefined,
    partition: entry.partition,
    finished: entry.finished || undefined,
    ...entry.unknown,
    // after a format that only a newer program knows
    ...(entry.format && { format: entry.format }),
  })
}

/**
 * The entry in a parsed JSON value, or undefined if it is none. The checksum says that we wrote it; this says that what
 * we wrote was right, since a position of NaN would be worse than no position.
 */
export function fromJson(value: unknown): StoredGeneration | undefined {
  if (!isObject(value)) return undefined
  const { id, input, path: pathText, pathHex, place: placeText, placeHex, device, inode, ...facts } = value
  const {
    fingerprint,
    position,
    guard: guardDigits,
    size,
    mtimeMs,
    partition,
    bornMs = 0,
    finished = false,
    ...rest
  } = facts
  if (!isObject(fingerprint) || !isObject(position)) return undefined
  const guard = isText(guardDigits) ? parseGuard(guardDigits) : null
  const { length, hash } = fingerprint
  const { offset, skipped, open = [] } = position
  const path = pathFromJson(pathText, pathHex)
  const place = pathFromJson(placeText, placeHex) ?? path
  if (
    !isText(id) ||
    id === '' ||
    !isText(input) ||
    path === undefined ||
    place === undefined ||
    !isText(device) ||
    !isText(inode)
  )
    return undefined
  if (!isBytes(length) || !isText(hash) || guard === null) return undefined
  if (!isBytes(offset) || !isBytes(skipped) || !isOpen(open) || !isBytes(size)) return undefined
  if (typeof bornMs !== 'number' || bornMs < 0) return undefined
  if (typeof mtimeMs !== 'number' || !isWhole(partition) || typeof finished !== 'boolean') return undefined
  const format = FORMATS.find((known) => known === rest['format'])
  if (format !== undefined) delete rest['format']
  const unknown = unlessEmpty(rest)
  return {
    id,
    inputId: input,
    path,
    place,
    device,
    inode,
    fingerprint: { length, hash },
    position: { offset, open, skipped },
    guard,
    size,
    mtimeMs,
    bornMs,
    partition,
    finished,
    ...(format && { format }),
    ...(unknown && { unknown }),
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Nothing is kept where there is nothing: ten thousand entries have no unknown members. */
export function unlessEmpty(members: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(members).length > 0 ? members : undefined
}

/** Under its own name, or as hexadecimal digits under another: no JSON string gives back bytes that are not UTF-8. */
function pathToJson(name: string, path: string): Record<string, string> {
  if (isAscii(path)) return { [name]: path }
  const bytes = Buffer.from(path, 'latin1')
  return isUtf8(bytes) ? { [name]: bytes.toString('utf8') } : { [`${name}Hex`]: bytes.toString('hex') }
}

function pathFromJson(text: unknown, hex: unknown): string | undefined {
  if (isText(text)) return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
  return isText(hex) ? Buffer.from(hex, 'hex').toString('latin1') : undefined
}

/** Nearly every path: the same in both forms, and at 10,000 files the difference between them is felt. */
function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

export function isBytes(value: unknown): value is number {
  return isWhole(value) && value >= 0
}

function isRange(value: unknown): value is Range {
  return isObject(value) && isBytes(value['start']) && isBytes(value['end'])
}

const STREAMS: readonly unknown[] = ['none', 'stdout', 'stderr'] satisfies Stream[]

function isOpen(value: unknown): value is readonly OpenPiece[] {
  return Array.isArray(value) && value.every(isOpenPiece)
}

function isOpenPiece(value: unknown): value is OpenPiece {
  if (!isObject(value) || !STREAMS.includes(value['stream'])) return false
  return Array.isArray(value['ranges']) && value['ranges'].every(isRange)
}
