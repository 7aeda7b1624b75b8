import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Extent } from '../../src/flow.ts'
import { NO_GUARD } from '../../src/guard.ts'
import { bytesOf, join, split } from '../../src/ranges.ts'

const extent = (start: number, end: number): Extent => ({ start, end, guard: end })
const SET = [extent(10, 15), extent(0, 10), extent(20, 22)]

void test('counts the bytes of a set', () => {
  assert.equal(bytesOf(SET), 17)
  assert.equal(bytesOf([]), 0)
})

void test('splits a set behind any of its bytes, in its own order', () => {
  assert.deepEqual(split(SET, 0), [[], SET])
  assert.deepEqual(split(SET, 5), [SET.slice(0, 1), SET.slice(1)])
  assert.deepEqual(split(SET, 7), [
    [extent(10, 15), { start: 0, end: 2, guard: NO_GUARD }],
    [extent(2, 10), extent(20, 22)],
  ])
  assert.deepEqual(split(SET, 17), [SET, []])
  assert.deepEqual(split([extent(0, 9)], 4, (offset) => 10 * offset)[0], [{ start: 0, end: 4, guard: 40 }])
})

void test('joins a range that follows the last one, with the guard of its end', () => {
  const ranges = [extent(0, 5)]
  join(ranges, [extent(5, 7), extent(9, 10)])
  join(ranges, [extent(10, 12), extent(0, 1)])
  assert.deepEqual(ranges, [extent(0, 7), extent(9, 12), extent(0, 1)])
})
