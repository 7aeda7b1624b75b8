/** A Kafka that goes away and comes back while lines are written and files rotate: no line is missing or left over. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { startKafka, type Kafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { openScene } from '../support/scene.ts'

const LONG = process.env['LOGAGENT_TEST_LONG'] !== undefined

/** Longer than the time-out of a request, which is shorter here than by default, except in a long run. */
const OUTAGE_MS = LONG ? 45_000 : 3000
const IMPATIENT = LONG ? [] : ['--kafka-request-timeout-ms', '1s', '--kafka-connect-timeout-ms', '1s']

let kafka: Kafka
before(async () => {
  kafka = await startKafka()
})
after(() => kafka.close())

const outages: readonly {
  readonly what: string
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
}[] = [
  { what: 'stopped and started', begin: async () => kafka.stop(), end: async () => kafka.restart() },
  { what: 'killed and started', begin: async () => kafka.kill(), end: async () => kafka.restart() },
  { what: 'frozen and thawed', begin: async () => kafka.pause(), end: async () => kafka.resume() },
]

describe('ships every line once, while files are written and rotate, over a Kafka that is', () => {
  for (const { what, begin, end } of outages) {
    test(`${what}, with more than the time-out of a request between`, async (t) => {
      const args = ['--file-last-line-quiet-ms', '200', ...IMPATIENT]
      const scene = await openScene(t, kafka, { partitions: 3, args })
      const writers = ['a.log', 'b.log', 'c.log', 'd.log'].map((name) => scene.writer(name))
      for (const writer of writers) writer.write(1)
      const agent = scene.start()
      await scene.arrived()
      const load = startLoad(t, writers, { rotateAfter: 40 })
      await scene.arrived(500)
      await begin()
      // the length of the outage is the input
      await delay(OUTAGE_MS)
      await end()
      await scene.arrived((await scene.count()) + 500)
      await load.stop()
      await scene.recovered(agent)
    })
  }

  test('frozen or killed five times in a row, and back before the agent has recovered', async (t) => {
    const scene = await openScene(t, kafka, { partitions: 3, args: IMPATIENT })
    const writers = ['a.log', 'b.log'].map((name) => scene.writer(name))
    const load = startLoad(t, writers)
    const agent = scene.start()
    await scene.arrived(500)
    // the pauses are the input: how long Kafka is gone, and how long it is back
    for (let n = 0; n < 5; n++) {
      if (n % 2 === 0) kafka.pause()
      else await kafka.kill()
      await delay(LONG ? 5000 : 700)
      if (n % 2 === 0) kafka.resume()
      else await kafka.restart()
      await delay(200)
    }
    await load.stop()
    await scene.recovered(agent)
  })
})

test('started before Kafka, ships once Kafka comes up', async (t) => {
  const scene = await openScene(t, kafka, { args: IMPATIENT })
  await kafka.stop()
  const writer = scene.writer('a.log')
  writer.write(5000)
  const agent = scene.start()
  await agent.logged(({ msg }) => msg === 'broker cannot be reached', { what: 'the broker named' })
  writer.write(5000)
  await kafka.restart()
  await scene.recovered(agent)
})

test('killed while Kafka is down, loses no line', async (t) => {
  const scene = await openScene(t, kafka, { args: IMPATIENT })
  const writer = scene.writer('a.log')
  writer.write(5000)
  const first = scene.start()
  await scene.arrived()
  await kafka.stop()
  writer.write(20_000)
  await first.logged(({ msg }) => msg === 'broker cannot be reached', { what: 'the broker named' })
  await first.kill()
  writer.write(5000)
  const second = scene.start()
  await second.logged(({ msg }) => msg === 'broker cannot be reached', { what: 'the broker named' })
  await kafka.restart()
  await scene.caughtUp()
  await scene.stop(second)
  await scene.delivered({ repeats: 'any' })
})

