import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneAtATime } from '../../../../src/input/state/one-at-a-time.ts'
import { loopTurn } from '../../../support/loop-turn.ts'

/** Work that counts its runs. Each run ends when the test calls its function in `runs`. */
function heldWork() {
  const runs: ((result: boolean | Error) => void)[] = []
  let running = 0
  let most = 0
  const work = oneAtATime(async () => {
    most = Math.max(most, ++running)
    try {
      return await new Promise<boolean>((resolve, reject) =>
        runs.push((result) => (typeof result === 'boolean' ? resolve(result) : reject(result))),
      )
    } finally {
      running--
    }
  })
  return { work, runs, most: () => most }
}

void test('never runs twice at once, and runs once more for all calls in the meantime', async () => {
  const { work, runs, most } = heldWork()
  const first = work()
  const meanwhile = [work(), work(), work()]
  await loopTurn()
  assert.equal(runs.length, 1)
  runs[0]?.(true)
  assert.equal(await first, true)
  await loopTurn()
  assert.equal(runs.length, 2)
  const later = work()
  runs[1]?.(false)
  assert.deepEqual(await Promise.all(meanwhile), [false, false, false])
  await loopTurn()
  runs[2]?.(true)
  assert.equal(await later, true)
  assert.equal(most(), 1)
})

void test('runs again after a run that failed', async () => {
  const { work, runs } = heldWork()
  const first = work()
  const second = work()
  runs[0]?.(new Error('EIO'))
  await assert.rejects(first, { message: 'EIO' })
  await loopTurn()
  runs[1]?.(true)
  assert.equal(await second, true)
  const third = work()
  await loopTurn()
  runs[2]?.(true)
  assert.equal(await third, true)
})
