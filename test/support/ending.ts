/** What is to be done when a test ends, in the order that works: what was set up last is taken down first. */

/** Whatever has ends: a `TestContext`, or a fake of one. */
export interface Ending {
  after(wish: () => void | Promise<void>): void
}

/** Of each test, its wishes; the test itself is the owner, and takes them along when it goes. */
const wishes = new WeakMap<Ending, (() => void | Promise<void>)[]>()

/**
 * As `test.after`, but last come, first served. Node's own order is first come, first served: a test's directory would be
 * removed under an agent that still writes to it, and come back.
 */
export function atEnd(test: Ending, wish: () => void | Promise<void>): void {
  const known = wishes.get(test)
  if (known) {
    known.push(wish)
    return
  }
  const own = [wish]
  wishes.set(test, own)
  test.after(async () => {
    for (let last = own.pop(); last; last = own.pop()) await last()
  })
}
