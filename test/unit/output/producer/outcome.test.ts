/** The outcome of batches that are refused, lost or get no response, as the broker's logs and the files see it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HEADER_BYTES } from '../../../../src/output/producer/batch.ts'
import { Shipper, lines } from '../../../support/shipper.ts'

/**
 * A shipper with one line stored, so that several batches may be in flight. From then on requests get no response by
 * themselves.
 */
async function warm(...args: ConstructorParameters<typeof Shipper>): Promise<Shipper> {
  const shipper = new Shipper(...args)
  shipper.write('a', 0, ['first'])
  await shipper.time.pass(6)
  shipper.kafka.automatic = false
  return shipper
}

/** Put `count` batches of one line each into flight. */
async function launch(shipper: Shipper, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    shipper.write('a', 0, [`${i}`])
    await shipper.time.pass(6)
  }
  assert.equal(shipper.kafka.pending.length, count)
}

async function launchMore(shipper: Shipper, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    shipper.write('a', 0, [`more ${i}`])
    await shipper.time.pass(6)
  }
}

const sequenceOf = (batch: Buffer): [epoch: number, sequence: number] => [batch.readInt16BE(51), batch.readInt32BE(53)]

describe('a batch that is not stored', () => {
  test('is sent again without limit, with longer and longer pauses, under the same sequence', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 1)
    const times: number[] = []
    let last = time.now()
    for (let i = 0; i < 12; i++) {
      kafka.pending[0]!.fail(i % 2 === 0 ? 19 : -1)
      await time.until(() => kafka.pending.length > 0, 2000)
      times.push(time.now() - last)
      last = time.now()
    }
    assert.deepEqual(times.slice(0, 6), [50, 100, 200, 400, 500, 500], 'half of 100 ms and up, as random() is 0')
    const sequences = kafka.requests.slice(1, 14).map(({ batches }) => sequenceOf(batches[0]!))
    assert.ok(sequences.every(([epoch, sequence]) => epoch === 0 && sequence === 1))
    assert.ok(shipper.producer.lane('logs', 0)!.quota.stalled)
    kafka.pending[0]!.respond()
    await time.runDue()
    assert.equal(shipper.producer.lane('logs', 0)!.quota.stalled, false)
    await launch(shipper, 1)
    kafka.pending[0]!.fail(19)
    last = time.now()
    await time.until(() => kafka.pending.length > 0)
    assert.equal(time.now() - last, 50, 'another failure is another matter')
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.equal(shipper.reported('batchRetried').length, 13)
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '0'])
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('leads to a request for metadata, if its error may be about the leader', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 1)
    for (const code of [6, 7, 19, 999]) {
      kafka.refreshed.length = 0
      kafka.pending[0]!.fail(code)
      assert.deepEqual(await time.runDue().then(() => kafka.refreshed), ['logs'], `${code}`)
      await time.until(() => kafka.pending.length > 0, 2000)
    }
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
  })

  test('is tried again slowly where somebody has to act', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 1)
    for (const code of [29, 87]) {
      const since = time.now()
      kafka.pending[0]!.fail(code)
      await time.until(() => kafka.pending.length > 0, 20_000)
      assert.ok(time.now() - since >= 10_000, `${time.now() - since} ms`)
    }
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0'])
    assert.deepEqual(
      shipper.reported('batchRefused').map(([, , reason]) => String(reason).split(':')[0]),
      ['TOPIC_AUTHORIZATION_FAILED', 'INVALID_RECORD'],
    )
  })

  test('is sent alone after a long pause, since the broker may have forgotten us', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await time.pass(1001)
    for (let i = 0; i < 3; i++) {
      shipper.write('a', 0, [`${i}`])
      await time.pass(6)
    }
    assert.equal(kafka.pending.length, 1)
    kafka.pending[0]!.respond()
    await time.pass(6)
    assert.equal(kafka.pending.length, 1, 'lines that came meanwhile are one batch')
    await launchMore(shipper, 2)
    assert.equal(kafka.pending.length, 3)
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '1', '2', 'more 0', 'more 1'])
  })

  test('pauses for a random time, so that agents do not all come back at once', async (t) => {
    const shipper = await warm(t, { random: () => 0.5 })
    await launch(shipper, 1)
    const since = shipper.time.now()
    shipper.kafka.pending[0]!.fail(19)
    await shipper.time.until(() => shipper.kafka.pending.length > 0)
    assert.equal(shipper.time.now() - since, 75)
    shipper.kafka.automatic = true
    shipper.kafka.pending[0]!.respond()
    await shipper.finish()
  })

  test('counts as one failure together with others that were lost', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 5)
    for (const request of [...kafka.pending]) request.lose('request')
    const since = time.now()
    await time.until(() => kafka.pending.length > 0)
    assert.equal(time.now() - since, 50)
    assert.deepEqual(kafka.pending[0]!.values, [['0']], 'and the lowest goes first, alone')
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '1', '2', '3', '4'])
    assert.equal(shipper.possibleRepeats, 0, 'the broker would have known them')
  })

  test('is tried at once when a new leader is known, and metadata is requested', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 1)
    kafka.pending[0]!.fail(6)
    await time.runDue()
    assert.deepEqual(kafka.refreshed, ['logs'])
    kafka.setLeaders('logs', [2])
    kafka.automatic = true
    await time.runDue()
    assert.equal(kafka.requests.at(-1)?.node, 2)
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0'])
  })

  test('is not sent to a new leader while the old one may still respond', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 2)
    kafka.pending[0]!.serve()
    kafka.setLeaders('logs', [2])
    shipper.write('a', 0, ['2'])
    await time.pass(50)
    assert.equal(kafka.pending.length, 2)
    kafka.pending[0]!.respond()
    await time.runDue()
    assert.equal(kafka.pending.length, 1)
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '1', '2'])
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('waits while its partition has no leader, in flight or not', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 2)
    kafka.setLeaders('logs', [-1])
    kafka.pending[0]!.lose('response')
    kafka.pending[0]!.fail(6)
    await time.pass(3000)
    assert.equal(kafka.pending.length, 0)
    kafka.automatic = true
    kafka.setLeaders('logs', [1])
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '1'])
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('is counted where the broker has lost our producer id and the batch may be stored already', async (t) => {
    const shipper = await warm(t)
    const { kafka } = shipper
    await launch(shipper, 2)
    kafka.pending[0]!.lose('response')
    kafka.pending[0]!.fail(45)
    await shipper.time.until(() => kafka.pending.length > 0)
    kafka.pending[0]!.fail(59)
    kafka.automatic = true
    await shipper.finish()
    assert.equal(shipper.possibleRepeats, 1)
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '0', '1'])
    assert.deepEqual(
      kafka.requests.slice(-2).map(({ batches }) => sequenceOf(batches[0]!)),
      [
        [1, 0],
        [1, 1],
      ],
    )
  })

  test('is sent under another id when the producer was fenced', async (t) => {
    const shipper = await warm(t)
    const { kafka } = shipper
    await launch(shipper, 3)
    kafka.pending[0]!.fail(47)
    kafka.pending[0]!.fail(47)
    kafka.pending[0]!.fail(47)
    kafka.automatic = true
    await shipper.finish()
    assert.equal(kafka.ids, 2)
    assert.deepEqual(kafka.values('logs', 0), ['first', '0', '1', '2'])
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('does not keep another batch of its request from being stored', async (t) => {
    const shipper = await warm(t, { topics: { logs: [1, 1, 1] } })
    const { kafka, time } = shipper
    for (const partition of [0, 1, 2]) shipper.write(`f${partition}`, partition, [`${partition}`])
    await time.pass(6)
    const request = kafka.pending[0]!
    request.fail(
      19,
      request.items.findIndex(({ partition }) => partition === 1),
    )
    await time.runDue()
    assert.ok(shipper.file('f0').done && shipper.file('f2').done && !shipper.file('f1').done)
    kafka.automatic = true
    await shipper.finish()
  })

  test('is tried again when the transport has no response for it', async (t) => {
    const shipper = await warm(t)
    const { kafka } = shipper
    const produce = kafka.produce.bind(kafka)
    kafka.produce = (node, items) => produce(node, items).then(() => [])
    await launch(shipper, 1)
    kafka.pending[0]!.respond()
    await shipper.time.until(() => kafka.pending.length > 0)
    kafka.produce = produce
    kafka.automatic = true
    kafka.pending[0]!.lose('request')
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', '0'])
  })
})

