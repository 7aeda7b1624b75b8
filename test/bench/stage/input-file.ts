/** The file that all agents of a comparison ship: it is in memory (/dev/shm), so that its pages are warm for all of them. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { BLOCK_LINES, LineBlock } from './lines.ts'

export interface InputFile {
  readonly path: string
  readonly lines: number
  readonly bytes: number
}

/** Writes a file of at least `bytes` bytes, in whole lines that are numbered from 0. */
export function makeInputFile(path: string, bytes: number): InputFile {
  const block = new LineBlock()
  const descriptor = openSync(path, 'w')
  try {
    let lines = 0
    let size = 0
    while (size < bytes) {
      let count = 0
      while (count < BLOCK_LINES && size + (block.starts[count] ?? 0) < bytes) block.number(count, lines + count++)
      size += writeSync(descriptor, block.bytes, 0, block.starts[count])
      lines += count
    }
    return { path, lines, bytes: size }
  } finally {
    closeSync(descriptor)
  }
}
