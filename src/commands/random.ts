/**
 * Random bytes from the kernel. node:crypto is not used, because loading Node's part of OpenSSL costs 2.5 MB for a few
 * ids. The device stays open, because no descriptor may be left when the next id is needed.
 */
import { openSync, readSync } from 'node:fs'

/** Opens the source and keeps it open as long as the process lives. */
export function openRandomBytes(): (length: number) => Buffer {
  const source = openSync('/dev/urandom', 'r')
  return (length) => {
    const bytes = Buffer.alloc(length)
    if (readSync(source, bytes, 0, length, null) !== length) throw new Error('/dev/urandom gave too few bytes')
    return bytes
  }
}
