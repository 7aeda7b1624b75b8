/**
 * The number of threads in libuv's pool, which runs every call that takes time and must not stop the main thread, and
 * how many of them may call mounts that can hang. An idle thread costs 8 KB of RSS.
 */

/** The number of threads if no higher one is requested. */
const USUAL_THREADS = 24

/** The most threads that libuv makes. */
const MOST_THREADS = 1024

/** A write and a sync of the state at the same time, and the slots of the compressor (output/producer/seal.ts). */
export const OTHER_CALLS = 4

/** How many threads the pool gets. `requested` is the value of UV_THREADPOOL_SIZE. */
export function threadsFor(requested = ''): number {
  return Math.min(MOST_THREADS, Math.max(USUAL_THREADS, Number.parseInt(requested, 10) || 0))
}

/**
 * How many calls to mounts may be under way in a pool of `threads` threads, half of which may wait for name resolution.
 */
export function mountCallsAmong(threads: number): number {
  return Math.floor(threads / 2) - OTHER_CALLS
}
