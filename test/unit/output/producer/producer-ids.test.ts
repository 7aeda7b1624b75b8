import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Shipper } from '../../../support/shipper.ts'

const INVALID_PRODUCER_EPOCH = 47

describe('producer ids', () => {
  test('are one for any number of partitions', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1, 2] } })
    shipper.kafka.idsHeld = true
    for (const partition of [0, 1]) shipper.write(`f${partition}`, partition, ['x'])
    await shipper.time.pass(10)
    assert.equal(shipper.kafka.requests.length, 0)
    shipper.kafka.releaseIds()
    await shipper.time.pass(10)
    shipper.write('f2', 2, ['x'])
    await shipper.finish()
    assert.equal(shipper.kafka.ids, 1)
  })

  test('are one again for all partitions that need one after a partition was fenced', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1] } })
    const { kafka, time } = shipper
    kafka.automatic = false
    shipper.write('a', 0, ['fenced'])
    await time.pass(10)
    kafka.pending[0]!.fail(INVALID_PRODUCER_EPOCH)
    kafka.automatic = true
    shipper.write('b', 1, ['later'])
    await shipper.finish()
    assert.equal(kafka.ids, 2)
    assert.deepEqual([kafka.values('logs', 0), kafka.values('logs', 1)], [['fenced'], ['later']])
  })
})
