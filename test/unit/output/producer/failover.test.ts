import assert from 'node:assert/strict'
import { type TestContext, describe, test } from 'node:test'
import { partitionOfKey } from '../../../../src/output/producer/partition.ts'
import { Shipper, lines } from '../../../support/shipper.ts'

const UNKNOWN_TOPIC_OR_PARTITION = 3
const NOT_LEADER_OR_FOLLOWER = 6
const NOT_ENOUGH_REPLICAS = 19
const LEADERLESS_MS = 100
/** The one of two partitions that a sticky file `a` has. */
const OWN = partitionOfKey(Buffer.from('a'), 2)
const leaders = (own: number, other: number): number[] => (OWN === 0 ? [own, other] : [other, own])

/** The file `a` has one line stored on its own partition, and from then on requests get no response by themselves. */
async function warm(t: TestContext, changes: ConstructorParameters<typeof Shipper>[1] = {}) {
  const shipper = new Shipper(t, { topics: { logs: leaders(1, 2) }, leaderlessMs: LEADERLESS_MS, ...changes })
  shipper.write('a', 'sticky', ['first'])
  await shipper.time.until(() => shipper.done)
  shipper.kafka.automatic = false
  const lead = (own: number, other = 2): void => shipper.kafka.setLeaders('logs', leaders(own, other))
  const values = () => ({ own: shipper.kafka.values('logs', OWN), other: shipper.kafka.values('logs', 1 - OWN) })
  const go = (): void => {
    shipper.kafka.automatic = true
    for (const request of [...shipper.kafka.pending]) request.respond()
  }
  return { shipper, lead, values, go, time: shipper.time, kafka: shipper.kafka }
}

/**
 * A record without a key is in one batch with a keyed one when the leader is lost for long; another one comes later.
 */
async function lingerBeside({
  shipper,
  lead,
  time,
}: Pick<Awaited<ReturnType<typeof warm>>, 'shipper' | 'lead' | 'time'>) {
  shipper.write('a', 'sticky', ['beside'])
  shipper.write('keyed', 'hash', ['keyed'], { key: 'a' })
  lead(-1)
  await time.pass(2 * LEADERLESS_MS)
  shipper.write('a', 'sticky', ['later'])
}

