/**
 * Follows one file by name, on the package `tail`: what is appended, and after a rename or deletion the rest of the
 * old file, then the new one from its beginning. The package stops at a rename with what it had queued thrown away, so
 * the rest is read here through a descriptor held from the start. What it misses stays missed: bytes written between
 * a truncation or a deletion and its notice.
 */
import { type Stats, closeSync, existsSync, fstatSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Tail } from 'tail'
import { ignoreSystemError, messageOf, systemCodeOf } from '../errors.ts'
import { blocks, openRegular } from './regular-file.ts'

export interface FollowOptions {
  readonly path: string
  /** The file that had the name, and the offset to go on from. */
  readonly from: { readonly facts: Stats; readonly offset: number }
  readonly signal: AbortSignal
  /** The name has something that cannot be read. It is waited for another. */
  readonly complain: (reason: string) => void
}

type Show = (bytes: Uint8Array) => void

/** A file held open, and how much of it was shown. */
interface Followed {
  readonly file: number
  position: number
}

/** How often to look whether the name has another file. */
const LOOK_MS = 200

/** Gives bytes to `show` until `signal` aborts, then resolves. */
export async function follow({ path, from, signal, complain }: FollowOptions, show: Show): Promise<void> {
  const open = opener(path, complain)
  let { facts: before, offset: start } = from
  while (!signal.aborted) {
    const file = open()
    if (file === null) {
      await pause(signal)
      continue
    }
    const facts = fstatSync(file)
    // renamed and renamed back is still the same file
    if (!isSame(facts, before)) start = 0
    const followed = { file, position: facts.size < start ? 0 : start }
    try {
      await untilRenamed(path, followed, { show, signal })
      // Who writes to it may not know of the new name yet: an application goes on with the old file until it opens
      // the new one, so the old one is over only when the new one is there.
      while (!signal.aborted && !existsSync(path)) await pause(signal)
      if (!signal.aborted) showRest(followed, show)
    } finally {
      closeSync(file)
    }
    before = facts
    start = followed.position
  }
}

/** Opens the file that has the name: null if there is none to be read. Each reason is told once in a row. */
function opener(path: string, complain: (reason: string) => void): () => number | null {
  let told = ''
  return () => {
    try {
      const file = openRegular(path)
      told = ''
      return file
    } catch (error) {
      const reason = messageOf(error)
      if (systemCodeOf(error) !== 'ENOENT' && reason !== told) complain(`${path}: ${reason}`)
      told = reason
      return null
    }
  }
}

/** What the package's types leave out: `watch` begins at an offset, and with `flush` reads at once. */
declare module 'tail' {
  interface Tail {
    currentCursorPos: number
    watch(startingCursor: number, flush: boolean): void
    /** Look now for what was appended. Throws if the name has no file. */
    change(): void
  }
}

/** No separator: bytes as they come. latin1 keeps each byte; decoding UTF-8 would break characters at block edges. */
const AS_IT_IS = { separator: null, encoding: 'latin1', follow: false } as const

/** Shows what is appended. Resolves when the file has lost its name, or when `signal` aborts. */
async function untilRenamed(
  path: string,
  followed: Followed,
  { show, signal }: { show: Show; signal: AbortSignal },
): Promise<void> {
  const { tail, isWatched } = newTail(path)
  if (tail === null || isReplaced(path, followed.file)) {
    tail?.unwatch()
    return showRest(followed, show)
  }
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  const onAbort = (): void => end()
  let isOver = false
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
  tail.unwatch()
  if (isWatched) tail.watch(followed.position, true)
  else tail.currentCursorPos = followed.position
  // The kernel tells a deletion when the last descriptor is closed, and here is one; so this looks itself.
  const looking = setInterval(() => {
    if (isReplaced(path, followed.file)) end()
    else if (!isWatched) look(tail)
  }, LOOK_MS)
  await ended
  isOver = true
  tail.unwatch()
  clearInterval(looking)
  signal.removeEventListener('abort', onAbort)
  if (!signal.aborted) showRest(followed, show)
}

/** The package begins to watch at once. Null where the name has no file; not watched where there is no inotify left. */
function newTail(path: string): { tail: Tail | null; isWatched: boolean } {
  for (const isWatched of [true, false]) {
    try {
      return { tail: new Tail(path, { ...AS_IT_IS, useWatchFile: !isWatched }), isWatched }
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') break
    }
  }
  return { tail: null, isWatched: false }
}

function look(tail: Tail): void {
  try {
    tail.change()
  } catch (error) {
    // it has just lost its name: the package has said so by an event, too
    ignoreSystemError(error)
  }
}

function showRest(followed: Followed, show: Show): void {
  for (const block of blocks(followed.file, followed.position, fstatSync(followed.file).size)) {
    show(Uint8Array.from(block))
    followed.position += block.length
  }
}

/** Whether the name belongs to another file than this one, to none, or to one that cannot be asked about. */
function isReplaced(path: string, file: number): boolean {
  try {
    const named = statSync(path, { throwIfNoEntry: false })
    return named === undefined || !isSame(named, fstatSync(file))
  } catch (error) {
    ignoreSystemError(error)
    return true
  }
}

/** An inode may have become another file's meanwhile. */
function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev && one.birthtimeMs === other.birthtimeMs
}

/** Waits a little; an abort ends it early, and the loops see it. */
async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_MS, undefined, { signal }).catch(() => undefined)
}
