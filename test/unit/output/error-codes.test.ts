import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeError, meaningOf } from '../../../src/output/error-codes.ts'

describe('error codes', () => {
  test('are retried when they are not known, and the batch may be stored', () => {
    const { action, maybeStored } = meaningOf(9999)
    assert.deepEqual({ action, maybeStored }, { action: 'retry', maybeStored: 'yes' })
  })

  test("come with words and with Kafka's name", () => {
    assert.equal(describeError(6), 'the partition has another leader now (NOT_LEADER_OR_FOLLOWER)')
  })

  test('distinguish success, repeats and lost leaders', () => {
    const actions = [0, 46, 6, 3, 45, 47, 10, 7].map((code) => meaningOf(code).action)
    assert.deepEqual(actions, [
      'success',
      'duplicate',
      'refresh',
      'refresh',
      'new-epoch',
      'new-producer-id',
      'too-large',
      'retry',
    ])
  })
})
