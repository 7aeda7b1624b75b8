import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OTHER_CALLS, mountCallsAmong, threadsFor } from '../../../src/commands/threads.ts'
import { SLOTS } from '../../../src/output/producer/seal.ts'

void test('there are enough threads, and more if they are requested', () => {
  const asked = { '': 24, '4': 24, '64': 64, '100000': 1024, '-1': 24, many: 24, '32 threads': 32 }
  for (const [text, threads] of Object.entries(asked)) assert.equal(threadsFor(text), threads, text)
  assert.equal(threadsFor(undefined), 24)
})

void test('mounts that hang leave threads to names, the state and the compressor', () => {
  assert.equal(mountCallsAmong(24), 8)
  const syncAndWrite = 2
  assert.equal(OTHER_CALLS, SLOTS + syncAndWrite)
  for (const threads of [24, 25, 64, 1024]) {
    // libuv: half of them, rounded up
    const names = Math.floor((threads + 1) / 2)
    assert.ok(mountCallsAmong(threads) + names + OTHER_CALLS <= threads, `of ${threads}`)
  }
})
