/** Files that rotate, are cut and are deleted, with exact accounting of what reached a real Kafka. */
import assert from 'node:assert/strict'
import { renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sharedKafka } from '../support/kafka.ts'
import { account } from '../support/numbered-log.ts'
import { openScene } from '../support/scene.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const QUIET = ['--file-last-line-quiet-ms', '500']

test('loses nothing and repeats nothing over 50 rename rotations under load', async (t) => {
  const scene = await openScene(t, kafka, { args: QUIET })
  const writer = scene.writer('app.log')
  const { path } = writer
  const agent = scene.start()
  await agent.logged((line) => line['msg'] === 'file found', { what: 'the file' })
  for (let rotation = 0; rotation < 50; rotation++) {
    for (let i = 0; i < 10; i++) {
      writer.write(40, i % 2 === 0 ? 'each' : 'together')
      // the pace of the writer
      await delay(10)
    }
    for (let n = 5; n > 0; n--) {
      try {
        renameSync(n === 1 ? path : `${path}.${n - 1}`, `${path}.${n}`)
      } catch {
        // there are fewer rotated files yet
      }
    }
    // the application goes on in the renamed file until it opens the new one
    writer.write(5)
    writer.reopen()
  }
  writer.close()
  await scene.arrived(writer.next)
  await scene.stop(agent)
  const got = account(await scene.records(), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('reads a truncated file from its beginning', async (t) => {
  const scene = await openScene(t, kafka, { args: QUIET })
  const writer = scene.writer('app.log')
  const agent = scene.start()
  for (let i = 1; i <= 5; i++) {
    writer.write(500)
    await scene.arrived(500 * i)
    truncateSync(writer.path)
  }
  await scene.stop(agent)
  const got = account(await scene.records(), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('drains a file that is deleted before it is read, and ships its last line, which has no newline', async (t) => {
  const scene = await openScene(t, kafka, { args: QUIET })
  const writer = scene.writer('app.log')
  const agent = scene.start()
  // its descriptor is open by then
  await agent.logged((line) => line['msg'] === 'file found', { what: 'the file' })
  agent.pause()
  writer.write(20_000)
  writer.raw('the last words')
  unlinkSync(writer.path)
  agent.resume()
  await scene.arrived(20_001)
  writer.close()
  await scene.stop(agent)
  const records = await scene.records()
  assert.equal(records.at(-1)?.value?.toString(), 'the last words')
  const got = account(records.slice(0, -1), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0, disordered: 0 })
})

test('finds generations that came and were rotated away while it was stopped by SIGSTOP', async (t) => {
  const scene = await openScene(t, kafka, { args: QUIET })
  const writer = scene.writer('app.log')
  writer.write(100)
  const agent = scene.start()
  await scene.arrived(100)
  agent.pause()
  for (let n = 1; n <= 4; n++) {
    writer.write(1000)
    renameSync(writer.path, `${writer.path}.${n}`)
    writer.reopen()
  }
  writer.write(10)
  agent.resume()
  await scene.arrived(writer.next)
  await scene.stop(agent)
  const got = account(await scene.records(), new Map([['app', writer.next]]))
  assert.deepEqual(got, { ...got, missing: [], changed: [], repeated: 0 })
})

test('ships a half line once it is complete, also over a restart', async (t) => {
  const scene = await openScene(t, kafka, { args: QUIET })
  const path = scene.path('app.log')
  writeFileSync(path, 'one\nhal')
  const first = scene.start('--paths', path)
  await scene.arrived(1)
  await scene.stop(first)
  writeFileSync(path, 'f\ntwo\n', { flag: 'a' })
  const second = scene.start('--paths', path)
  await scene.arrived(3)
  await scene.stop(second)
  const records = await scene.records()
  assert.deepEqual(
    records.map((record) => record.value?.toString()),
    ['one', 'half', 'two'],
  )
})
