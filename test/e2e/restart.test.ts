/** Files that change while the agent is stopped: it knows them again by their content, whatever they are called. */
import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, renameSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs' // prettier-ignore
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import type { LogWriter } from '../support/numbered-log.ts'
import type { Agent } from '../support/process.ts'
import { originOf, originsOf } from '../support/ranges.ts'
import { lastWords, openScene, type Scene } from '../support/scene.ts'
import type { Ending } from '../support/temp.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const QUICK = ['--file-last-line-quiet-ms', '200', '--file-discover-ms', '100']

/** An agent has shipped 1000 lines of app.log and is stopped; 500 more were written since. */
async function begun(t: Ending): Promise<{ scene: Scene; writer: LogWriter }> {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  writer.write(1000)
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  writer.write(500)
  return { scene, writer }
}

/** Starts an agent, and checks that every line arrives once. `files`: how many generations there were in all. */
async function shipsTheRest(scene: Scene, files: number): Promise<void> {
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  const records = await scene.delivered()
  assert.equal(originsOf(records).size, files)
}

test('knows a file again that was renamed to app.log.1, beside a new app.log', async (t) => {
  const { scene, writer } = await begun(t)
  renameSync(writer.path, `${writer.path}.1`)
  writer.write(10)
  writer.reopen()
  writer.write(300)
  await shipsTheRest(scene, 2)
})

test('knows a file again that was renamed three times, beside three new ones', async (t) => {
  const { scene, writer } = await begun(t)
  for (let rotation = 0; rotation < 3; rotation++) {
    for (const n of [3, 2, 1].filter((n) => n <= rotation)) renameSync(`${writer.path}.${n}`, `${writer.path}.${n + 1}`)
    renameSync(writer.path, `${writer.path}.1`)
    writer.reopen()
    writer.write(300)
  }
  await shipsTheRest(scene, 4)
})

test('drains a file that was renamed to a name that no glob matches', async (t) => {
  const { scene, writer } = await begun(t)
  renameSync(writer.path, scene.path('backup-of-the-log'))
  writer.reopen()
  writer.write(300)
  await shipsTheRest(scene, 2)
})

test('knows a file again that was moved to another directory that is read as well', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  mkdirSync(scene.path('live'))
  mkdirSync(scene.path('old'))
  const writer = scene.writer('live/app.log')
  writer.write(1000)
  const paths = `${scene.path('live/*.log')},${scene.path('old/*.log')}`
  const first = scene.start('--paths', paths)
  await scene.arrived(1000)
  await scene.stop(first)
  writer.write(500)
  renameSync(writer.path, scene.path('old/app-1.log'))
  writer.reopen()
  writer.write(300)
  const second = scene.start('--paths', paths)
  await scene.arrived()
  await scene.stop(second)
  assert.equal(originsOf(await scene.delivered()).size, 2)
})

/** Where each line comes from: its text, the path below the scene's directory, and the number of the file id. */
async function linesOf(scene: Scene): Promise<string[]> {
  const ids: string[] = []
  return (await scene.records()).map((record) => {
    const { id, path } = originOf(record) ?? { id: '', path: '' }
    if (!ids.includes(id)) ids.push(id)
    return `${record.value?.toString()} ${path.slice(scene.directory.length + 1)} ${ids.indexOf(id)}`
  })
}

/** An agent has shipped the one line of a/status.log and is stopped; directory b is empty. `start`: of another agent. */
async function withOneLine(t: Ending): Promise<{ scene: Scene; start: () => Agent }> {
  const scene = await openScene(t, kafka, { args: QUICK })
  for (const name of ['a', 'b']) mkdirSync(scene.path(name))
  const start = (): Agent => scene.start('--paths', scene.path('*/*.log'))
  writeFileSync(scene.path('a/status.log'), 'done\n')
  const first = start()
  await scene.arrived(1)
  await scene.stop(first)
  return { scene, start }
}

test('takes a file with the same line in another directory for another file, as of the next pod of a CronJob', async (t) => {
  const { scene, start } = await withOneLine(t)
  const { ino } = statSync(scene.path('a/status.log'))
  unlinkSync(scene.path('a/status.log'))
  // a file that is made where the old one was gets the same inode on most file systems
  writeFileSync(scene.path('a/new'), 'done\n')
  renameSync(scene.path('a/new'), scene.path('b/status.log'))
  t.diagnostic(`inode ${ino} ${statSync(scene.path('b/status.log')).ino === ino ? 'came again' : 'did not come again'}`)
  const second = start()
  await scene.arrived(2)
  writeFileSync(scene.path('b/status.log'), 'more\n', { flag: 'a' })
  await scene.arrived(3)
  await scene.stop(second)
  assert.deepEqual(await linesOf(scene), ['done a/status.log 0', 'done b/status.log 1', 'more b/status.log 1'])
  assert.equal(lastWords(second)['lostBytes'], 0)
})

