/** Resolves after one turn of the event loop. By then everything has happened that waits for promises only. */
export function loopTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
