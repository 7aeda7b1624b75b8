/**
 * Follows one file by name with the package `tail`. It shows what is appended, and after a rename or deletion the rest
 * of the old file, then the new one from its beginning. At a rename the package stops and discards what it had queued,
 * so the rest is read here through a descriptor that is held from the start. Bytes that are written between a
 * truncation or a deletion and its notice are missed.
 */
import { type Stats, closeSync, existsSync, fstatSync, statSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Tail } from 'tail'
import { ignoreSystemError, messageOf, systemCodeOf } from '../errors.ts'
import { blocks, openRegular } from './regular-file.ts'

export interface FollowOptions {
  readonly path: string
  /** The file that had the name before, and the offset from which to go on. */
  readonly from: { readonly facts: Stats; readonly offset: number }
  readonly signal: AbortSignal
  /** Called when the file of that name cannot be read. Following waits for another one. */
  readonly complain: (reason: string) => void
}

type Show = (bytes: Uint8Array) => void

/** A file that is held open, and how much of it was shown. */
interface Followed {
  readonly file: number
  position: number
}

/** How often to check whether the name has another file. */
const LOOK_MS = 200

/** Passes bytes to `show` until `signal` aborts, then resolves. */
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
      // An application goes on writing to the renamed file until it opens the new one, so the old file is complete only
      // when the new one exists.
      while (!signal.aborted && !existsSync(path)) await pause(signal)
      if (!signal.aborted) showRest(followed, show)
    } finally {
      closeSync(file)
    }
    before = facts
    start = followed.position
  }
}

/**
 * A function that opens the file of that name, or returns null if there is none to read. It reports a reason once in a
 * row.
 */
function opener(path: string, complain: (reason: string) => void): () => number | null {
  let reported = ''
  return () => {
    try {
      const file = openRegular(path)
      reported = ''
      return file
    } catch (error) {
      const reason = messageOf(error)
      if (systemCodeOf(error) !== 'ENOENT' && reason !== reported) complain(`${path}: ${reason}`)
      reported = reason
      return null
    }
  }
}

/** Parts that the package's types leave out: `watch` begins at an offset, and with `flush` reads at once. */
declare module 'tail' {
  interface Tail {
    currentCursorPos: number
    watch(startingCursor: number, flush: boolean): void
    /** Checks now for appended bytes. Throws if the name has no file. */
    change(): void
  }
}

/**
 * Options for bytes as they are: no separator, and latin1, since decoding UTF-8 would break characters at block edges.
 */
const AS_IT_IS = { separator: null, encoding: 'latin1', follow: false } as const

/** Shows appended bytes. Resolves when the file has lost its name, or when `signal` aborts. */
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
  // the package reports a rename or a deletion by this event, perhaps more than once
  tail.on('error', () => end())
  signal.addEventListener('abort', onAbort, { once: true })
  tail.unwatch()
  if (isWatched) tail.watch(followed.position, true)
  else tail.currentCursorPos = followed.position
  // The kernel reports a deletion only when the last descriptor is closed, and one is open here, so this checks itself.
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

/**
 * A tail, which begins to watch at once. It is null if the name has no file, and polls if no inotify watch is
 * available.
 */
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
    // the file has just lost its name, which the package reports by an event too
    ignoreSystemError(error)
  }
}

function showRest(followed: Followed, show: Show): void {
  for (const block of blocks(followed.file, followed.position, fstatSync(followed.file).size)) {
    show(Uint8Array.from(block))
    followed.position += block.length
  }
}

/** Whether the name now has another file, no file, or one that cannot be looked at. */
function isReplaced(path: string, file: number): boolean {
  try {
    const named = statSync(path, { throwIfNoEntry: false })
    return named === undefined || !isSame(named, fstatSync(file))
  } catch (error) {
    ignoreSystemError(error)
    return true
  }
}

/** Whether both are the same file. The birth time is compared too, because an inode can be used again. */
function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev && one.birthtimeMs === other.birthtimeMs
}

/** Waits for a moment. An abort ends the wait early, and the loops check the signal. */
async function pause(signal: AbortSignal): Promise<void> {
  await delay(LOOK_MS, undefined, { signal }).catch(() => undefined)
}
