/**
 * Follows one file by name, on the package `tail`: what is appended, and after a rename or deletion the rest of the
 * old file, then the new one from its beginning. The package stops at a rename with what it had queued thrown away, so
 * the rest is read here through a descriptor held from the start. What it misses stays missed: bytes written between
 * a truncation and its notice.
 */
import { closeSync, fstatSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Tail } from 'tail'
import { blocks, openRegular } from './regular-file.ts'

export interface FollowOptions {
  readonly path: string
  /** Offset to go on from. */
  readonly from: number
  readonly signal: AbortSignal
}

/** How often to look whether a file that is gone is there again. */
const RETURN_MS = 200

/** Gives bytes to `show` until `signal` aborts, then resolves. Throws what opening or watching throws, but for a file that is gone. */
export async function follow({ path, from, signal }: FollowOptions, show: (bytes: Uint8Array) => void): Promise<void> {
  let start = from
  while (!signal.aborted) {
    const file = openIfThere(path)
    if (file !== undefined) {
      try {
        await followOne({ path, file, start, signal }, show)
      } finally {
        closeSync(file)
      }
      start = 0
    }
    // The one place that waits; an abort ends it early, and the loop sees it.
    await setTimeout(RETURN_MS, undefined, { signal }).catch(() => undefined)
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openRegular(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The package's methods that its types don't tell whole: `watch` begins at an offset, and with `flush` reads at once. */
interface Seekable {
  unwatch(): void
  watch(startingCursor: number, flush: boolean): void
}

/** Resolves when the file has lost its name and is shown to its end, or when `signal` aborts. */
async function followOne(
  { path, file, start, signal }: { path: string; file: number; start: number; signal: AbortSignal },
  show: (bytes: Uint8Array) => void,
): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  let isOver = false
  let position = fstatSync(file).size < start ? 0 : start
  // No separator: bytes as they come. latin1 keeps each byte; decoding UTF-8 would break characters at block edges.
  const tail = new Tail(path, { separator: null, encoding: 'latin1', follow: false })
  tail.on('line', (chunk: string) => {
    if (isOver) return
    show(Buffer.from(chunk, 'latin1'))
    position = Math.min(position + chunk.length, fstatSync(file).size)
  })
  // How the package tells a rename or a deletion; it may do so more than once.
  tail.on('error', end)
  signal.addEventListener('abort', () => end(), { once: true })
  const seekable: Seekable = tail
  seekable.unwatch()
  seekable.watch(position, true)
  await ended
  isOver = true
  seekable.unwatch()
  if (signal.aborted) return
  for (const block of blocks(file, position, fstatSync(file).size)) show(block)
}
