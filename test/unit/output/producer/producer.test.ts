import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { smallMemory } from '../../../support/made-file.ts'
import { Shipper, lines } from '../../../support/shipper.ts'

/** The size of the pool, in batches. */
const POOL = 64

/** A batch in every buffer, opened one after the other. */
async function fillPool(shipper: Shipper): Promise<void> {
  for (let partition = 0; partition < POOL; partition++) {
    shipper.write(`f${partition}`, partition, ['x'])
    if (partition % 8 === 0) await shipper.time.pass(1)
  }
}

test('a partition that the topic does not have is reported once, and again when the topic has changed', async (t) => {
  const shipper = new Shipper(t, { topics: { logs: [1, 1] } })
  shipper.write('a', 0, ['x'])
  for (let n = 0; n < 3; n++) shipper.producer.partitionMissing('logs', 7)
  shipper.producer.partitionMissing('logs', 8)
  shipper.kafka.setLeaders('logs', [1, 1, 1])
  shipper.producer.partitionMissing('logs', 7)
  assert.deepEqual(shipper.reported('partitionWaiting'), [
    ['logs', 7, 'the topic has 2 partitions, 0 to 1'],
    ['logs', 8, 'the topic has 2 partitions, 0 to 1'],
    ['logs', 7, 'the topic has 3 partitions, 0 to 2'],
  ])
  await shipper.finish()
})

