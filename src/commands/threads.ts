/**
 * The threads of libuv's pool, which everything needs that takes its time and must not stop the main thread, and how many
 * of them calls to mounts that can hang may take. An idle thread costs 8 KB of RSS.
 */

/** As many as there are without being asked for more. */
const USUAL_THREADS = 24

/** libuv makes no more. */
const MOST_THREADS = 1024

/** A write and a sync of the state's at the same time, and the slots of the compressor (output/seal.ts). */
export const OTHER_CALLS = 4

/** How many threads there shall be; `asked`: what UV_THREADPOOL_SIZE says. */
export function threadsFor(asked = ''): number {
  return Math.min(MOST_THREADS, Math.max(USUAL_THREADS, Number.parseInt(asked, 10) || 0))
}

/** How many calls to mounts may be under way, of so many threads: half of them may wait for the names of brokers. */
export function mountCallsAmong(threads: number): number {
  return Math.floor(threads / 2) - OTHER_CALLS
}
