import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { birthTimes, bornMsOf, isSameBirth } from '../../../../src/input/volume/birth-time.ts'

const BORN = 1_796_085_166_824_178_816n
const CHANGED = BORN + 5_000_000n

void test('keeps the fraction of a birth time, and is the same at every reading', () => {
  const born = birthTimes(undefined)
  assert.equal(born({ birthtimeNs: BORN, ctimeNs: CHANGED }), Number(BORN) / 1e6)
  assert.notEqual(born({ birthtimeNs: BORN, ctimeNs: BORN }), born({ birthtimeNs: BORN + 1000n, ctimeNs: BORN }))
})

void test('is 0 where the file system keeps no birth times', () => {
  const born = birthTimes({ birthtimeNs: 0n, ctimeNs: CHANGED })
  assert.equal(born({ birthtimeNs: 0n, ctimeNs: CHANGED }), 0)
  assert.equal(born({ birthtimeNs: -1n, ctimeNs: CHANGED }), 0)
  assert.equal(bornMsOf(statSync('/proc/self/stat', { bigint: true })), 0)
})

void test('does not use the time of the last change as a birth time', () => {
  const born = birthTimes({ birthtimeNs: CHANGED, ctimeNs: CHANGED })
  assert.equal(born({ birthtimeNs: BORN, ctimeNs: BORN }), 0)
  // if /proc keeps birth times some day
  assert.notEqual(birthTimes({ birthtimeNs: BORN, ctimeNs: CHANGED })({ birthtimeNs: BORN, ctimeNs: BORN }), 0)
})

void test('compares two birth times if both are known', () => {
  assert.deepEqual([isSameBirth(1, 1), isSameBirth(1, 2)], [true, false])
  assert.deepEqual([isSameBirth(0, 0), isSameBirth(0, 1), isSameBirth(1, 0)], [null, null, null])
})
