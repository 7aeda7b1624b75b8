/**
 * Wraps asynchronous work so that it never runs twice at the same time. A call during a run waits for one more run, which
 * all callers in the meantime share: that run begins after their calls, and so covers everything they want done.
 */
export function oneAtATime(work: () => Promise<boolean>): () => Promise<boolean> {
  let running: Promise<boolean> | undefined
  let next: Promise<boolean> | undefined
  const begin = (): Promise<boolean> => {
    next = undefined
    const run = work().finally(() => {
      if (running === run) running = undefined
    })
    running = run
    return run
  }
  return () => {
    if (next !== undefined) return next
    if (running === undefined) return begin()
    next = running.then(begin, begin)
    return next
  }
}
