/**
 * Follows one file by name, on the package `tail`: what is appended, and after a rename or deletion the rest of the
 * old file, then the new one from its beginning. The package stops at a rename with what it had queued thrown away, so
 * the rest is read here through a descriptor held from the start. What it misses stays missed: bytes written between
 * a truncation or a deletion and its notice.
 */
import { closeSync, existsSync, fstatSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Tail } from 'tail'
import { systemCodeOf } from '../errors.ts'
import { blocks, openRegular } from './regular-file.ts'

export interface FollowOptions {
  readonly path: string
  /** Offset to go on from. */
  readonly from: number
  readonly signal: AbortSignal
}

type Show = (bytes: Uint8Array) => void

/** A file held open, and how much of it was shown. */
interface Followed {
  readonly file: number
  position: number
}

/** How often to look whether the name has another file. */
const LOOK_MS = 200

/** Gives bytes to `show` until `signal` aborts, then resolves. Rejects if the file can't be opened or watched. */
export async function follow({ path, from, signal }: FollowOptions, show: Show): Promise<void> {
  let start = from
  while (!signal.aborted) {
    const file = openIfThere(path)
    if (file === undefined) {
      await pause(signal)
      continue
    }
    try {
      const followed = { file, position: fstatSync(file).size < start ? 0 : start }
      await untilRenamed(path, followed, { show, signal })
      // Who writes to it may not know of the new name yet: an application goes on with the old file until it opens
      // the new one, so the old one is over only when the new one is there.
      while (!signal.aborted && !existsSync(path)) await pause(signal)
      if (!signal.aborted) showRest(followed, show)
    } finally {
      closeSync(file)
    }
    start = 0
  }
}

/** The package's methods that its types don't tell whole: `watch` begins at an offset, and with `flush` reads at once. */
interface Seekable {
  unwatch(): void
  watch(startingCursor: number, flush: boolean): void
}

/** Shows what is appended. Resolves when the file has lost its name, or when `signal` aborts. */
async function untilRenamed(
  path: string,
  followed: Followed,
  { show, signal }: { show: Show; signal: AbortSignal },
): Promise<void> {
  // The package throws if there is no file of the name.
  if (isReplaced(path, followed.file)) return showRest(followed, show)
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const onAbort = (): void => end()
  let isOver = false
  // No separator: bytes as they come. latin1 keeps each byte; decoding UTF-8 would break characters at block edges.
  const tail = new Tail(path, { separator: null, encoding: 'latin1', follow: false })
  tail.on('line', (chunk: string) => {
    if (isOver) return
    // The package reads by name, so after a rename these may be bytes of the new file at the old one's offsets.
    if (isReplaced(path, followed.file)) return end()
    show(Buffer.from(chunk, 'latin1'))
    followed.position = Math.min(followed.position + chunk.length, fstatSync(followed.file).size)
  })
  // How the package tells a rename or a deletion; it may do so more than once.
  tail.on('error', () => end())
  signal.addEventListener('abort', onAbort, { once: true })
  // The kernel tells a deletion when the last descriptor is closed, and here is one; so this looks itself.
  const looking = setInterval(() => isReplaced(path, followed.file) && end(), LOOK_MS)
  const seekable: Seekable = tail
  seekable.unwatch()
  seekable.watch(followed.position, true)
  await ended
  isOver = true
  seekable.unwatch()
  clearInterval(looking)
  signal.removeEventListener('abort', onAbort)
  if (!signal.aborted) showRest(followed, show)
}

function showRest(followed: Followed, show: Show): void {
  for (const block of blocks(followed.file, followed.position, fstatSync(followed.file).size)) {
    show(Uint8Array.from(block))
    followed.position += block.length
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openRegular(path)
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Whether the name belongs to another file than this one, or to none. */
function isReplaced(path: string, file: number): boolean {
  const [named, open] = [statSync(path, { throwIfNoEntry: false }), fstatSync(file)]
  return named?.ino !== open.ino || named.dev !== open.dev
}

/** Waits a little; an abort ends it early, and the loops see it. */
async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_MS, undefined, { signal }).catch(() => undefined)
}
