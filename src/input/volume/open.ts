/**
 * Opens a path that may be hostile: only regular files, without blocking on a pipe, and only if the descriptor's real path
 * lies under an allowed root. A link in a log directory cannot make a privileged agent ship `/proc/1/environ`.
 */
import fs from 'node:fs'
import type { IgnoreReason } from '../../flow.ts'
import { isShortOfDescriptors, messageOf, systemCodeOf } from '../../errors.ts'
import { type FileFacts, type Volume, closeOn } from './volume.ts'

/** An open file, and what the file system said of it then. */
export interface OpenFile {
  readonly descriptor: number
  readonly facts: FileFacts
}

export type Opened =
  | ({ readonly kind: 'open' } & OpenFile)
  /** The file no longer exists. */
  | { readonly kind: 'gone' }
  /** The file cannot be opened now; later it may be possible. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** No file can be opened now: the process or the machine has no descriptor left. */
  | { readonly kind: 'exhausted'; readonly reason: string }
  /** The path must not be read. */
  | { readonly kind: 'refused'; readonly reason: IgnoreReason }

/** Opens a log for reading, if it is a regular file below one of the `roots` (directories, latin1). */
export async function openLog(volume: Volume, path: string, roots: readonly string[]): Promise<Opened> {
  let descriptor: number
  try {
    // looked at first, since opening a device can have effects
    const before = await volume.facts(path)
    if (before === null) return { kind: 'gone' }
    if (before.kind !== 'file') return { kind: 'refused', reason: 'not-regular' }
    descriptor = await volume.open(path)
  } catch (error) {
    const code = systemCodeOf(error)
    if (code === 'ENOENT') return { kind: 'gone' }
    return { kind: isShortOfDescriptors(error) ? 'exhausted' : 'denied', reason: code || messageOf(error) }
  }
  try {
    const facts = await volume.factsOf(descriptor)
    const refusal =
      facts.kind !== 'file'
        ? 'not-regular'
        : (await isUnder(volume, realPath(descriptor), roots))
          ? null
          : 'outside-roots'
    if (refusal === null) return { kind: 'open', descriptor, facts }
    closeOn(volume, descriptor)
    return { kind: 'refused', reason: refusal }
  } catch (error) {
    closeOn(volume, descriptor)
    return { kind: 'denied', reason: messageOf(error) }
  }
}

/** The path of a descriptor's file, as the kernel knows it. */
function realPath(descriptor: number): string {
  return fs.readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1')
}

/** Whether a path without links lies below one of the roots. */
async function isUnder(volume: Volume, path: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    try {
      // a root may be a link itself, and may change
      const real = await volume.realPath(root)
      if (path.startsWith(real === '/' ? '/' : `${real}/`)) return true
    } catch {
      // a root that does not exist holds no file, and a root on a mount that can hang holds no local file
    }
  }
  return false
}
