/**
 * A known file as others are compared with it, which may be its copies: by the bytes it begins with, and those before
 * our place in it or, of one that has fewer yet, before its end. What that makes of the other is said in named-copies.ts
 * and unnamed-copies.ts.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Guard } from '../../guard.ts'
import type { Directory } from '../discovery/directory.ts'
import { FINGERPRINT_BYTES, bytesAt, guardAt, hasHead, hash } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'
import type { Volume } from '../volume/volume.ts'
import { GUARD_BYTES } from '../../kernel/layout.ts'

/** What is remembered of a generation that was cut. */
export interface Original {
  readonly directory: Directory
  readonly name: string
  readonly fingerprint: LogFile['fingerprint']
  readonly offset: number
  readonly guard: Guard
}

/** An open file, and how long it is. */
export interface Compared {
  readonly volume: Volume
  readonly descriptor: number
  readonly size: number
}

export function originalOf(file: LogFile): Original {
  const { directory, name, fingerprint, guard, next: offset } = file
  return { directory, name, fingerprint, offset, guard }
}

/** Whether an open file has the first bytes of another, and those before where we are in it. */
export async function beginsAs(
  { fingerprint, offset, guard }: Pick<Original, 'fingerprint' | 'offset' | 'guard'>,
  { volume, descriptor, size }: Compared,
): Promise<boolean> {
  if (fingerprint.length === 0 || size < Math.max(offset, fingerprint.length)) return false
  return (await hasHead(volume, descriptor, fingerprint)) && (await guardAt(volume, descriptor, offset)) === guard
}

/** A copy is seen while it is written: what there is of a file that has fewer bytes yet is the beginning of the other. */
export async function mayBecome(file: LogFile, { volume, descriptor, size }: Compared): Promise<boolean> {
  if (size >= Math.max(originalOf(file).offset, file.fingerprint.length)) return false
  const length = Math.min(size, FINGERPRINT_BYTES)
  const head = { position: 0, length }
  const its = await bytesAt(volume, descriptor, head)
  // a closed one has only its fingerprint to be compared
  if (file.descriptor < 0) return length < file.fingerprint.length || hash(its) === file.fingerprint.hash
  if (!(await has(file, head, its))) return false
  const end = { position: Math.max(0, size - GUARD_BYTES), length: Math.min(size, GUARD_BYTES) }
  return has(file, end, await bytesAt(volume, descriptor, end))
}

/** Nothing is a copy of a file that is shorter, and was not cut. */
export async function isOutgrown(file: LogFile, size: number): Promise<boolean> {
  const { descriptor, volume } = file
  try {
    const facts = descriptor >= 0 ? await volume.factsOf(descriptor) : await volume.facts(file.place)
    if (facts === null || facts.key !== file.key || Math.max(facts.size, file.size) >= size) return false
    // it may have been opened or closed meanwhile
    if (file.descriptor !== descriptor) return false
    if (descriptor < 0) return file.isAsSeen(facts)
    return await beginsAs(originalOf(file), { volume, descriptor, size: facts.size })
  } catch (error) {
    // that it cannot be asked now must not stop the other one
    ignoreSystemError(error)
    return false
  }
}

/** Whether a known file has these bytes there; not, if it cannot be asked now. */
async function has(file: LogFile, at: { position: number; length: number }, bytes: Buffer): Promise<boolean> {
  if (file.descriptor < 0) return false
  try {
    return bytes.equals(await bytesAt(file.volume, file.descriptor, at))
  } catch (error) {
    ignoreSystemError(error)
    return false
  }
}