test('knows a file again that was moved to another directory, with a file of the same line in its place', async (t) => {
  const { scene, start } = await withOneLine(t)
  renameSync(scene.path('a/status.log'), scene.path('b/other.log'))
  writeFileSync(scene.path('b/other.log'), 'more\n', { flag: 'a' })
  writeFileSync(scene.path('a/status.log'), 'done\n')
  const second = start()
  await scene.arrived(3)
  await scene.stop(second)
  const [, ...others] = await linesOf(scene)
  assert.deepEqual(others.sort(), ['done a/status.log 1', 'more a/status.log 0'].sort())
})

test('takes a new file with the name and the inode of a deleted one for another file', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  writer.write(1000)
  const first = scene.start()
  await scene.arrived()
  await scene.stop(first)
  const { ino } = statSync(writer.path)
  writer.close()
  unlinkSync(writer.path)
  // a file system that gives the lowest free inode gives this one again; the new file is longer than the old one
  writer.reopen()
  writer.write(2000)
  t.diagnostic(`inode ${ino} ${statSync(writer.path).ino === ino ? 'came again' : 'did not come again'}`)
  await shipsTheRest(scene, 2)
})

test('reads a file from its beginning that was cut and filled again to more than it had', async (t) => {
  const { scene, writer } = await begun(t)
  truncateSync(writer.path)
  writer.write(3000)
  const agent = scene.start()
  await scene.arrived(1000 + 3000)
  await scene.stop(agent)
  const records = await scene.records()
  // the lines that were cut before they were read are lost, and no others
  const numbers = records.map(({ value }) => Number(/^app (\d+) /.exec(value?.toString('latin1') ?? '')?.[1]))
  const span = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, n) => from + n)
  assert.deepEqual(numbers, [...span(0, 1000), ...span(1500, 4500)])
})

test('takes an edited copy that replaces a file for another file', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const path = scene.path('app.log')
  writeFileSync(path, 'one\ntwo\nthree\n')
  const first = scene.start()
  await scene.arrived(3)
  await scene.stop(first)
  writeFileSync(`${path}.new`, 'one\n2\nthree\nfour\n')
  renameSync(`${path}.new`, path)
  const second = scene.start()
  await scene.arrived(7)
  await scene.stop(second)
  const values = (await scene.records()).map(({ value }) => value?.toString())
  assert.deepEqual(values, ['one', 'two', 'three', 'one', '2', 'three', 'four'])
})

test('does not ship the copy of a file that was copied and cut, as by copytruncate of logrotate', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const writer = scene.writer('app.log')
  writer.write(1000)
  const first = scene.start()
  await scene.arrived()
  await scene.stop(first)
  copyFileSync(writer.path, `${writer.path}.1`)
  truncateSync(writer.path)
  writer.write(300)
  await shipsTheRest(scene, 2)
})

test('keeps many files with the same beginning apart', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  const banner = Buffer.from(`${'='.repeat(79)}\n`.repeat(900)) // more than 64 KiB
  const names = Array.from({ length: 12 }, (_, n) => scene.path(`app-${n}.log`))
  for (const name of names) writeFileSync(name, banner)
  const first = scene.start()
  await scene.arrived(12 * 900)
  await scene.stop(first)
  for (const [n, name] of names.entries()) writeFileSync(name, `own ${n}\n`, { flag: 'a' })
  renameSync(names[0]!, `${names[0]}.1`)
  writeFileSync(names[0]!, banner)
  const second = scene.start()
  await scene.arrived(12 * 901 + 900)
  await scene.stop(second)
  const records = await scene.records()
  const own = records.map(({ value }) => value?.toString()).filter((line) => line?.startsWith('own'))
  assert.deepEqual(new Set(own), new Set(names.map((_, n) => `own ${n}`)))
  assert.equal(own.length, 12)
  assert.equal(originsOf(records).size, 13)
})

test('keeps its place in an empty file, and in files of one byte', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  writeFileSync(scene.path('empty.log'), '')
  writeFileSync(scene.path('byte.log'), 'a')
  writeFileSync(scene.path('line.log'), '\n')
  const first = scene.start()
  await scene.arrived(1)
  await scene.stop(first)
  writeFileSync(scene.path('empty.log'), 'first\n')
  writeFileSync(scene.path('byte.log'), 'b\n', { flag: 'a' })
  const second = scene.start()
  await scene.arrived(3)
  await scene.stop(second)
  const values = (await scene.records()).map(({ value }) => value?.toString())
  assert.deepEqual(values.sort(), ['', 'ab', 'first'])
})

test('reads a new file whose directory took the place of one that was moved away', async (t) => {
  const scene = await openScene(t, kafka, { args: QUICK })
  mkdirSync(scene.path('logs'))
  scene.writer('logs/app.log').write(100)
  const first = scene.start('--paths', scene.path('logs/*.log'))
  await scene.arrived()
  await scene.stop(first)
  renameSync(scene.path('logs'), scene.path('gone'))
  mkdirSync(scene.path('logs'))
  writeFileSync(join(scene.directory, 'logs/app.log'), 'new\n')
  const second = scene.start('--paths', scene.path('logs/*.log'))
  await scene.arrived(101)
  await scene.stop(second)
  assert.equal((await scene.records()).at(-1)?.value?.toString(), 'new')
})