describe('a topic', () => {
  test('that is created later is waited for, and the files of other topics do not wait', async (t) => {
    const scene = await openScene(t, kafka, { createTopic: false })
    const other = await openScene(t, kafka)
    const inputs = [
      { path: scene.path('*.log'), topic: scene.topic },
      { path: other.path('*.log'), topic: other.topic },
    ]
    scene.writer('a.log').write(1000)
    other.writer('b.log').write(1000)
    const agent = other.start('--inputs', JSON.stringify(inputs))
    await other.arrived()
    await agent.logged(({ msg, topic }) => msg === 'waiting for topic' && topic === scene.topic, { what: 'a warning' })
    await kafka.createTopic(scene.topic, { partitions: 2 })
    await scene.arrived()
    await other.stop(agent)
    await scene.delivered()
    await other.delivered()
  })

  test('that is missing is created where the setting says so', async (t) => {
    const args = ['--topic-create', 'true', '--topic-partitions', '3', '--topic-replication-factor', '1']
    const scene = await openScene(t, kafka, { createTopic: false, args })
    scene.writer('a.log').write(100)
    const agent = scene.start()
    await agent.logged(({ msg }) => msg === 'topic found', { what: 'the topic', within: 60_000 })
    await scene.arrived()
    await scene.stop(agent)
    assert.equal((await kafka.describeTopic(scene.topic)).partitions.length, 3)
    await scene.delivered()
  })

  test('that Kafka refuses to create is logged as an error, and waited for', async (t) => {
    const args = ['--topic-create', 'true', '--topic-replication-factor', '3']
    const scene = await openScene(t, kafka, { createTopic: false, args })
    scene.writer('a.log').write(100)
    const agent = scene.start()
    const refusal = await agent.logged(({ msg }) => msg === 'topic refused: waiting', { what: 'the reason' })
    assert.equal(refusal['level'], 'error')
    assert.match(String(refusal['reason']), /could not be created: Kafka answered INVALID_REPLICATION_FACTOR/)
    await kafka.createTopic(scene.topic)
    await scene.arrived()
    await scene.stop(agent)
    await scene.delivered()
  })

  for (const partitions of [4, 1]) {
    test(`that is deleted, and created again with ${partitions} partitions after 4, gets all later lines`, async (t) => {
      const scene = await openScene(t, kafka, { partitions: 4, args: ['--kafka-metadata-max-age-ms', '1s'] })
      const writers = Array.from({ length: 8 }, (_, n) => scene.writer(`file-${n}.log`))
      for (const writer of writers) writer.write(100)
      const agent = scene.start()
      await scene.arrived()
      await kafka.deleteTopic(scene.topic)
      for (const writer of writers) writer.write(50)
      await agent.logged(({ msg }) => msg === 'waiting for topic', { what: 'the topic missed' })
      for (const writer of writers) writer.write(50)
      await kafka.createTopic(scene.topic, { partitions })
      await scene.arrived(800)
      await scene.stop(agent)
      const records = await scene.records()
      for (const { log } of writers) {
        const lines = records.map(({ value }) => value?.toString().split(' ', 2) ?? []).filter(([name]) => name === log)
        const numbers = lines.map(([, number]) => Number(number))
        assert.deepEqual(numbers, Array.from({ length: 100 }, (_, n) => 100 + n)) // prettier-ignore
      }
    })
  }

  test('that gets more partitions is shipped to on the new ones as well', async (t) => {
    const scene = await openScene(t, kafka, { partitions: 1, args: ['--kafka-metadata-max-age-ms', '500ms'] })
    const early = Array.from({ length: 6 }, (_, n) => scene.writer(`early-${n}.log`))
    for (const writer of early) writer.write(100)
    const agent = scene.start()
    await scene.arrived()
    await kafka.addPartitions(scene.topic, 6)
    await agent.logged(({ msg, partitions }) => msg === 'topic found' && partitions === 6, { what: 'six partitions' })
    const late = Array.from({ length: 12 }, (_, n) => scene.writer(`late-${n}.log`))
    for (const writer of [...early, ...late]) writer.write(100)
    await scene.arrived()
    await scene.stop(agent)
    const records = await scene.delivered()
    assert.ok(new Set(records.map(({ partition }) => partition)).size > 2)
  })
})
