/** Cleans up when a test ends, in the order that works: what was set up last is taken down first. */

/** Something that ends and calls back then: a `TestContext`, or a fake of one. */
export interface Ending {
  after(cleanUp: () => void | Promise<void>): void
}

/** What is to be done at the end of each test; an entry lives as long as its test. */
const cleanUps = new WeakMap<Ending, (() => void | Promise<void>)[]>()

/**
 * Does as `test.after`, but the last one first. Node calls the first one first: a test's directory would be removed while
 * an agent still writes to it, and the agent would make it again.
 */
export function atEnd(test: Ending, cleanUp: () => void | Promise<void>): void {
  const known = cleanUps.get(test)
  if (known) {
    known.push(cleanUp)
    return
  }
  const own = [cleanUp]
  cleanUps.set(test, own)
  test.after(async () => {
    for (let last = own.pop(); last; last = own.pop()) await last()
  })
}
