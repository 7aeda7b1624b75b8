/**
 * How a file is known again: by its content, and only where its place allows it. The content is
 * - the fingerprint: a hash of the first min(size, 1024) bytes, with its length; it grows with the file;
 * - the guard: a hash of the up to 64 bytes before an offset, which appending to the file cannot change.
 * Even where both agree, it is another file unless it has the inode or the path of the known one: the logs of two runs of a
 * job begin alike, and may end alike. And an inode is used again within milliseconds, so it counts only together with its
 * birth time or, where that is not known, with the directory.
 */
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { type Guard, NO_GUARD, guardOf } from '../../guard.ts'
import { isSameBirth } from '../volume/birth-time.ts'
import type { StoredGeneration } from '../state/stored-generation.ts'
import type { FileFacts, Volume } from '../volume/volume.ts'
import { GUARD_BYTES } from '../../kernel/layout.ts'

export const FINGERPRINT_BYTES = 1024

export interface Fingerprint {
  readonly length: number
  readonly hash: string
}

/** A file that was seen somewhere. */
export interface SeenFile {
  readonly facts: FileFacts
  readonly path: string
}

/** A file, and the generation that it may be. */
interface Claim extends SeenFile {
  readonly stored: StoredGeneration
}

/** Where a generation was when it was last seen. */
export interface Whereabouts {
  /** `device:inode`. */
  readonly key: string
  readonly bornMs: number
  readonly place: string
}

/** What a file and a known generation must have in common beside their content to be the same. */
export type Bond = 'inode' | 'path'

export const NO_FINGERPRINT: Fingerprint = { length: 0, hash: '' }

/**
 * A hash of 16 hexadecimal digits: CRC-32 of the bytes in order, and in reverse order. It protects against chance, not
 * against an adversary. All of it is native code: a loop of ours would make V8 load its compiler (5 MB of an idle agent).
 */
export function hash(bytes: Uint8Array): string {
  return hex(crc32(bytes)) + hex(crc32(new Uint8Array(bytes).reverse()))
}

function hex(n: number): string {
  return (n >>> 0).toString(16).padStart(8, '0')
}

/** A new `log.file.id`, made of 12 random bytes. */
export function newId(random: (bytes: number) => Buffer): string {
  return random(12).toString('hex')
}

/** The `length` bytes at `position`, or fewer where the file ends. */
export async function bytesAt(
  volume: Volume,
  descriptor: number,
  where: { position: number; length: number },
): Promise<Buffer> {
  const bytes = Buffer.alloc(where.length)
  // a single call: it brings all that a regular file has, and between two calls the descriptor could become another file
  const got = await volume.read(descriptor, { bytes, at: 0, ...where })
  return bytes.subarray(0, got)
}

export async function fingerprintOf(volume: Volume, descriptor: number): Promise<Fingerprint> {
  const bytes = await bytesAt(volume, descriptor, { position: 0, length: FINGERPRINT_BYTES })
  return { length: bytes.length, hash: hash(bytes) }
}

/** What bonds a file to a known generation. Null: it is another file, whatever its content. */
export function bondOf({ facts, path }: SeenFile, known: Whereabouts): Bond | null {
  const isThere = path === known.place
  if (facts.key === known.key) {
    const isSameInode = isSameBirth(facts.bornMs, known.bornMs) ?? (isThere || dirname(path) === dirname(known.place))
    if (isSameInode) return 'inode'
  }
  return isThere ? 'path' : null
}

export function whereaboutsOf(stored: StoredGeneration): Whereabouts {
  return { key: inodeKeyOf(stored), bornMs: stored.bornMs, place: stored.place }
}

/**
 * Whether a file is the stored generation that was empty when it was last seen, and has no content to be known by. It must
 * have the inode; and the birth time must be the same, or the file must have been there then, or have the path.
 */
export function isSameEmpty({ facts, path, stored }: Claim): boolean {
  if (facts.key !== inodeKeyOf(stored) || bondOf({ facts, path }, whereaboutsOf(stored)) === null) return false
  const wasThere = facts.bornMs > 0 && facts.bornMs <= stored.mtimeMs
  return isSameBirth(facts.bornMs, stored.bornMs) === true || wasThere || path === stored.place
}

/** Whether an open file is the stored generation, by what bonds them and by content. */
export async function isSame(volume: Volume, descriptor: number, what: Claim): Promise<boolean> {
  const { facts, stored } = what
  const { fingerprint, position } = stored
  if (facts.size < position.offset) return false
  if (fingerprint.length === 0) return isSameEmpty(what)
  if (bondOf(what, whereaboutsOf(stored)) === null) return false
  return (await hasHead(volume, descriptor, fingerprint)) && guardHolds(volume, descriptor, what)
}

/** Whether an open file begins with the bytes of a fingerprint. */
export async function hasHead(
  volume: Volume,
  descriptor: number,
  { length, hash: its }: Fingerprint,
): Promise<boolean> {
  const head = await bytesAt(volume, descriptor, { position: 0, length })
  return head.length === length && hash(head) === its
}

/** The guard of an offset in an open file. */
export async function guardAt(volume: Volume, descriptor: number, offset: number): Promise<Guard> {
  const length = Math.min(GUARD_BYTES, offset)
  return guardOf(await bytesAt(volume, descriptor, { position: offset - length, length }))
}

/**
 * Whether the bytes before the stored offset are the ones that were there. Positions that older versions stored may have no
 * guard: then only a file with the inode is believed, and only if it was there then.
 */
export async function guardHolds(
  volume: Volume,
  descriptor: number,
  { facts, stored }: Pick<Claim, 'facts' | 'stored'>,
): Promise<boolean> {
  const { offset } = stored.position
  if (offset === 0) return true
  if (stored.guard === NO_GUARD) return facts.key === inodeKeyOf(stored) && facts.bornMs <= stored.mtimeMs
  return (await guardAt(volume, descriptor, offset)) === stored.guard
}

export function inodeKeyOf(stored: StoredGeneration): string {
  return `${stored.device}:${stored.inode}`
}