describe('with acks 1', () => {
  test('one batch is in flight, and records that are sent again without a response are counted', async (t) => {
    const shipper = new Shipper(t, { mode: 'one-in-flight' })
    const { kafka, time } = shipper
    kafka.automatic = false
    shipper.write('a', 0, lines(3))
    await time.pass(6)
    shipper.write('a', 0, ['later'])
    await time.pass(6)
    assert.equal(kafka.pending.length, 1)
    assert.equal(kafka.ids, 0)
    assert.deepEqual(sequenceOf(kafka.pending[0]!.batches[0]!), [-1, -1])
    kafka.pending[0]!.fail(19)
    await time.until(() => kafka.pending.length > 0)
    assert.equal(shipper.possibleRepeats, 0)
    kafka.pending[0]!.lose('response')
    await time.until(() => kafka.pending.length > 0)
    assert.equal(shipper.possibleRepeats, 3)
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.equal(shipper.possibleRepeats, 3)
    assert.deepEqual(kafka.values('logs', 0), [...lines(3), ...lines(3), 'later'])
  })
})

describe('with acks 0', () => {
  test('written batches count as stored, in order and with no limit on how many are in flight', async (t) => {
    const shipper = new Shipper(t, { mode: 'fire-and-forget' })
    const { kafka, time } = shipper
    kafka.acks = 0
    kafka.automatic = false
    for (let i = 0; i < 9; i++) {
      shipper.write('a', 0, [`${i}`])
      await time.pass(6)
    }
    assert.equal(kafka.pending.length, 9)
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(
      kafka.values('logs', 0),
      lines(9, { length: 0 }).map((line) => line.replace(':', '')),
    )
    assert.equal(kafka.requests.length, 9)
  })

  test('batches that may have arrived are not sent twice, and the others are sent in order', async (t) => {
    const shipper = new Shipper(t, { mode: 'fire-and-forget' })
    const { kafka, time } = shipper
    kafka.acks = 0
    kafka.automatic = false
    for (let i = 0; i < 6; i++) {
      shipper.write('a', 0, [`${i}`])
      await time.pass(6)
    }
    kafka.pending[0]!.respond()
    kafka.pending[0]!.lose('response')
    kafka.pending[0]!.lose('request')
    for (const request of [...kafka.pending]) request.lose('unsent')
    kafka.automatic = true
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['0', '1', '3', '4', '5'])
    assert.equal(shipper.possibleRepeats, 0)
  })
})