describe('a file without a key whose partition has no leader', () => {
  test('waits for a while, and then goes elsewhere with everything that is not stored', async (t) => {
    const { shipper, lead, values, go, time, kafka } = await warm(t, { lingerMs: 50 })
    shipper.write('a', 'sticky', lines(3))
    lead(-1)
    shipper.write('a', 'sticky', lines(3, { from: 3 }))
    assert.equal(shipper.parked('a'), 'topic')
    await time.pass(LEADERLESS_MS - 2)
    assert.equal(shipper.parked('a'), 'topic')
    assert.deepEqual(shipper.reported('filesMoved'), [])
    go()
    await time.pass(3)
    assert.equal(shipper.parked('a'), null)
    assert.equal(shipper.partitionOf('a'), 1 - OWN)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: lines(6) })
    assert.deepEqual(shipper.reported('filesMoved'), [['logs', OWN, 1]])
    assert.equal(kafka.log('logs', 1 - OWN).batches.length, 2)
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('has its records stored there, with nothing else to wake that partition', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t, { lingerMs: 50 })
    go()
    shipper.write('b', 1 - OWN, ['b'])
    await time.pass(51)
    shipper.write('a', 'sticky', ['alone'])
    lead(-1)
    await time.pass(LEADERLESS_MS + 2)
    assert.deepEqual(values(), { own: ['first'], other: ['b', 'alone'] })
    await shipper.finish()
  })

  test('goes elsewhere with nothing in flight, too', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t)
    go()
    lead(-1)
    shipper.write('a', 'sticky', ['next'])
    await time.pass(LEADERLESS_MS + 1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: ['next'] })
  })

  test('goes elsewhere with every partitioner: round-robin and random, too', async (t) => {
    for (const partitioner of ['round-robin', 'random'] as const) {
      const shipper = new Shipper(t, { topics: { logs: [1, 2] }, leaderlessMs: LEADERLESS_MS })
      const { kafka, time } = shipper
      for (let i = 0; i < 4; i++) {
        kafka.setLeaders('logs', [1, 2])
        shipper.write('a', partitioner, [`${i}`])
        kafka.setLeaders('logs', [i % 2 === 0 ? 1 : -1, i % 2 === 0 ? -1 : 2])
        await time.pass(LEADERLESS_MS + 10)
      }
      assert.deepEqual([...kafka.values('logs', 0), ...kafka.values('logs', 1)].sort(), ['0', '1', '2', '3'])
      kafka.setLeaders('logs', [1, 2])
      await shipper.finish()
      t.mock.reset()
    }
  })

  test('stays on the new partition when the leader is back, and other files use the old one again', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t)
    go()
    lead(-1)
    shipper.write('a', 'sticky', ['moved'])
    await time.pass(LEADERLESS_MS + 1)
    lead(1)
    shipper.write('a', 'sticky', ['stays'])
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: ['moved', 'stays'] })
  })

  test('stays when the leader comes back in time', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t)
    go()
    for (let i = 0; i < 3; i++) {
      lead(-1)
      shipper.write('a', 'sticky', [`${i}`])
      await time.pass(LEADERLESS_MS - 10)
      lead(1)
      await time.pass(10)
    }
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', '0', '1', '2'], other: [] })
    assert.deepEqual(shipper.reported('filesMoved'), [])
  })

  test('is bound to it while a request may have been served there', async (t) => {
    const { shipper, lead, values, go, time, kafka } = await warm(t)
    shipper.write('a', 'sticky', ['sent'])
    await time.pass(6)
    shipper.write('a', 'sticky', ['behind'])
    lead(-1)
    await time.pass(2 * LEADERLESS_MS)
    kafka.pending[0]!.lose('request')
    shipper.write('a', 'sticky', ['waits'])
    await time.pass(2 * LEADERLESS_MS)
    assert.equal(shipper.parked('a'), 'topic')
    go()
    lead(1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'sent', 'behind', 'waits'], other: [] })
  })

  test('is bound to it where the leader may have appended a batch before it lost its leadership', async (t) => {
    const { shipper, lead, values, go, time, kafka } = await warm(t)
    shipper.write('a', 'sticky', ['sent'])
    await time.pass(6)
    kafka.pending[0]!.fail(NOT_LEADER_OR_FOLLOWER)
    lead(-1)
    shipper.write('a', 'sticky', ['waits'])
    await time.pass(2 * LEADERLESS_MS)
    go()
    lead(1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'sent', 'waits'], other: [] })
  })

  test('goes as soon as the response says that nothing was stored', async (t) => {
    const { shipper, lead, values, go, time, kafka } = await warm(t)
    shipper.write('a', 'sticky', ['sent'])
    await time.pass(6)
    lead(-1)
    await time.pass(2 * LEADERLESS_MS)
    shipper.write('a', 'sticky', ['next'])
    kafka.pending[0]!.fail(NOT_ENOUGH_REPLICAS)
    go()
    await time.until(() => shipper.done)
    assert.deepEqual(values(), { own: ['first'], other: ['sent', 'next'] })
    lead(1)
    shipper.write('fixed', OWN, ['fixed'])
    await shipper.finish()
    assert.deepEqual(values().own, ['first', 'fixed'])
    assert.equal(shipper.reported('batchRetried').length, 1, 'the numbers of batches that have moved leave no hole')
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('waits while no other broker can be reached, and goes when one can', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t)
    go()
    lead(-1, -1)
    shipper.write('a', 'sticky', ['next'])
    await time.pass(2 * LEADERLESS_MS)
    assert.equal(shipper.parked('a'), 'topic')
    lead(-1, 2)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: ['next'] })
  })

  test('keeps its order over one move after the other', async (t) => {
    const topics = { logs: [1, 1, 1, 1] }
    const shipper = new Shipper(t, { topics, leaderlessMs: LEADERLESS_MS })
    const { kafka, time } = shipper
    kafka.automatic = false
    shipper.write('a', 'sticky', ['0'])
    const from = shipper.partitionOf('a')
    const at = (step: number): number => (from + step) % 4
    const lead = (dead: readonly number[]): void =>
      kafka.setLeaders(
        'logs',
        [0, 1, 2, 3].map((partition) => (dead.includes(partition) ? -1 : 1)),
      )
    lead([from])
    await time.pass(LEADERLESS_MS + 10)
    assert.deepEqual(
      kafka.pending.map(({ items }) => items[0]?.partition),
      [at(1)],
    )
    // the first partition may have it, and is gone before the file writes again; its own partition is back
    lead([at(1)])
    shipper.write('a', 'sticky', ['1'])
    assert.equal(shipper.parked('a'), 'topic')
    await time.pass(2 * LEADERLESS_MS)
    kafka.automatic = true
    kafka.pending[0]!.fail(NOT_ENOUGH_REPLICAS)
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', at(2)), ['0', '1'])
  })

  test('is not led back by a choice that was made before', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t)
    go()
    const lane = shipper.producer.lane('logs', OWN)!
    lead(-1)
    await time.pass(LEADERLESS_MS + 1)
    const file = shipper.file('a')
    file.write('read in the meantime')
    // a slow read ends only now
    const late = file.appendRequest()
    shipper.producer.append(lane, late)
    assert.equal(late.first, 0)
    shipper.write('a', 'sticky', [])
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: ['read in the meantime'] })
  })

  test('goes once its batches are compressed', async (t) => {
    const { shipper, lead, values, go } = await warm(t, { compression: 'zstd', lingerMs: 50 })
    go()
    shipper.write('a', 'sticky', lines(1000))
    lead(-1)
    shipper.write('a', 'sticky', ['next'])
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first'], other: [...lines(1000), 'next'] })
  })
})

