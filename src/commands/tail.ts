/**
 * `logagent tail FILE… -n N -f`: shows files from inside an image that has no shell. The last lines are read from the
 * end of the file, and all bytes are shown as they are; follow.ts follows a file. This is not the agent's reader: it
 * keeps no offsets (docs/decisions).
 */
import { closeSync, fstatSync, readSync } from 'node:fs'
import { AgentError, messageOf } from '../errors.ts'
import type { FollowOptions } from './follow.ts'
import { blocks, openRegular } from './regular-file.ts'
import { write } from './write.ts'

export interface TailOptions {
  readonly files: readonly string[]
  /** How many of the last lines of each file to show. */
  readonly lines: number
  /** Whether to go on with appended bytes, also of a file that takes over the name, until `signal` aborts. */
  readonly follow: boolean
  readonly stdout: NodeJS.WritableStream
  /** Reports at once that a file cannot be followed for now. */
  readonly complain: (message: string) => void
  readonly signal: AbortSignal
}

const BLOCK_BYTES = 64 * 1024
const NEWLINE = 0x0a

/** Shows all files that can be read, then throws AgentError `file-unreadable` if there were others. */
export async function tail(options: TailOptions): Promise<void> {
  const { files, lines, stdout, complain, signal } = options
  const headingOf = headings(files.length > 1)
  const failures: string[] = []
  const shown: Pick<FollowOptions, 'path' | 'from'>[] = []
  for (const path of files) {
    let file: number | undefined
    try {
      file = openRegular(path)
      const facts = fstatSync(file)
      const end = facts.size
      const start = startOfLast(file, end, lines)
      await write(stdout, headingOf(path), signal)
      for (const block of blocks(file, start, end)) await write(stdout, block, signal)
      shown.push({ path, from: { facts, offset: end } })
    } catch (error) {
      signal.throwIfAborted()
      failures.push(`${path}: ${messageOf(error)}`)
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }
  if (options.follow && shown.length > 0) {
    const { follow } = await import('./follow.ts')
    const show = (path: string) => (bytes: Uint8Array) =>
      stdout.write(Buffer.concat([Buffer.from(headingOf(path)), bytes]))
    await Promise.all(shown.map(async ({ path, from }) => follow({ path, from, signal, complain }, show(path))))
  }
  if (failures.length > 0) throw new AgentError('file-unreadable', failures.join('\n'))
}

/**
 * The offset at which the last `lines` lines of a file of `end` bytes begin. Reads backwards in blocks, only as far as
 * needed. A last line without a newline counts as a line.
 */
function startOfLast(file: number, end: number, lines: number): number {
  if (lines <= 0) return end
  const block = Buffer.allocUnsafe(BLOCK_BYTES)
  let newlines = 0
  for (let blockEnd = end; blockEnd > 0;) {
    const blockStart = Math.max(0, blockEnd - block.length)
    const read = readSync(file, block, 0, blockEnd - blockStart, blockStart)
    // the newline that ends the file begins no line
    let before = blockStart + read === end ? read - 2 : read - 1
    for (before = lastNewline(block, before); before >= 0; before = lastNewline(block, before - 1)) {
      if (++newlines === lines) return blockStart + before + 1
    }
    blockEnd = blockStart
  }
  return 0
}

/** The index of the last newline at or before `from`, or -1. lastIndexOf would count a negative `from` from the end. */
function lastNewline(block: Buffer, from: number): number {
  return from < 0 ? -1 : block.lastIndexOf(NEWLINE, from)
}

/**
 * A function that gives the text before bytes of a file: with several files a heading, if another file was printed
 * last.
 */
function headings(isNeeded: boolean): (path: string) => string {
  let last: string | undefined
  return (path) => {
    if (!isNeeded || path === last) return ''
    const gap = last === undefined ? '' : '\n'
    last = path
    return `${gap}==> ${path} <==\n`
  }
}
