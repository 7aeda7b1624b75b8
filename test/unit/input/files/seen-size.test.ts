import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeenSize } from '../../../../src/input/files/seen-size.ts'

/** After the file system has reported these sizes, in this order. */
function seen(...sizes: readonly number[]): SeenSize {
  const size = new SeenSize()
  for (const one of sizes) size.note(one)
  return size
}
const read = (next: number, halfLineEnd = 0): { next: number; halfLineEnd: number } => ({ next, halfLineEnd })

void test('bytes that were read or known to be its own stay so, however often it was cut and filled again since', () => {
  const size = seen(100)
  size.reached(60)
  size.note(500)
  assert.ok(size.isUnsure)
  assert.equal(size.last, 500)
  assert.deepEqual(size.endAtCut(read(40), 700), { sure: 60, seen: 60 })
  assert.deepEqual(size.endAtCut(read(80), 700), { sure: 80, seen: 80 })
  size.own(500)
  assert.ok(!size.isUnsure)
  assert.deepEqual(size.endAtCut(read(60), 700), { sure: 500, seen: 500 })
})

void test('the bytes that were seen last were its own if it was not seen since the cut', () => {
  const size = seen(100)
  assert.deepEqual(size.endAtCut(read(40), 10), { sure: 40, seen: 100 })
  assert.deepEqual(size.endAtCut(read(40), null), { sure: 40, seen: 40 }, 'nothing is known of now')
  assert.deepEqual(size.endAtCut(read(40), 100), { sure: 40, seen: 40 }, 'it may have been filled again')
})

void test('one that is smaller than before was cut only now', () => {
  const size = seen(100, 10)
  assert.ok(size.hasShrunk && !size.isUnsure)
  size.note(30)
  size.own(1000)
  assert.equal(size.last, 30)
  assert.deepEqual(size.endAtCut(read(40), 30), { sure: 40, seen: 100 })
  size.reached(50)
  assert.deepEqual([size.last, size.hasShrunk], [50, false])
  assert.deepEqual(size.endAtCut(read(40), null), { sure: 50, seen: 100 })
})

void test('bytes that were scanned for a newline were its own', () => {
  assert.deepEqual(seen(100).endAtCut(read(40, 90), 100), { sure: 90, seen: 90 })
})

void test('if its end was cut off, the unread bytes of that are lost', () => {
  const shrunk = (): SeenSize => seen(100, 60)
  assert.equal(shrunk().lostAtEnd(read(40), 60), 40)
  assert.equal(shrunk().lostAtEnd(read(80), 60), 20)
  assert.equal(shrunk().lostAtEnd(read(40), null), 0)
  const size = shrunk()
  size.lostAtEnd(read(40), 60)
  assert.deepEqual([size.hasShrunk, size.lostAtEnd(read(40), 60)], [false, 0], 'counted once')
})

void test('one that was read is as large as that at least', () => {
  const size = seen(100, 10)
  size.reached(120)
  size.reached(110)
  assert.deepEqual([size.last, size.endAtCut(read(0), null)], [120, { sure: 120, seen: 120 }])
})
