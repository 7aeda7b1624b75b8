/** Files that rotate, are cut and are deleted, with exact accounting of what reached a real Kafka. */
import assert from 'node:assert/strict'
import { renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freshTopic, sharedKafka } from '../support/kafka.ts'
import { LogWriter, account } from '../support/numbered-log.ts'
import { startAgent, type Agent } from '../support/process.ts'
import { freshDirectory, type Ending } from '../support/temp.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

interface Scene {
  readonly directory: string
  readonly topic: string
  readonly start: (...args: string[]) => Agent
  /** Waits until so many records are in the topic. */
  readonly arrived: (records: number) => Promise<void>
}

async function scene(t: Ending, partitions = 1): Promise<Scene> {
  const directory = freshDirectory(t)
  const state = freshDirectory(t)
  const topic = freshTopic('rotation')
  await kafka.createTopic(topic, { partitions })
  const count = async (): Promise<number> => (await kafka.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
  return {
    directory,
    topic,
    start: (...args) =>
      startAgent(t, {
        args: [
          'run',
          '--kafka-brokers',
          kafka.bootstrap,
          '--kafka-topic',
          topic,
          '--state-dir',
          state,
          '--encoding',
          'raw',
          '--file-last-line-quiet-ms',
          '500',
          ...args,
        ],
      }),
    arrived: async (records) =>
      void (await until(async () => (await count()) >= records, {
        within: 60_000,
        every: 100,
        what: `${records} records`,
      })),
  }
}

test('loses nothing and repeats nothing over 50 rename rotations under load', async (t) => {
  const { directory, topic, start, arrived } = await scene(t)
  const path = join(directory, 'app.log')
  const writer = new LogWriter('app', path)
  const agent = start('--paths', join(directory, '*.log'))
  await agent.logged((line) => line['msg'] === 'file found', { what: 'the file' })
  for (let rotation = 0; rotation < 50; rotation++) {
    for (let i = 0; i < 10; i++) {
      writer.write(40, i % 2 === 0 ? 'each' : 'together')
      await delay(10)
    }
    for (let n = 5; n > 0; n--) {
      try {
        renameSync(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`)
      } catch {
        // not so many yet
      }
    }
    // the application goes on in the renamed file until it is told
    writer.write(5)
    writer.reopen()
  }
  writer.close()
  await arrived(writer.next)
  agent.signal('SIGTERM')
  await agent.exitsWith(0)
  const got = account(await kafka.readAll(topic), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('reads a truncated file from its beginning', async (t) => {
  const { directory, topic, start, arrived } = await scene(t)
  const path = join(directory, 'app.log')
  const writer = new LogWriter('app', path)
  const agent = start('--paths', join(directory, '*.log'))
  for (let i = 1; i <= 5; i++) {
    writer.write(500)
    await arrived(500 * i)
    truncateSync(path)
  }
  agent.signal('SIGTERM')
  await agent.exitsWith(0)
  const got = account(await kafka.readAll(topic), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('drains a file that is deleted before it is read, and its last line without a newline', async (t) => {
  const { directory, topic, start, arrived } = await scene(t)
  const path = join(directory, 'app.log')
  const writer = new LogWriter('app', path)
  const agent = start('--paths', join(directory, '*.log'))
  // its descriptor is open by then
  await agent.logged((line) => line['msg'] === 'file found', { what: 'the file' })
  agent.pause()
  writer.write(20_000)
  writer.raw('the last words')
  unlinkSync(path)
  agent.resume()
  await arrived(20_001)
  writer.close()
  agent.signal('SIGTERM')
  await agent.exitsWith(0)
  const records = await kafka.readAll(topic)
  assert.equal(records.at(-1)?.value?.toString(), 'the last words')
  const got = account(records.slice(0, -1), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('finds generations that came and were rotated away while it was stopped by SIGSTOP', async (t) => {
  const { directory, topic, start, arrived } = await scene(t)
  const path = join(directory, 'app.log')
  const writer = new LogWriter('app', path)
  writer.write(100)
  const agent = start('--paths', join(directory, '*.log'))
  await arrived(100)
  agent.pause()
  for (let n = 1; n <= 4; n++) {
    writer.write(1000)
    renameSync(path, `${path}.${n}`)
    writer.reopen()
  }
  writer.write(10)
  agent.resume()
  await arrived(writer.next)
  agent.signal('SIGTERM')
  await agent.exitsWith(0)
  const got = account(await kafka.readAll(topic), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0 })
})

test('completes a half line later, also across a restart', async (t) => {
  const { directory, topic, start, arrived } = await scene(t)
  const path = join(directory, 'app.log')
  writeFileSync(path, 'one\nhal')
  const first = start('--paths', path)
  await arrived(1)
  first.signal('SIGTERM')
  await first.exitsWith(0)
  writeFileSync(path, 'f\ntwo\n', { flag: 'a' })
  const second = start('--paths', path)
  await arrived(3)
  second.signal('SIGTERM')
  await second.exitsWith(0)
  const records = await kafka.readAll(topic)
  assert.deepEqual(
    records.map((record) => record.value?.toString()),
    ['one', 'half', 'two'],
  )
})
