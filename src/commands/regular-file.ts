/**
 * Opens regular files without ever blocking, and reads them in blocks, for commands that show files named by a person.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const BLOCK_BYTES = 64 * 1024

/**
 * Opens a regular file and returns its descriptor. Never blocks, as opening a FIFO would. Throws an Error with the
 * reason.
 */
export function openRegular(path: string): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw new Error('not a regular file')
}

/**
 * The bytes of [start, end) in blocks, each valid until the next one is read. There are fewer if the file was
 * truncated.
 */
export function* blocks(file: number, start: number, end: number): Generator<Uint8Array> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (let at = start; at < end;) {
    const read = readSync(file, block, 0, Math.min(block.length, end - at), at)
    if (read === 0) return
    yield block.subarray(0, read)
    at += read
  }
}
