/** `logagent consume`: which records of a topic it shows, and when it ends. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sharedKafka } from '../support/kafka.ts'
import type { Agent } from '../support/process.ts'
import { openScene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** The numbers of the lines that the consumer printed: raw lines, one a line; some have bytes that are not UTF-8. */
function numbers(consumer: Agent): number[] {
  const lines = consumer.output().toString('latin1').split('\n').slice(0, -1)
  return lines.map((line) => Number(/^a (\d+) /.exec(line)?.[1]))
}

function sequence(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, n) => from + n)
}

test('ends at the end offset that the topic had at the start', async (t) => {
  const scene = await openScene(t, kafka)
  scene.writer('a.log').write(3000)
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  const all = scene.consume('--from-beginning')
  await all.exitsWith(0)
  assert.deepEqual(numbers(all), sequence(0, 3000))
  const neither = scene.consume()
  await neither.exitsWith(2)
  assert.match(JSON.stringify(neither.log), /give --from-beginning for existing records, --follow for new ones/)
})

test('waits for a topic that is created a moment later, and names a topic that is missing', async (t) => {
  const scene = await openScene(t, kafka, { createTopic: false })
  const early = scene.consume('--follow', '--from-beginning', '--max', '10')
  // The pause is the input: the consumer, which logs nothing meanwhile, looks for the topic before it is there. Where a
  // second is too short for that, the test shows less and does not fail.
  await delay(1000)
  await kafka.createTopic(scene.topic)
  scene.writer('a.log').write(10)
  const agent = scene.start()
  await early.exitsWith(0)
  assert.deepEqual(numbers(early), sequence(0, 10))
  await scene.stop(agent)
  const never = await openScene(t, kafka, { createTopic: false })
  const lost = never.consume('--from-beginning')
  await lost.exitsWith(4)
  assert.ok(JSON.stringify(lost.log).includes(`there is no topic ${never.topic}`), JSON.stringify(lost.log))
})

test('ends after --max records', async (t) => {
  const scene = await openScene(t, kafka)
  scene.writer('a.log').write(100)
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  const few = scene.consume('--from-beginning', '--max', '7')
  const many = scene.consume('--from-beginning', '--max', '1000')
  const following = scene.consume('--from-beginning', '--follow', '--max', '100')
  for (const one of [few, many, following]) await one.exitsWith(0)
  assert.deepEqual(numbers(few), sequence(0, 7))
  assert.deepEqual(numbers(many), sequence(0, 100))
  assert.deepEqual(numbers(following), sequence(0, 100))
})

test('with --follow shows new records until a signal stops it', async (t) => {
  const scene = await openScene(t, kafka)
  const writer = scene.writer('a.log')
  writer.write(10)
  const agent = scene.start()
  await scene.arrived()
  const all = scene.consume('--from-beginning', '--follow')
  await until(() => numbers(all).length >= 10, { what: 'the records that are there' })
  const later = scene.consume('--follow')
  // it does not log when it begins to read: a line is written every 100 ms until one is shown
  const shows = (): boolean => {
    writer.write(1)
    return numbers(later).length > 0
  }
  await until(() => shows() || later.end(), { every: 100, what: 'a new record' })
  writer.write(50)
  for (const one of [all, later]) await until(() => numbers(one).at(-1) === writer.next - 1, { what: 'the last line' })
  for (const one of [all, later]) {
    one.signal('SIGINT')
    await one.exitsWith(0)
  }
  assert.deepEqual(numbers(all), sequence(0, writer.next))
  const [first = 0] = numbers(later)
  assert.ok(first >= 10, `${first} was there before`)
  assert.deepEqual(numbers(later), sequence(first, writer.next))
  await scene.stop(agent)
})
