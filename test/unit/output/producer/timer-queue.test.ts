import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { TimerQueue } from '../../../../src/output/producer/timer-queue.ts'
import { seeded } from '../../../support/seed.ts'

const waiting = (name: string) => ({ name, wakeAt: Infinity })

describe('the timetable', () => {
  test('wakes whoever is due, the earliest first, and each once', () => {
    const table = new TimerQueue<ReturnType<typeof waiting>>()
    const [a, b, c] = [waiting('a'), waiting('b'), waiting('c')]
    table.set(a, 30)
    table.set(b, 10)
    table.set(c, 20)
    assert.equal(table.next, 10)
    assert.deepEqual(
      table.takeUntil(20).map(({ who, at }) => [who.name, at]),
      [
        ['b', 10],
        ['c', 20],
      ],
    )
    assert.deepEqual(table.takeUntil(20), [])
    assert.equal(table.next, 30)
  })

  test('keeps the earliest appointment of each', () => {
    const table = new TimerQueue<ReturnType<typeof waiting>>()
    const a = waiting('a')
    table.set(a, 30)
    table.set(a, 10)
    table.set(a, 20)
    table.set(a, Infinity)
    assert.deepEqual(table.takeUntil(100), [{ who: a, at: 10 }])
    table.set(a, 30)
    assert.deepEqual(table.takeUntil(100), [{ who: a, at: 30 }])
    assert.equal(table.next, Infinity)
  })

  test('agrees with a list that is searched', (t) => {
    const step = fc.oneof(fc.record({ who: fc.nat(9), at: fc.nat(100) }), fc.record({ until: fc.nat(100) }))
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100, size: 'max' }), (steps) => {
        const all = Array.from({ length: 10 }, (_, index) => waiting(String(index)))
        const table = new TimerQueue<ReturnType<typeof waiting>>()
        const model = new Map<string, number>()
        for (const step of steps) {
          if ('who' in step) {
            const who = all[step.who]!
            table.set(who, step.at)
            model.set(who.name, Math.min(step.at, model.get(who.name) ?? Infinity))
            continue
          }
          const due = table.takeUntil(step.until)
          assert.deepEqual(
            due.map(({ at }) => at),
            due.map(({ at }) => at).sort((a, b) => a - b),
          )
          const expected = [...model].filter(([, at]) => at <= step.until)
          for (const [name] of expected) model.delete(name)
          assert.deepEqual(new Map(due.map(({ who, at }) => [who.name, at])), new Map(expected))
        }
      }),
      seeded(t, 300),
    )
  })
})
