/**
 * Regular files, opened without ever blocking and read block by block; for commands that look at files named by a person.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const BLOCK_BYTES = 64 * 1024

/** Descriptor of a regular file; never blocks, as opening a FIFO would. Throws an Error with the reason. */
export function openRegular(path: string): number {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (fstatSync(file).isFile()) return file
  closeSync(file)
  throw new Error('not a regular file')
}

/** The bytes of [start, end) in blocks, each valid until the next is asked for. Fewer if the file was cut meanwhile. */
export function* blocks(file: number, start: number, end: number): Generator<Uint8Array> {
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  for (let at = start; at < end;) {
    const read = readSync(file, block, 0, Math.min(block.length, end - at), at)
    if (read === 0) return
    yield block.subarray(0, read)
    at += read
  }
}
