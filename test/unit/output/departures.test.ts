import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { smallMemory } from '../../support/made-file.ts'
import { Shipper, lines } from '../../support/shipper.ts'

describe('departures', () => {
  test('look at no lane because another one has something to do', async (t) => {
    const count = 2000
    const leaders = Array.from({ length: count }, (_, index) => (index === 0 ? 1 : 2))
    const shipper = new Shipper(t, { topics: { logs: leaders }, memory: smallMemory({ buffers: 300 }) })
    const { kafka, time } = shipper
    let asked = 0
    const ready = kafka.ready.bind(kafka)
    kafka.ready = (node) => {
      asked++
      return ready(node)
    }
    shipper.write('alive', 0, ['first'])
    kafka.setDown(2, true)
    for (let partition = 1; partition < count; partition++) shipper.write(`f${partition}`, partition, ['waits'])
    await time.pass(6)
    // each waits for its broker now
    asked = 0
    const { length: before } = kafka.requests
    for (let i = 0; i < 50; i++) {
      shipper.write('alive', 0, [`${i}`])
      await time.pass(6)
    }
    const requests = kafka.requests.length - before
    assert.equal(requests, 50)
    // as often by the memory transport itself
    assert.ok(asked <= 3 * requests, `${asked} looks for ${requests} requests`)
    kafka.setDown(2, false)
    await shipper.finish()
  })

  test('wake up for nothing while nothing is to be done', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, -1, 2] }, leaderlessMs: 20 })
    shipper.write('a', 0, ['x'])
    shipper.write('b', 1, ['x'])
    await shipper.time.pass(100)
    shipper.kafka.setDown(2, true)
    shipper.write('c', 2, ['x'])
    await shipper.time.pass(100)
    let timers = 0
    const { setTimeout } = globalThis
    t.mock.method(globalThis, 'setTimeout', (...args: Parameters<typeof setTimeout>) => {
      timers++
      return setTimeout(...args)
    })
    await shipper.time.pass(1000)
    assert.equal(timers, 0)
    shipper.kafka.setDown(2, false)
    shipper.kafka.setLeaders('logs', [1, 1, 2])
    await shipper.finish()
  })

  test('make no request larger than a broker takes', async (t) => {
    const leaders = Array.from({ length: 24 }, () => 1)
    const memory = smallMemory({ buffers: 40, largest: 1000 * 1024, chunk: 1024 * 1024 })
    const shipper = new Shipper(t, { topics: { logs: leaders }, batchMaxBytes: 1_000_000, lingerMs: 100, memory })
    const { kafka, time } = shipper
    for (const partition of leaders.keys()) shipper.write(`f${partition}`, partition, lines(500, { length: 1000 }))
    await time.until(() => shipper.done)
    for (const { batches } of kafka.requests) {
      const bytes = batches.reduce((sum, batch) => sum + batch.length, 0)
      assert.ok(bytes <= 8 * 1024 * 1024, `${bytes} bytes`)
    }
    assert.ok(kafka.requests.length >= 2 && kafka.requests.length <= 6, `${kafka.requests.length} requests`)
    await shipper.finish()
  })
})
