/**
 * The state's entry for one file generation, and its JSON. The entry is written whole when one of its members changes,
 * but for the short lines of moved-entry.ts. Files, lines and checksums are in format.ts.
 */
import { isUtf8 } from 'node:buffer'
import type { OpenPiece, Position, Range, Stream } from '../../flow.ts'
import { type Guard, guardText, parseGuard } from '../../guard.ts'
import type { Moved } from './moved-entry.ts'

export interface StoredGeneration {
  /** `log.file.id`, which never changes. */
  readonly id: string
  readonly inputId: string
  /** Path at discovery, one character a byte (latin1). */
  readonly path: string
  /** Path at which the file was last seen, which rotation changes (latin1). */
  readonly place: string
  /** Decimal text, since device and inode numbers have 64 bits. */
  readonly device: string
  readonly inode: string
  /** Hash of the first `length` bytes; grows with the file. */
  readonly fingerprint: { readonly length: number; readonly hash: string }
  readonly position: Position
  /** Guard (guard.ts) of the up to 64 bytes before `position.offset`. */
  readonly guard: Guard
  /** Last known size in bytes. */
  readonly size: number
  readonly mtimeMs: number
  /** Birth time of the inode, in ms since the epoch; 0 where it is not known. */
  readonly bornMs: number
  /** The partition of a sticky file; -1 when it has none yet. */
  readonly partition: number
  /** Whether the file is done with and let go. The entry is kept while a file with that inode is still on disk. */
  readonly finished: boolean
  /** The format of its lines, once it is known. */
  readonly format?: LogFormat
  /** Members that a newer program wrote. They are written back unchanged. */
  readonly unknown?: Readonly<Record<string, unknown>>
}

const FORMATS = ['lines', 'cri', 'docker'] as const
export type LogFormat = (typeof FORMATS)[number]

/** An object that makes its entry when asked: one object fewer to keep for each of ten thousand files. */
export interface EntrySource {
  readonly id: string
  toStored(): StoredGeneration
  /** The members that change seldom. Null while there are open pieces, which a short line cannot hold. */
  lasting?(): readonly unknown[] | null
  /** The members that a short line holds. */
  moved?(): Moved
}

export type Entry = StoredGeneration | EntrySource

/** The entry itself, asked of its source if need be. */
export function storedOf(entry: Entry): StoredGeneration {
  return 'toStored' in entry ? entry.toStored() : entry
}

/** The JSON of one entry. Members that are usually empty are left out. */
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
    // behind `unknown`, whose format only a newer program knows: this one replaces it
    ...(entry.format && { format: entry.format }),
  })
}

/**
 * The entry in a parsed JSON value, or undefined if it is none. The checksum shows only that an agent wrote the line; this
 * also checks that the values make sense, since a position of NaN would be worse than no position.
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

/** The members, or undefined if there are none: ten thousand entries without unknown members need no object for them. */
export function unlessEmpty(members: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.keys(members).length > 0 ? members : undefined
}

/** A path as a JSON member: as text, or as hexadecimal digits under `…Hex` where its bytes are not UTF-8. */
function pathToJson(name: string, path: string): Record<string, string> {
  if (isAscii(path)) return { [name]: path }
  const bytes = Buffer.from(path, 'latin1')
  return isUtf8(bytes) ? { [name]: bytes.toString('utf8') } : { [`${name}Hex`]: bytes.toString('hex') }
}

function pathFromJson(text: unknown, hex: unknown): string | undefined {
  if (isText(text)) return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
  return isText(hex) ? Buffer.from(hex, 'hex').toString('latin1') : undefined
}

/** True for nearly every path. ASCII needs no conversion, which saves noticeable time at 10,000 files. */
function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Whether a parsed value is an integer that a number holds exactly. */
export function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value)
}

/** Whether a parsed value is a number of bytes, or an offset. */
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