describe('a batch that is too large', () => {
  for (const compression of ['none', 'zstd'] as const) {
    test(`is split and stored once, in order, and the next ones fit (compression ${compression})`, async (t) => {
      const shipper = new Shipper(t, { compression })
      const { kafka, time } = shipper
      kafka.log('logs', 0).maxBatchBytes = compression === 'none' ? 20_000 : 2000
      const all = lines(6000, { length: 60 })
      shipper.write('a', 0, all)
      await time.until(() => shipper.reported('batchSplit').length > 0)
      await shipper.finish()
      assert.deepEqual(kafka.values('logs', 0), all)
      assert.equal(shipper.possibleRepeats, 0)
      assert.deepEqual(shipper.reported('recordTooLarge'), [])
      const epochs = new Set(kafka.log('logs', 0).batches.map(({ bytes }) => sequenceOf(bytes)[0]))
      assert.deepEqual([...epochs], [0], 'all under the numbers they had')
      const { length: splits } = shipper.reported('batchSplit')
      assert.ok(splits < 25, `${splits} refusals`)
    })
  }

  test('makes later batches smaller', async (t) => {
    const shipper = new Shipper(t)
    const { kafka } = shipper
    kafka.log('logs', 0).maxBatchBytes = 20_000
    shipper.write('a', 0, lines(3000, { length: 60 }))
    await shipper.time.until(() => shipper.done)
    const splits = shipper.reported('batchSplit').length
    shipper.write('a', 0, lines(3000, { from: 3000, length: 60 }))
    await shipper.finish()
    assert.equal(shipper.reported('batchSplit').length, splits)
    assert.deepEqual(kafka.values('logs', 0), lines(6000, { length: 60 }))
  })

  for (const tooLarge of ['cut', 'drop'] as const) {
    test(`because of one record: that one is ${tooLarge === 'cut' ? 'cut' : 'dropped'}, and its neighbours are stored once`, async (t) => {
      const shipper = new Shipper(t, { tooLarge })
      const { kafka } = shipper
      kafka.log('logs', 0).maxBatchBytes = 5000
      const before = lines(20, { length: 60 })
      const after = lines(20, { from: 20, length: 60 })
      const huge = 'H'.repeat(30_000)
      const file = shipper.write('a', 0, [...before, huge, ...after])
      await shipper.finish()
      const stored = kafka.values('logs', 0)
      const cut = stored.filter((value) => value.startsWith('H'))
      assert.deepEqual(
        stored.filter((value) => !value.startsWith('H')),
        [...before, ...after],
      )
      assert.deepEqual(
        shipper.reported('recordTooLarge').map(([what]) => what),
        [{ topic: 'logs', partition: 0, file: '/made/a.log', offset: 20 * 61, bytes: 30_011, action: tooLarge }],
      )
      const settled = file.receipts.filter(({ outcome }) => outcome === 'settled')
      if (tooLarge === 'cut') {
        assert.equal(cut.length, 1)
        assert.ok(cut[0]!.length > 2000 && cut[0]!.length < 5000)
        assert.deepEqual(settled, [])
      } else {
        assert.equal(cut.length, 0)
        assert.deepEqual(settled, [{ start: 20 * 61, end: 20 * 61 + 30_001, records: 1, outcome: 'settled' }])
      }
      assert.equal(shipper.possibleRepeats, 0)
    })
  }

  test('because of its only record, which is dropped, does not stop later ones', async (t) => {
    const shipper = new Shipper(t, { tooLarge: 'drop' })
    const { kafka, time } = shipper
    kafka.log('logs', 0).maxBatchBytes = 500
    shipper.write('a', 0, ['H'.repeat(1000)])
    await time.until(() => shipper.done)
    shipper.write('a', 0, ['next'])
    await time.pass(10)
    assert.deepEqual(kafka.values('logs', 0), ['next'], 'it lingers no longer than others')
    await shipper.finish()
  })

  test('keeps the order with others in flight behind it', async (t) => {
    const shipper = await warm(t, { tooLarge: 'drop' })
    const { kafka, time } = shipper
    kafka.log('logs', 0).maxBatchBytes = 300
    shipper.write('a', 0, ['H'.repeat(300)])
    await time.pass(6)
    shipper.write('a', 0, ['behind'])
    await time.pass(6)
    assert.equal(kafka.pending.length, 2)
    kafka.pending[0]!.respond()
    kafka.automatic = true
    kafka.pending[0]!.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['first', 'behind'])
    assert.deepEqual(shipper.possibleRepeats, 0)
  })

  test('is stored whole when it is compressed to less than the limit', async (t) => {
    const shipper = new Shipper(t, { compression: 'zstd' })
    const { kafka } = shipper
    kafka.log('logs', 0).maxBatchBytes = 3000
    const large = 'L'.repeat(50_000)
    shipper.write('a', 0, [...lines(3000, { length: 60 }), large, 'last'])
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), [...lines(3000, { length: 60 }), large, 'last'])
    assert.deepEqual(shipper.reported('recordTooLarge'), [])
  })
})

describe('a stored batch', () => {
  test('is reported with its place, its size and its latency', async (t) => {
    const shipper = await warm(t)
    await launch(shipper, 1)
    await shipper.time.pass(30)
    shipper.kafka.pending[0]!.respond()
    await shipper.finish()
    const bytes = HEADER_BYTES + 8
    assert.deepEqual(shipper.reported('batchStored').at(-1), [
      { topic: 'logs', partition: 0, baseOffset: 1, records: 1, bytes, latencyMs: 31 },
    ])
  })
})
