/**
 * From files to a real Kafka in the ordinary case: lines that are there, lines that are appended, files that come
 * later, and inputs with topics of their own.
 */
import assert from 'node:assert/strict'
import { mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { freshTopic, sharedKafka } from '../support/kafka.ts'
import { LogWriter, account } from '../support/numbered-log.ts'
import { startAgent } from '../support/process.ts'
import { abutting, headerOf } from '../support/ranges.ts'
import { openScene } from '../support/scene.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

for (const encoding of ['raw', 'json'] as const) {
  test(`ships the lines of files and the lines that are appended to them, as ${encoding}`, async (t) => {
    const scene = await openScene(t, kafka, { encoding, partitions: 3 })
    const writers = ['one.log', 'two.log', 'three.log', 'four.log'].map((name) => scene.writer(name))
    for (const writer of writers) writer.write(3000)
    const agent = scene.start()
    await scene.arrived()
    for (let round = 0; round < 20; round++) {
      for (const writer of writers) writer.write(25, 'each')
    }
    await scene.arrived()
    await scene.stop(agent)
    await scene.delivered()
  })
}

describe('a file that is not there yet', () => {
  test('is waited for by its name', async (t) => {
    const scene = await openScene(t, kafka)
    const agent = scene.start('--paths', scene.path('late.log'))
    await agent.logged((line) => line['msg'] === 'logagent starts', { what: 'the start' })
    const writer = scene.writer('late.log')
    writer.write(100)
    await scene.arrived()
    await scene.stop(agent)
    await scene.delivered()
  })

  test('is waited for in directories that match patterns and are not there yet either', async (t) => {
    const scene = await openScene(t, kafka)
    const agent = scene.start('--paths', scene.path('apps/*/logs/*.log'))
    await agent.logged((line) => line['msg'] === 'logagent starts', { what: 'the start' })
    for (const app of ['a', 'b']) {
      mkdirSync(scene.path(`apps/${app}/logs`), { recursive: true })
      scene.writer(`apps/${app}/logs/${app}.log`).write(50)
      await scene.arrived()
    }
    await scene.stop(agent)
    const records = await scene.records()
    const written = new Map(['a', 'b'].map((app): [string, number] => [`apps/${app}/logs/${app}`, 50]))
    const sum = account(records, written)
    assert.deepEqual(sum, { ...sum, missing: [], changed: [], repeated: 0, disordered: 0 })
  })

  test('is found when it comes in a watched directory, or in a new one that `**` matches', async (t) => {
    const scene = await openScene(t, kafka)
    scene.writer('first.log').write(10)
    const agent = scene.start('--paths', scene.path('**/*.log'))
    await scene.arrived()
    for (let n = 0; n < 10; n++) {
      scene.writer(`more-${n}.log`).write(10)
      mkdirSync(scene.path(`deep-${n}/er`), { recursive: true })
      scene.writer(`deep-${n}/er/file.log`).write(10)
    }
    await scene.arrived()
    await scene.stop(agent)
    await scene.delivered()
  })

  test('is found when it comes with a single line', async (t) => {
    const scene = await openScene(t, kafka)
    const agent = scene.start()
    await agent.logged((line) => line['msg'] === 'logagent starts', { what: 'the start' })
    writeFileSync(scene.path('tiny.log'), 'oops\n')
    await scene.arrived(1)
    await scene.stop(agent)
    const values = (await scene.records()).map(({ value }) => value?.toString())
    assert.deepEqual(values, ['oops'])
  })
})

test('ships the line of a file that lives for 300 ms, also right after others that came and went', async (t) => {
  const scene = await openScene(t, kafka)
  scene.writer('quiet.log').write(1)
  const agent = scene.start()
  await scene.arrived()
  for (let n = 0; n < 8; n++) {
    writeFileSync(scene.path(`short-${n}.log`), `life ${n}\n`)
    // the life of the file is the input
    await delay(300)
    unlinkSync(scene.path(`short-${n}.log`))
  }
  await scene.arrived(9)
  await scene.stop(agent)
  const lives = (await scene.records()).map(({ value }) => value?.toString()).filter((line) => line?.startsWith('life'))
  assert.deepEqual(
    lives.sort(),
    Array.from({ length: 8 }, (_, n) => `life ${n}`),
  )
})

test('ships several inputs to several topics, each by its own settings, without the excluded files', async (t) => {
  const directory = freshDirectory(t)
  const topics = { web: freshTopic('web'), app: freshTopic('app') }
  for (const topic of Object.values(topics)) await kafka.createTopic(topic, { partitions: 2 })
  const config = join(directory, 'logagent.yaml')
  writeFileSync(
    config,
    `kafka: { brokers: ${kafka.bootstrap}, topic: ${topics.app} }
state: { dir: ${join(directory, 'state')} }
fields: { env: test }
inputs:
  web:
    path: [${directory}/web/*.log, ${directory}/proxy/*.log]
    exclude: ['debug-*', '${directory}/proxy/private*']
    topic: ${topics.web}
    encoding: raw
    fields: { tier: front }
  app:
    path: ${directory}/app/*.log
`,
  )
  const writers = ['web/a', 'web/debug-a', 'proxy/a', 'proxy/private', 'app/a'].map((log) => {
    mkdirSync(join(directory, log, '..'), { recursive: true })
    return new LogWriter(log, join(directory, `${log}.log`))
  })
  const agent = startAgent(t, { args: ['run', '--config', config] })
  for (const writer of writers) writer.write(500)
  const count = async (topic: string): Promise<number> => (await kafka.endOffsets(topic)).reduce((sum, n) => sum + n, 0)
  const isThere = async (): Promise<boolean> => (await count(topics.web)) >= 1000 && (await count(topics.app)) >= 500
  await until(isThere, { within: 60_000, what: 'both topics have their lines' })
  agent.signal('SIGTERM')
  await agent.exitsWith(0)
  const web = await kafka.readAll(topics.web)
  const sum = account(web, new Map([['web/a', 500], ['proxy/a', 500]])) // prettier-ignore
  assert.deepEqual(sum, { ...sum, missing: [], changed: [], repeated: 0, disordered: 0 })
  assert.deepEqual([headerOf(web[0]!, 'fields.env'), headerOf(web[0]!, 'fields.tier')], ['test', 'front'])
  const app = (await kafka.readAll(topics.app)).map(({ value }) => JSON.parse(value?.toString() ?? ''))
  assert.equal(app.length, 500)
  assert.deepEqual(app[0].fields, { env: 'test' })
  assert.deepEqual([...abutting(web), ...abutting(await kafka.readAll(topics.app))], [])
  for (const writer of writers) writer.close()
})

describe('start: end', () => {
  test('skips only lines that are whole at the first start: later ones and the one being written are shipped', async (t) => {
    const scene = await openScene(t, kafka, { args: ['--start', 'end'] })
    writeFileSync(scene.path('old.log'), 'before\nhalf')
    const agent = scene.start()
    await agent.logged((line) => line['msg'] === 'file found', { what: 'the file' })
    writeFileSync(scene.path('old.log'), ' whole\nnext\n', { flag: 'a' })
    writeFileSync(scene.path('new.log'), 'from the beginning\n')
    await scene.arrived(3)
    await scene.stop(agent)
    const values = (await scene.records()).map(({ value }) => value?.toString()).sort()
    assert.deepEqual(values, ['from the beginning', 'half whole', 'next'])
  })

  test('applies to the first start only: lines written during a stop are shipped, also in new files', async (t) => {
    const scene = await openScene(t, kafka, { args: ['--start', 'end'] })
    writeFileSync(scene.path('old.log'), 'before\n')
    const first = scene.start()
    await first.logged((line) => line['msg'] === 'file found', { what: 'the file' })
    await scene.stop(first)
    writeFileSync(scene.path('old.log'), 'meanwhile\n', { flag: 'a' })
    writeFileSync(scene.path('new.log'), 'new\n')
    const second = scene.start()
    await scene.arrived(2)
    await scene.stop(second)
    const values = (await scene.records()).map(({ value }) => value?.toString()).sort()
    assert.deepEqual(values, ['meanwhile', 'new'])
  })
})
