import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { TimerQueue } from '../../../../src/output/producer/timer-queue.ts'
import { seeded } from '../../../support/seed.ts'

const timed = (name: string) => ({ name, wakeAt: Infinity })

describe('a timer queue', () => {
  test('gives the items that are due, the earliest first, and each once', () => {
    const queue = new TimerQueue<ReturnType<typeof timed>>()
    const [a, b, c] = [timed('a'), timed('b'), timed('c')]
    queue.set(a, 30)
    queue.set(b, 10)
    queue.set(c, 20)
    assert.equal(queue.next, 10)
    assert.deepEqual(
      queue.takeUntil(20).map(({ item, at }) => [item.name, at]),
      [
        ['b', 10],
        ['c', 20],
      ],
    )
    assert.deepEqual(queue.takeUntil(20), [])
    assert.equal(queue.next, 30)
  })

  test('keeps the earliest time of each', () => {
    const queue = new TimerQueue<ReturnType<typeof timed>>()
    const a = timed('a')
    queue.set(a, 30)
    queue.set(a, 10)
    queue.set(a, 20)
    queue.set(a, Infinity)
    assert.deepEqual(queue.takeUntil(100), [{ item: a, at: 10 }])
    queue.set(a, 30)
    assert.deepEqual(queue.takeUntil(100), [{ item: a, at: 30 }])
    assert.equal(queue.next, Infinity)
  })

  test('agrees with a list that is searched', (t) => {
    const step = fc.oneof(fc.record({ item: fc.nat(9), at: fc.nat(100) }), fc.record({ until: fc.nat(100) }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const all = Array.from({ length: 10 }, (_, index) => timed(String(index)))
        const queue = new TimerQueue<ReturnType<typeof timed>>()
        const model = new Map<string, number>()
        for (const step of steps) {
          if ('item' in step) {
            const item = all[step.item]!
            queue.set(item, step.at)
            model.set(item.name, Math.min(step.at, model.get(item.name) ?? Infinity))
            continue
          }
          const due = queue.takeUntil(step.until)
          assert.deepEqual(
            due.map(({ at }) => at),
            due.map(({ at }) => at).sort((a, b) => a - b),
          )
          const expected = [...model].filter(([, at]) => at <= step.until)
          for (const [name] of expected) model.delete(name)
          assert.deepEqual(new Map(due.map(({ item, at }) => [item.name, at])), new Map(expected))
        }
      }),
      seeded(t, 300),
    )
  })
})
