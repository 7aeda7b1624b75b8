/**
 * Compares known files with others that may be their copies: by the first bytes, and by the bytes before the offset that the
 * known file is read to or, where the other has fewer bytes yet, before the other's end. named-copies.ts and
 * unnamed-copies.ts decide what follows from that.
 */
import { ignoreSystemError } from '../../errors.ts'
import type { Guard } from '../../guard.ts'
import type { Directory } from '../discovery/directory.ts'
import { FINGERPRINT_BYTES, bytesAt, guardAt, hasHead, hash } from '../files/identity.ts'
import type { LogFile } from '../files/log-file.ts'
import type { Volume } from '../volume/volume.ts'
import { GUARD_BYTES } from '../../kernel/layout.ts'

/** What other files are compared with: a known file, or what is remembered of one that was cut. */
export interface Original {
  readonly directory: Directory
  readonly name: string
  readonly fingerprint: LogFile['fingerprint']
  readonly offset: number
  readonly guard: Guard
}

/** An open file, and its size in bytes. */
export interface Compared {
  readonly volume: Volume
  readonly descriptor: number
  readonly size: number
}

export function originalOf(file: LogFile): Original {
  const { directory, name, fingerprint, guard, next: offset } = file
  return { directory, name, fingerprint, offset, guard }
}

/** Whether an open file has the first bytes of another one, and the bytes before the offset that the other is read to. */
export async function beginsAs(
  { fingerprint, offset, guard }: Pick<Original, 'fingerprint' | 'offset' | 'guard'>,
  { volume, descriptor, size }: Compared,
): Promise<boolean> {
  if (fingerprint.length === 0 || size < Math.max(offset, fingerprint.length)) return false
  return (await hasHead(volume, descriptor, fingerprint)) && (await guardAt(volume, descriptor, offset)) === guard
}

/** Whether an open file that has fewer bytes may become a copy: a copy can be seen while it is still written. */
export async function mayBecome(file: LogFile, { volume, descriptor, size }: Compared): Promise<boolean> {
  if (size >= Math.max(originalOf(file).offset, file.fingerprint.length)) return false
  const length = Math.min(size, FINGERPRINT_BYTES)
  const head = { position: 0, length }
  const its = await bytesAt(volume, descriptor, head)
  // of a closed file only the fingerprint can be compared
  if (file.descriptor < 0) return length < file.fingerprint.length || hash(its) === file.fingerprint.hash
  if (!(await has(file, head, its))) return false
  const end = { position: Math.max(0, size - GUARD_BYTES), length: Math.min(size, GUARD_BYTES) }
  return has(file, end, await bytesAt(volume, descriptor, end))
}

/** Whether a known file is shorter than another's `size` and was not cut, so that the other cannot be its copy. */
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
    // the other file must not wait because this one cannot be reached now
    ignoreSystemError(error)
    return false
  }
}

/** Whether a known file has these bytes there; false if it cannot be read now. */
async function has(file: LogFile, at: { position: number; length: number }, bytes: Buffer): Promise<boolean> {
  if (file.descriptor < 0) return false
  try {
    return bytes.equals(await bytesAt(file.volume, file.descriptor, at))
  } catch (error) {
    ignoreSystemError(error)
    return false
  }
}
