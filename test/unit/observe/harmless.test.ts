import assert from 'node:assert/strict'
import { test } from 'node:test'
import { harmless } from '../../../src/observe/harmless.ts'

test('a report that fails is logged once in a row, and ends nothing', () => {
  const logged: unknown[] = []
  const report = harmless({ warn: (...args: unknown[]) => void logged.push(args) })
  let reported = 0
  const fail = (): void => {
    throw new Error('no descriptor left')
  }
  for (const what of [fail, fail, () => void reported++, fail]) report(what)
  assert.equal(reported, 1)
  const line = [{ reason: 'no descriptor left' }, 'a report failed; trying again with the next one']
  assert.deepEqual(logged, [line, line])
})
