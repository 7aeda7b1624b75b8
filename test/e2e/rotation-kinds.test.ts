/** The ways in which logs are rotated while the agent runs, one by one. */
import assert from 'node:assert/strict'
import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sharedKafka } from '../support/kafka.ts'
import { originsOf } from '../support/ranges.ts'
import { lastWords, openScene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const QUICK = ['--file-last-line-quiet-ms', '200']

test('copytruncate: goes on from the beginning, and does not ship the copy', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  const agent = scene.start()
  for (let rotation = 0; rotation < 5; rotation++) {
    writer.write(400)
    await scene.arrived()
    for (let n = rotation; n > 0; n--) renameSync(`${writer.path}.${n}`, `${writer.path}.${n + 1}`)
    copyFileSync(writer.path, `${writer.path}.1`)
    // the pause is the input: the copy is there for a while before the file is cut, as it is with large files
    if (rotation % 2 === 0) await delay(300)
    truncateSync(writer.path)
  }
  writer.write(10)
  await scene.arrived()
  await scene.stop(agent)
  assert.equal(originsOf(await scene.delivered()).size, 6)
})

for (const [how, { glob, to }] of Object.entries({
  'dateext with extension': { glob: '*.log', to: (n: number) => `app-2026112${n}.log` },
  'olddir, under the same name': { glob: '**/*.log', to: () => 'old/app.log' },
  'olddir, numbered': { glob: '**/*.log*', to: (n: number) => `old/app.log.${n}` },
})) {
  test(`copytruncate with ${how}: does not ship the copy`, async (t) => {
    const scene = await openScene(t, kafka, { args: QUICK })
    mkdirSync(scene.path('old'))
    const writer = scene.writer('app.log')
    const agent = scene.start('--paths', scene.path(glob))
    for (let rotation = 0; rotation < 4; rotation++) {
      writer.write(1000)
      await scene.arrived()
      copyFileSync(writer.path, scene.path(to(rotation)))
      const isFound = (): boolean => agent.log.some((line) => line['file'] === scene.path(to(rotation)))
      // the copy is there for a while before the file is cut, or is found only afterwards
      if (rotation % 2 === 0) await until(isFound, { what: 'the copy is found' })
      truncateSync(writer.path)
      const cuts = (): number => agent.log.filter(({ msg }) => String(msg).startsWith('file truncated')).length
      await until(() => cuts() > rotation, { what: () => `cut ${rotation + 1} is seen` })
    }
    writer.write(1)
    await scene.arrived()
    await scene.stop(agent)
    await scene.delivered()
  })
}

test('copytruncate: goes on from the beginning of a file that is soon longer than it was before', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  const agent = scene.start()
  for (let rotation = 0; rotation < 5; rotation++) {
    writer.write(100 + rotation * 200)
    await scene.arrived()
    agent.pause()
    copyFileSync(writer.path, `${writer.path}-${rotation}`)
    truncateSync(writer.path)
    writer.write(300 + rotation * 200)
    agent.resume()
    await scene.arrived()
  }
  await scene.stop(agent)
  assert.equal(originsOf(await scene.delivered()).size, 6)
})

test('rename into a directory that is not read: drains the old file', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  mkdirSync(scene.path('old'))
  const writer = scene.writer('app.log')
  writer.write(100)
  const agent = scene.start()
  await scene.arrived()
  for (let rotation = 0; rotation < 5; rotation++) {
    writer.write(300)
    renameSync(writer.path, scene.path(`old/app.log.${rotation}`))
    writer.write(20)
    writer.reopen()
    writer.write(50)
    // a file that comes and goes between two looks is never found
    const found = (): boolean => agent.log.filter(({ msg }) => msg === 'file found').length > rotation + 1
    await until(found, { what: 'the new file', every: 5 })
  }
  await scene.arrived()
  await scene.stop(agent)
  assert.equal(originsOf(await scene.delivered()).size, 6)
})

test('rename: ships lines that are written to the old file long after it was let go', async (t) => {
  const scene = await openScene(t, kafka, { args: [...QUICK, '--file-sweep-ms', '1s'] })
  const writer = scene.writer('app.log')
  writer.write(100)
  const agent = scene.start()
  await scene.arrived()
  renameSync(writer.path, `${writer.path}.1`)
  writeFileSync(writer.path, '')
  await agent.logged(({ msg }) => msg === 'file let go: all of it is stored', { what: 'the old file let go' })
  writer.write(50)
  await scene.arrived()
  writer.reopen()
  writer.write(50)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

test('cut before it was read: logs and counts the lost bytes, and no others', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK, createTopic: false })
  const path = scene.path('app.log')
  writeFileSync(path, 'lost\n'.repeat(100))
  const agent = scene.start()
  await agent.logged(({ msg }) => msg === 'waiting for topic', { what: 'the topic named' })
  truncateSync(path)
  appendFileSync(path, 'kept\n'.repeat(10))
  await kafka.createTopic(scene.topic)
  await scene.arrived(10)
  const loss = await agent.logged(({ msg }) => msg === 'file truncated before all of it was read', { what: 'the loss' })
  assert.deepEqual([loss['file'], loss['unreadBytes']], [path, 500])
  await scene.stop(agent)
  assert.deepEqual(
    agent.log.filter(({ msg }) => msg === 'bytes lost').map(({ file, reason, bytes }) => [file, reason, bytes]),
    [[path, 'truncated', 500]],
  )
  assert.equal(lastWords(agent)['lostBytes'], 500)
  const lines = (await scene.records()).map(({ value }) => value?.toString())
  assert.deepEqual(
    lines,
    Array.from({ length: 10 }, () => 'kept'),
  )
})

test('delete and create again, fast, under the same name: ships every line of each file', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  const agent = scene.start()
  await agent.logged(({ msg }) => msg === 'file found', { what: 'the file' })
  for (let n = 0; n < 10; n++) {
    writer.write(50)
    // only a file that is found before it is deleted can be delivered
    const found = (): boolean => agent.log.filter(({ msg }) => msg === 'file found').length > n
    await until(found, { what: 'the new file', every: 5 })
    unlinkSync(writer.path)
    writer.write(50)
    writer.reopen()
  }
  writer.write(50)
  await scene.arrived()
  await scene.stop(agent)
  assert.equal(originsOf(await scene.delivered()).size, 11)
})

test('compressed and temporary files beside a log: ships none of them', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  writer.write(100)
  for (const name of ['app.log.1.gz', 'app.log.2.zst', 'app.log.tmp', 'app.log~', '.app.log.swp']) {
    writeFileSync(scene.path(name), 'not a log\n')
  }
  const agent = scene.start()
  await scene.arrived()
  renameSync(writer.path, `${writer.path}.1`)
  writer.reopen()
  writer.write(100)
  await scene.arrived()
  renameSync(`${writer.path}.1`, `${writer.path}.1.gz`)
  writer.write(100)
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})
