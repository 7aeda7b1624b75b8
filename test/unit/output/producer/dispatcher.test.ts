import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { smallMemory } from '../../../support/made-file.ts'
import { Shipper, lines } from '../../../support/shipper.ts'

const NOT_ENOUGH_REPLICAS = 19
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20

describe('the dispatcher', () => {
  test('looks at no lane because another one has something to send', async (t) => {
    const count = 2000
    const leaders = Array.from({ length: count }, (_, index) => (index === 0 ? 1 : 2))
    const shipper = new Shipper(t, { topics: { logs: leaders }, memory: smallMemory({ buffers: 300 }) })
    const { kafka, time } = shipper
    let looks = 0
    const ready = kafka.ready.bind(kafka)
    kafka.ready = (node) => {
      looks++
      return ready(node)
    }
    shipper.write('alive', 0, ['first'])
    kafka.setDown(2, true)
    for (let partition = 1; partition < count; partition++) shipper.write(`f${partition}`, partition, ['waits'])
    await time.pass(6)
    // each lane waits for its broker now
    looks = 0
    const { length: before } = kafka.requests
    for (let i = 0; i < 50; i++) {
      shipper.write('alive', 0, [`${i}`])
      await time.pass(6)
    }
    const requests = kafka.requests.length - before
    assert.equal(requests, 50)
    // as often by the memory transport itself
    assert.ok(looks <= 3 * requests, `${looks} looks for ${requests} requests`)
    kafka.setDown(2, false)
    await shipper.finish()
  })

  test('does not wake up while there is nothing to do', async (t) => {
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

  test('sends records that may go elsewhere to other brokers while only we cannot reach one', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 2] } })
    const { kafka, time } = shipper
    const spread = async (from: number): Promise<number[]> => {
      const before = [0, 1].map((partition) => kafka.values('logs', partition).length)
      for (let n = from; n < from + 10; n++) {
        shipper.write('spread', 'round-robin', [`${n}:`])
        await time.pass(6)
      }
      return [0, 1].map((partition) => kafka.values('logs', partition).length - before[partition]!)
    }
    assert.deepEqual(await spread(0), [5, 5])
    kafka.setDown(2, true)
    // the first records that wait there show that something is wrong
    await spread(10)
    await time.pass(1000)
    assert.deepEqual(await spread(20), [10, 0])
    const sticky = Array.from({ length: 10 }, (_, n) => `new-${n}`)
    for (const [n, name] of sticky.entries()) shipper.write(name, 'sticky', [`${100 + n}:`])
    assert.deepEqual(new Set(sticky.map((name) => shipper.partitionOf(name))), new Set([0]))
    kafka.setDown(2, false)
    await time.pass(10)
    assert.deepEqual(await spread(40), [5, 5])
    await shipper.finish()
  })

  test('counts records that may have been stored as possible repeats where the broker may have forgotten them', async (t) => {
    for (const [hours, repeats] of [
      [11, 0],
      [13, 3],
    ] as const) {
      // prettier-ignore
      const shipper = new Shipper(t)
      const { kafka, time } = shipper
      kafka.automatic = false
      shipper.write('a', 0, lines(3))
      await time.pass(6)
      kafka.setDown(1, true)
      kafka.pending[0]!.lose('response')
      await time.pass(1000)
      await time.jump(hours * 3_600_000)
      kafka.automatic = true
      kafka.setDown(1, false)
      await shipper.finish()
      assert.deepEqual([hours, shipper.possibleRepeats], [hours, repeats])
      t.mock.reset()
    }
  })

  test('counts records that may have been stored before their batch was refused for days', async (t) => {
    const shipper = new Shipper(t, { retry: { minMs: 3_600_000, maxMs: 3_600_000 } })
    const { kafka, time } = shipper
    kafka.automatic = false
    shipper.write('a', 0, lines(3))
    await time.pass(6)
    kafka.pending[0]!.fail(NOT_ENOUGH_REPLICAS_AFTER_APPEND)
    for (let hour = 0; hour < 30; hour++) {
      await time.jump(3_600_001)
      kafka.pending[0]?.fail(NOT_ENOUGH_REPLICAS)
      await time.runDue()
    }
    assert.equal(shipper.possibleRepeats, 3)
    kafka.automatic = true
    await time.jump(3_600_001)
    await shipper.finish()
    assert.equal(shipper.possibleRepeats, 3)
  })

  test('makes no request larger than a broker accepts', async (t) => {
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