describe('a topic that is created again with fewer partitions', () => {
  test('gets the records of a key in their order', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1, 1, 1] }, leaderlessMs: LEADERLESS_MS })
    const { kafka, time } = shipper
    kafka.automatic = false
    const key = ['a', 'b', 'c', 'd'].find((text) => partitionOfKey(Buffer.from(text), 4) > 0)!
    shipper.write('keyed', 'hash', ['before'], { key })
    await time.pass(6)
    kafka.setLeaders('logs', [1])
    shipper.write('keyed', 'hash', ['after'])
    await time.pass(6)
    const [first, ...others] = kafka.pending
    for (const request of others) request.respond()
    kafka.automatic = true
    first!.fail(UNKNOWN_TOPIC_OR_PARTITION)
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), ['before', 'after'])
  })
})

describe('a partition without a leader keeps', () => {
  test('records with a key, and those with a fixed partition, whatever happens around them', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t, { lingerMs: 50 })
    go()
    shipper.write('keyed', 'hash', ['keyed'], { key: 'a' })
    shipper.write('fixed', OWN, ['fixed'])
    lead(-1)
    shipper.write('a', 'sticky', ['moves'])
    await time.pass(2 * LEADERLESS_MS)
    assert.deepEqual(values().other, ['moves'])
    shipper.write('keyed', 'hash', ['keyed too'])
    assert.equal(shipper.parked('keyed'), 'topic')
    lead(1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'keyed', 'fixed', 'keyed too'], other: ['moves'] })
  })

  test('records with a key that were sent and refused', async (t) => {
    const { shipper, lead, values, go, time, kafka } = await warm(t)
    shipper.write('keyed', 'hash', ['keyed'], { key: 'a' })
    await time.pass(6)
    shipper.write('a', 'sticky', ['moves'])
    await time.pass(6)
    lead(-1)
    for (const request of [...kafka.pending]) request.fail(NOT_ENOUGH_REPLICAS)
    go()
    await time.pass(2 * LEADERLESS_MS)
    assert.deepEqual(values(), { own: ['first'], other: ['moves'] })
    lead(1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'keyed'], other: ['moves'] })
    assert.equal(shipper.reported('batchRetried').length, 2)
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('a batch of both, and records that come back there are stored behind it', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t, { lingerMs: 2000 })
    go()
    await lingerBeside({ shipper, lead, time })
    await time.pass(10)
    lead(1, -1)
    await time.pass(2 * LEADERLESS_MS)
    assert.equal(shipper.reported('filesMoved').length, 1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'beside', 'keyed', 'later'], other: [] })
  })

  test('a batch in which one record has a key', async (t) => {
    const { shipper, lead, values, go, time } = await warm(t, { lingerMs: 50 })
    go()
    await lingerBeside({ shipper, lead, time })
    await time.pass(60)
    lead(1)
    await shipper.finish()
    assert.deepEqual(values(), { own: ['first', 'beside', 'keyed'], other: ['later'] })
  })
})