describe('the producer', () => {
  test('lets a batch linger, and sends it then', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 20 })
    const { time, kafka } = shipper
    shipper.write('a', 0, ['one'])
    await time.pass(10)
    shipper.write('a', 0, ['two'])
    await time.pass(8)
    assert.equal(kafka.requests.length, 0)
    await time.pass(3)
    assert.deepEqual(kafka.requests[0]?.values, [['one', 'two']])
    await shipper.finish()
    assert.equal(kafka.requests.length, 1)
  })

  test('sends a full batch at once', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 60_000 })
    const all = lines(2500, { length: 50 })
    shipper.write('a', 0, all.slice(0, 10))
    await shipper.time.pass(10)
    shipper.write('a', 0, all.slice(10))
    await shipper.time.runDue()
    assert.equal(shipper.kafka.requests.length, 1)
    assert.ok(shipper.kafka.requests[0]!.batches[0]!.length > 99_000)
    await shipper.time.pass(100)
    assert.equal(shipper.kafka.requests.length, 1, 'the rest lingers')
    await shipper.finish()
    assert.deepEqual(shipper.kafka.values('logs', 0), all)
  })

  test('lets records behind a full batch linger for their own time', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 20 })
    const { time, kafka } = shipper
    const all = lines(2500, { length: 50 })
    shipper.write('a', 0, all.slice(0, 10))
    await time.pass(10)
    shipper.write('a', 0, all.slice(10))
    await time.pass(18)
    assert.equal(kafka.requests.length, 1)
    await time.pass(3)
    assert.equal(kafka.requests.length, 2)
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), all)
  })

  test('sends at once where nothing is to linger', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 0 })
    shipper.write('a', 0, ['one'])
    await shipper.time.runDue()
    assert.equal(shipper.kafka.requests.length, 1)
    await shipper.finish()
  })

  test('puts the batches for one broker into one request, each partition once', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 2, 1, 2], other: [1] }, lingerMs: 20 })
    const { time, kafka } = shipper
    for (const partition of [0, 1, 2, 3]) shipper.write(`f${partition}`, partition, [`${partition}`])
    shipper.write('other', 0, ['o'], { topic: 'other' })
    await time.pass(21)
    assert.deepEqual(
      kafka.requests.map(({ node, items }) => [
        node,
        items.map(({ topic, partition }) => `${topic}-${partition}`).sort(),
      ]),
      [
        [1, ['logs-0', 'logs-2', 'other-0']],
        [2, ['logs-1', 'logs-3']],
      ],
    )
    await shipper.finish()
  })

  test('takes batches along that have lingered for half their time, and leaves those just opened', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1, 1, 2] }, lingerMs: 20 })
    shipper.write('a', 0, ['a'])
    await shipper.time.pass(5)
    shipper.write('b', 1, ['b'])
    shipper.write('d', 3, ['other broker'])
    await shipper.time.pass(10)
    shipper.write('c', 2, ['c'])
    await shipper.time.pass(5)
    assert.deepEqual(
      shipper.kafka.requests.map(({ values }) => values),
      [[['a'], ['b']]],
    )
    await shipper.finish()
    assert.equal(shipper.kafka.requests.length, 3)
  })

  test('goes on filling a batch while five are in flight', async (t) => {
    const shipper = new Shipper(t)
    const { time, kafka } = shipper
    shipper.write('a', 0, ['first'])
    await time.pass(6)
    kafka.automatic = false
    for (let i = 0; i < 8; i++) {
      shipper.write('a', 0, [`${i}`])
      await time.pass(6)
    }
    assert.deepEqual(
      kafka.pending.map(({ values }) => values.flat()),
      [['0'], ['1'], ['2'], ['3'], ['4']],
    )
    kafka.pending[0]!.respond()
    await time.runDue()
    assert.deepEqual(kafka.pending.at(-1)?.values, [['5', '6', '7']], 'one batch, and at once')
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
  })

  test('sends batches that have piled up without waiting for each response', async (t) => {
    const shipper = new Shipper(t, { memory: smallMemory({ buffers: 32 }) })
    const { kafka, time } = shipper
    const all = lines(12_000, { length: 50 })
    shipper.write('a', 0, all.slice(0, 10))
    await time.pass(6)
    kafka.setDown(1, true)
    shipper.write('a', 0, all.slice(10))
    await time.pass(6)
    kafka.automatic = false
    kafka.setDown(1, false)
    await time.runDue()
    assert.equal(kafka.pending.length, 5)
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), all)
  })

  test('does not let a partition without a leader, or a broker that is down, stop the others', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 2, -1] } })
    const { kafka, time } = shipper
    kafka.setDown(2, true)
    shipper.write('dead', 1, ['dead'])
    shipper.write('leaderless', 2, ['leaderless'])
    for (let i = 0; i < 5; i++) {
      shipper.write('alive', 0, [`${i}`])
      await time.pass(10)
    }
    assert.deepEqual(kafka.values('logs', 0), ['0', '1', '2', '3', '4'])
    assert.deepEqual(kafka.values('logs', 1), [])
    assert.equal(shipper.parked('leaderless'), 'topic')
    kafka.setDown(2, false)
    await time.pass(1)
    assert.deepEqual(kafka.values('logs', 1), ['dead'])
    kafka.setLeaders('logs', [1, 2, 2])
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 2), ['leaderless'])
  })

  test('reports that there is no room, and when there is room again', async (t) => {
    const shipper = new Shipper(t)
    const { kafka, time } = shipper
    kafka.automatic = false
    const all = lines(20_000, { length: 50 })
    shipper.write('a', 0, all)
    await time.pass(10)
    assert.equal(shipper.parked('a'), 'room')
    const held = shipper.memory.pool.total - shipper.memory.pool.freeBytes
    assert.ok(held <= shipper.memory.pool.total / 4)
    kafka.pending[0]!.respond()
    await time.pass(10)
    assert.ok(kafka.pending.length > 0)
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), all)
  })

  test('takes buffers back from lanes that have no records in them', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: Array.from({ length: POOL + 1 }, () => 1) } })
    const { producer, memory } = shipper
    for (let partition = 0; partition < POOL; partition++)
      assert.ok(producer.reserveRoom(producer.lane('logs', partition)!))
    assert.equal(memory.pool.freeBytes, 0)
    shipper.write('a', POOL, ['at last'])
    assert.equal(shipper.parked('a'), null)
    await shipper.finish()
  })

  test('sends the batch that has been open longest early when memory is short', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 10_000, topics: { logs: Array.from({ length: POOL + 1 }, () => 1) } })
    const { kafka, time } = shipper
    await fillPool(shipper)
    shipper.write('late', POOL, ['late'])
    assert.equal(shipper.parked('late'), 'room')
    await time.runDue()
    assert.equal(kafka.requests[0]?.items[0]?.partition, 0)
    assert.equal(shipper.parked('late'), null, 'and the buffer was used again')
    assert.equal(kafka.requests.length, 1, 'no more than needed')
    await shipper.finish()
  })

  test('sends the batch that was open second longest when the broker of the first cannot be reached', async (t) => {
    const leaders = Array.from({ length: POOL + 1 }, (_, partition) => (partition === 0 ? 2 : 1))
    const shipper = new Shipper(t, { lingerMs: 10_000, topics: { logs: leaders } })
    const { kafka, time } = shipper
    kafka.setDown(2, true)
    await fillPool(shipper)
    shipper.write('late', POOL, ['late'])
    assert.equal(shipper.parked('late'), 'room')
    await time.runDue()
    assert.equal(kafka.requests[0]?.items[0]?.partition, 1)
    assert.equal(shipper.parked('late'), null)
    kafka.setDown(2, false)
    await shipper.finish()
  })

  test('lets others linger when only one lane has used up its quota of the memory', async (t) => {
    const shipper = new Shipper(t, { lingerMs: 1000, topics: { logs: [1, 2] } })
    const { kafka, time } = shipper
    kafka.setDown(2, true)
    shipper.write('quiet', 0, ['first'])
    await time.pass(1001)
    shipper.write('quiet', 0, ['lingers'])
    shipper.write('full', 1, lines(20_000, { length: 50 }))
    assert.equal(shipper.parked('full'), 'room')
    await time.pass(500)
    assert.equal(kafka.requests.length, 1)
    kafka.setDown(2, false)
    await shipper.finish()
  })

  test('ships a record that is larger than every free buffer, as soon as a larger one is free', async (t) => {
    const memory = smallMemory({ buffers: 3 })
    const shipper = new Shipper(t, { topics: { logs: [1, 1, 1, 1] }, memory })
    const { kafka, time } = shipper
    kafka.automatic = false
    for (const partition of [0, 1, 2]) shipper.write(`f${partition}`, partition, lines(20_000, { length: 50 }))
    await time.pass(10)
    const large = 'L'.repeat(90_000)
    shipper.write('large', 3, [large])
    await time.pass(10)
    assert.equal(shipper.parked('large'), 'room')
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 3), [large])
  })

  test('settles a record whose metadata alone is larger than a batch', async (t) => {
    const shipper = new Shipper(t, { batchMaxBytes: 1024 })
    shipper.write('a', 'hash', ['x'], { key: 'k'.repeat(2000) })
    await shipper.finish()
    assert.equal(shipper.kafka.requests.length, 0)
  })

  describe('stopping', () => {
    test('flushes lingering batches, and is done exactly when everything is stored', async (t) => {
      const shipper = new Shipper(t, { topics: { logs: [1, 2, 1] }, lingerMs: 60_000 })
      const { kafka, time } = shipper
      kafka.automatic = false
      for (const partition of [0, 1, 2]) shipper.write(`f${partition}`, partition, lines(10))
      let isFlushed = false
      void shipper.producer.flush().then(() => (isFlushed = true))
      await time.runDue()
      kafka.pending[0]!.lose('response')
      await time.pass(100)
      kafka.pending.at(-1)!.fail(6)
      await time.pass(500)
      kafka.pending[0]!.respond()
      await time.runDue()
      assert.equal(isFlushed, shipper.done)
      while (kafka.pending.length > 0) {
        assert.equal(isFlushed, false)
        kafka.pending[0]!.respond()
        await time.pass(1000)
      }
      assert.ok(isFlushed && shipper.done)
      await shipper.finish()
    })

    test('is flushed at once when there is nothing, and flushes records that come during a flush as well', async (t) => {
      const shipper = new Shipper(t, { lingerMs: 60_000 })
      await shipper.producer.flush()
      shipper.write('a', 0, ['one'])
      const flushed = shipper.producer.flush()
      shipper.write('a', 0, ['two'])
      await shipper.time.runDue()
      await flushed
      assert.ok(shipper.done)
      shipper.write('a', 0, ['three'])
      await shipper.time.pass(100)
      assert.equal(shipper.done, false, 'and lingers again after it')
      await shipper.finish()
    })

    test('closes with requests in flight, reports stored batches and no retries, and gives all memory back', async (t) => {
      const shipper = new Shipper(t)
      const { kafka, time, memory } = shipper
      kafka.automatic = false
      shipper.write('a', 0, ['one'])
      await time.pass(6)
      kafka.pending[0]!.respond()
      shipper.write('a', 0, ['two'])
      await time.pass(6)
      shipper.write('a', 0, ['three'])
      const closed = shipper.producer.close()
      await time.runDue()
      await closed
      assert.equal(shipper.file('a').watermark, 4)
      assert.deepEqual(shipper.reported('batchRetried'), [])
      assert.equal(memory.pool.freeBytes, memory.pool.total)
      await time.pass(5000)
      assert.equal(kafka.requests.length, 2)
    })

    test('closes no earlier than the last request has ended', async (t) => {
      const shipper = new Shipper(t)
      const { kafka, time, memory } = shipper
      kafka.automatic = false
      kafka.close = () => Promise.resolve()
      shipper.write('a', 0, ['one'])
      await time.pass(6)
      let isClosed = false
      const closed = shipper.producer.close().then(() => (isClosed = true))
      await time.runDue()
      assert.equal(isClosed, false)
      kafka.pending[0]!.respond()
      await closed
      assert.ok(shipper.done)
      assert.equal(memory.pool.freeBytes, memory.pool.total)
    })

    test('closes while a producer id is waited for, and while a batch is compressed', async (t) => {
      const shipper = new Shipper(t, { compression: 'zstd' })
      shipper.kafka.idsHeld = true
      shipper.write('a', 0, lines(5000))
      await shipper.time.pass(6)
      await shipper.producer.close()
      await shipper.time.runDue()
      assert.equal(shipper.memory.pool.freeBytes, shipper.memory.pool.total)
    })
  })
})
