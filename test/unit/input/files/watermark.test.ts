import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_GUARD } from '../../../../src/guard.ts'
import { Watermark } from '../../../../src/input/files/watermark.ts'

const NEW = { offset: 0, skipped: 0, guard: 0 }

/** `finish` with the range's end as its guard. */
function acknowledge(mark: Watermark, start: number, end: number, outcome: 'stored' | 'settled' = 'stored'): boolean {
  return mark.acknowledge({ start, end }, outcome, end)
}

function facts({ offset, skipped, guard, pending }: Watermark): unknown[] {
  return [offset, skipped, guard, pending]
}

void test('moves over ranges that are acknowledged in order', () => {
  const mark = new Watermark(NEW)
  assert.equal(acknowledge(mark, 0, 10), true)
  assert.equal(acknowledge(mark, 10, 30), true)
  assert.deepEqual(facts(mark), [30, 0, 30, 0])
})

void test('goes on from a stored position', () => {
  const mark = new Watermark({ offset: 100, skipped: 7, guard: 100 })
  assert.deepEqual(facts(mark), [100, 7, 100, 0])
  acknowledge(mark, 100, 103, 'settled')
  assert.deepEqual(mark.position(), { offset: 103, open: [], skipped: 10 })
  const open = [{ stream: 'stdout', ranges: [{ start: 90, end: 95 }] }] as const
  assert.deepEqual(mark.position(open), { offset: 103, open, skipped: 10 })
})

void test('stops at the first byte that is not acknowledged, and jumps when the hole is filled', () => {
  const mark = new Watermark(NEW)
  assert.equal(acknowledge(mark, 20, 30), false)
  assert.equal(acknowledge(mark, 40, 50), false)
  assert.deepEqual(facts(mark), [0, 0, 0, 2])
  assert.equal(acknowledge(mark, 0, 20), true)
  assert.deepEqual(facts(mark), [30, 0, 30, 1])
  assert.equal(acknowledge(mark, 30, 40), true)
  assert.deepEqual(facts(mark), [50, 0, 50, 0])
})

void test('adds up settled bytes until a record has carried them', () => {
  const mark = new Watermark(NEW)
  acknowledge(mark, 0, 5, 'settled')
  acknowledge(mark, 5, 6, 'settled')
  assert.equal(mark.skipped, 6)
  acknowledge(mark, 6, 10)
  assert.equal(mark.skipped, 0)
  acknowledge(mark, 10, 12, 'settled')
  assert.equal(mark.skipped, 2)
})

void test('counts a settled run that waited only up to the record after it', () => {
  const mark = new Watermark(NEW)
  acknowledge(mark, 10, 20, 'settled')
  acknowledge(mark, 20, 30)
  acknowledge(mark, 30, 33, 'settled')
  acknowledge(mark, 0, 10)
  assert.deepEqual(facts(mark), [33, 3, 33, 0])
})

void test('does not move for empty ranges, or for ranges below the offset', () => {
  const mark = new Watermark({ offset: 50, skipped: 4, guard: 50 })
  assert.equal(acknowledge(mark, 50, 50), false)
  assert.equal(acknowledge(mark, 70, 70), false)
  assert.equal(acknowledge(mark, 70, 60), false)
  assert.equal(acknowledge(mark, 10, 50), false)
  assert.deepEqual(facts(mark), [50, 4, 50, 0])
})

void test('takes the new part of a range that begins below the offset', () => {
  const mark = new Watermark({ offset: 50, skipped: 4, guard: 50 })
  assert.equal(acknowledge(mark, 40, 60, 'settled'), true)
  assert.deepEqual(facts(mark), [60, 14, 60, 0])
})

void test('keeps touching and overlapping runs of one kind as one, with the guard of the further end', () => {
  const mark = new Watermark(NEW)
  acknowledge(mark, 10, 20)
  acknowledge(mark, 30, 40)
  acknowledge(mark, 12, 15)
  assert.equal(mark.pending, 2)
  acknowledge(mark, 20, 30)
  assert.equal(mark.pending, 1)
  acknowledge(mark, 5, 60)
  acknowledge(mark, 55, 58)
  assert.equal(mark.pending, 1)
  acknowledge(mark, 0, 5)
  assert.deepEqual(facts(mark), [60, 0, 60, 0])
})

void test('takes a byte that was stored and settled as stored', () => {
  const inside = new Watermark(NEW)
  acknowledge(inside, 10, 40, 'settled')
  acknowledge(inside, 20, 25)
  acknowledge(inside, 0, 10)
  assert.deepEqual(facts(inside), [40, 15, 40, 0])
  const around = new Watermark(NEW)
  acknowledge(around, 10, 40)
  acknowledge(around, 20, 25, 'settled')
  acknowledge(around, 0, 10)
  assert.deepEqual(facts(around), [40, 0, 40, 0])
})

void test('leaves no trace of a settled run that a stored one has passed', () => {
  const mark = new Watermark(NEW)
  acknowledge(mark, 10, 20, 'settled')
  acknowledge(mark, 0, 30)
  assert.deepEqual(facts(mark), [30, 0, 30, 0])
})

void test('does not stand where the guard is not known, but waits for the rest', () => {
  const mark = new Watermark({ offset: 10, skipped: 3, guard: 10 })
  // a batch from 10 to 40 is stored in halves
  assert.equal(mark.acknowledge({ start: 10, end: 25 }, 'stored', NO_GUARD), false)
  assert.deepEqual(facts(mark), [10, 3, 10, 1])
  assert.equal(acknowledge(mark, 40, 45), false)
  assert.equal(acknowledge(mark, 25, 40), true)
  assert.deepEqual(facts(mark), [45, 0, 45, 0])
})

void test('stands at the furthest place with a guard, whatever has come to lie behind it', () => {
  const mark = new Watermark(NEW)
  acknowledge(mark, 10, 20)
  mark.acknowledge({ start: 20, end: 30 }, 'stored', NO_GUARD)
  assert.equal(acknowledge(mark, 0, 10), true)
  assert.deepEqual(facts(mark), [20, 0, 20, 1])
  acknowledge(mark, 30, 33, 'settled')
  assert.deepEqual(facts(mark), [33, 3, 33, 0])
})

void test('handles the interleaved partials of two streams', () => {
  // stdout P [0,10), stderr F [10,20), stdout F [20,30): the record of stdout has two ranges around that of stderr.
  const mark = new Watermark(NEW)
  acknowledge(mark, 10, 20)
  acknowledge(mark, 0, 10)
  assert.equal(mark.offset, 20)
  acknowledge(mark, 20, 30)
  assert.deepEqual(facts(mark), [30, 0, 30, 0])
})

void test('holds 100,000 runs that arrive backwards as one run', () => {
  const mark = new Watermark(NEW)
  for (let start = 100_000; start > 0; start--) acknowledge(mark, start, start + 1)
  assert.equal(mark.pending, 1)
  acknowledge(mark, 0, 1)
  assert.deepEqual(facts(mark), [100_001, 0, 100001, 0])
})