describe('a topic that was created again with fewer partitions', () => {
  test('gets all records that were not stored, in order; only those with a fixed partition wait for it', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1, 1, 1] }, lingerMs: 50 })
    const { kafka, time } = shipper
    const all = Array.from({ length: 12 }, (_, index) => `f${index}`)
    // a record in one batch with records of a fixed partition has to wait with them
    const files = all.filter((name) => partitionOfKey(Buffer.from(name), 4) !== 3)
    assert.equal(new Set(files.map((name) => partitionOfKey(Buffer.from(name), 4))).size, 3)
    const write = (from: number): void => {
      for (const name of files)
        shipper.write(
          name,
          'sticky',
          lines(5, { from }).map((line) => `${name} ${line}`),
        )
      shipper.write('keyed', 'hash', [`keyed ${from}`], { key: 'some key' })
      shipper.write('fixed', 3, [`fixed ${from}`])
    }
    write(0)
    await time.until(() => shipper.done)
    write(5)
    kafka.deleteTopic('logs')
    await time.pass(100)
    write(10)
    assert.equal(shipper.parked(files[0]!), 'topic')
    kafka.setLeaders('logs', [1])
    await time.pass(100)
    const values = kafka.values('logs', 0)
    for (const name of files) {
      const expected = lines(10, { from: 5 }).map((line) => `${name} ${line}`)
      assert.deepEqual(
        values.filter((value) => value.startsWith(`${name} `)),
        expected,
      )
    }
    assert.deepEqual(
      values.filter((value) => value.startsWith('keyed')),
      ['keyed 5', 'keyed 10'],
    )
    assert.equal(shipper.possibleRepeats, 0)
    assert.equal(shipper.file('fixed').done, false)
    kafka.setLeaders('logs', [1, 1, 1, 1])
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 3), ['fixed 5', 'fixed 10'])
  })

  test('counts records that may have been stored before', async (t) => {
    const shipper = new Shipper(t, { topics: { logs: [1, 1] } })
    const { kafka, time } = shipper
    kafka.automatic = false
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    for (const name of names) shipper.write(name, 'sticky', [name])
    await time.pass(6)
    kafka.deleteTopic('logs')
    kafka.setLeaders('logs', [1])
    await time.pass(100)
    const lost = names.filter((name) => partitionOfKey(Buffer.from(name), 2) === 1)
    assert.ok(lost.length > 0 && lost.length < names.length)
    assert.equal(kafka.pending.length, 1, 'nothing goes anywhere while there may be a response')
    kafka.pending[0]!.lose('request')
    kafka.automatic = true
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0).sort(), names)
    assert.equal(shipper.possibleRepeats, lost.length)
  })
})
