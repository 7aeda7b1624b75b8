import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../../../src/output/backoff.ts'

test('back-off doubles up to its limit, shortened by up to a half at random, and begins again after a reset', () => {
  const pauses = (random: number, times: number): number[] => {
    const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, () => random)
    return Array.from({ length: times }, () => backoff.next())
  }
  assert.deepEqual(pauses(0, 6), [50, 100, 200, 400, 500, 500])
  assert.deepEqual(pauses(0.5, 3), [75, 150, 300])
  assert.equal(pauses(0, 3_000).at(-1), 500)
  const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, () => 0)
  backoff.next()
  backoff.next()
  backoff.reset()
  assert.equal(backoff.next(), 50)
})
