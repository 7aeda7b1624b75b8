/**
 * Counts tests as people do: by the leaves. A suite, or a test that only holds others, does not count. A file that breaks
 * outside its tests counts as a failure, and so does a file without tests.
 */
import type { TestEvent } from 'node:test/reporters'

type Result = Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>

export class Tally {
  passed = 0
  failed = 0
  skipped = 0
  readonly #file: string
  /** The depth of the result before: children are reported right before their parent, one level deeper. */
  #depthBefore = -1

  /** @param file path of the one file whose events these are */
  constructor(file: string) {
    this.#file = file
  }

  get count(): number {
    return this.passed + this.failed + this.skipped
  }

  add(event: TestEvent): void {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') return
    const { nesting, name, details } = event.data
    const holdsOthers = this.#depthBefore === nesting + 1
    this.#depthBefore = nesting
    // Node reports the file itself only if it breaks or has no tests.
    if (nesting === 0 && name === this.#file) this.failed++
    else if (holdsOthers || details.type === 'suite') this.#addHolder(event)
    else this.#addLeaf(event)
  }

  #addLeaf(event: Result): void {
    if (event.data.skip !== undefined) this.skipped++
    else if (event.type === 'test:pass') this.passed++
    else this.failed++
  }

  /** Counts a parent that fails by itself (in a hook) although its children pass, and not one that fails by them. */
  #addHolder(event: Result): void {
    if (event.type === 'test:fail' && !failedBySubtests(event.data.details.error)) this.failed++
  }
}

function failedBySubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed'
}
