/**
 * Random bytes from the kernel, without node:crypto: loading OpenSSL's side of Node costs 2.5 MB for a few ids.
 */
import { closeSync, openSync, readSync } from 'node:fs'

export function randomBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const source = openSync('/dev/urandom', 'r')
  try {
    if (readSync(source, bytes, 0, length, null) !== length) throw new Error('/dev/urandom gave too few bytes')
    return bytes
  } finally {
    closeSync(source)
  }
}
