/**
 * One piece of asynchronous work that never runs twice at the same time. A call while it runs waits for one more run,
 * shared by all who call meanwhile: whatever was to be done at the call is seen by a run that starts after it.
 */
export function inTurns(work: () => Promise<boolean>): () => Promise<boolean> {
  let running: Promise<boolean> | undefined
  let next: Promise<boolean> | undefined
  const begin = (): Promise<boolean> => {
    next = undefined
    const turn = work().finally(() => {
      if (running === turn) running = undefined
    })
    running = turn
    return turn
  }
  return () => {
    if (next !== undefined) return next
    if (running === undefined) return begin()
    next = running.then(begin, begin)
    return next
  }
}
