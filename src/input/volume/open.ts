/**
 * Opening a path that may be hostile: only regular files, without blocking on a pipe, and only where the descriptor's
 * real path lies under the allowed roots. A log directory cannot make a privileged agent ship `/proc/1/environ`.
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
  /** Not there any more. */
  | { readonly kind: 'gone' }
  /** Cannot be opened now; it may be possible later. */
  | { readonly kind: 'denied'; readonly reason: string }
  /** Nothing can be opened now, whatever it is. */
  | { readonly kind: 'exhausted'; readonly reason: string }
  /** Not a file of ours. */
  | { readonly kind: 'refused'; readonly reason: IgnoreReason }

/** `roots`: directories, latin1. */
export async function openLog(volume: Volume, path: string, roots: readonly string[]): Promise<Opened> {
  let descriptor: number
  try {
    // asked first: opening a device can have effects
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

/** The kernel's own idea of where the descriptor's file is. */
function realPath(descriptor: number): string {
  return fs.readlinkSync(`/proc/self/fd/${descriptor}`, 'latin1')
}

async function isUnder(volume: Volume, path: string, roots: readonly string[]): Promise<boolean> {
  for (const root of roots) {
    try {
      // a root may be a link itself, and may change
      const real = await volume.realPath(root)
      if (path.startsWith(real === '/' ? '/' : `${real}/`)) return true
    } catch {
      // what is not there holds nothing; nor does a mount that can hang hold a local file
    }
  }
  return false
}
