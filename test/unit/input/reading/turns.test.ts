/** More files than may be open at the same time: each has its turn, and none waits for the next look at its directory. */
import assert from 'node:assert/strict'
import { readdirSync, renameSync, unlinkSync } from 'node:fs'
import { test } from 'node:test'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import type { Ending } from '../../../support/ending.ts'
import { LiveInput } from '../../../support/live-input.ts'
import { TOPIC } from '../../../support/obstacles.ts'
import { until } from '../../../support/wait.ts'
import { systemError } from '../../../support/system-error.ts'

const openNow = (): number => readdirSync('/proc/self/fd').length
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`)

/** Each directory is looked at only once: a file that has to wait for another look would wait for ever. */
const ONCE = { discoverMs: 3_600_000, sweepMs: 3_600_000 }

function few(t: Ending, most: number, file: object = {}): Promise<LiveInput> {
  return LiveInput.open(t, { file: { maxOpenFiles: most, ...ONCE, ...file } })
}

void test('reads every file as soon as another one can do without its descriptor', async (t) => {
  const live = await few(t, 8)
  const names = numbered('', 200)
  for (const name of names) live.write(`${name}.log`, `first ${name}\n`)
  const before = openNow()
  await live.input.start()
  await live.came(...names.map((name) => `first ${name}`))
  // a watch beside them, and Node's descriptor for watches
  assert.ok(openNow() <= before + 8 + 2, `${openNow() - before} more are open`)
  for (const name of names) live.append(`${name}.log`, `second ${name}\n`)
  await live.came(...names.map((name) => `second ${name}`))
  assert.equal(live.lines.length, 400, 'each line once')
})

void test('waits while bytes of the open files are in flight, and goes on with their receipts', async (t) => {
  const live = await few(t, 2)
  live.acknowledge = false
  for (const name of ['a', 'b', 'c', 'd', 'e']) live.write(`${name}.log`, `${name}\n`)
  await live.input.start()
  await until(() => live.held.length === 2, { what: 'two are read' })
  const [first] = live.held.splice(0, 1)
  assert.ok(first)
  live.input.receive({ file: first.file, ranges: [first], outcome: 'stored' })
  await until(() => live.held.length === 2, { what: 'one more is read' })
  live.acknowledge = true
  live.release()
  await live.came('a', 'b', 'c', 'd', 'e')
})

void test('files whose last line has not ended keep no other waiting, and lose nothing of that line', async (t) => {
  const live = await few(t, 3)
  const halves = numbered('half', 20)
  for (const name of halves) live.write(`${name}.log`, `${name} a`)
  await live.input.start()
  live.write('whole.log', 'whole\n')
  await live.came('whole')
  for (const name of halves) live.append(`${name}.log`, ' line\n')
  await live.came(...halves.map((name) => `${name} a line`))
})

void test('files that wait for their topic keep no descriptor from those that can go on', async (t) => {
  const live = await few(t, 4)
  const stuck = numbered('stuck', 10)
  for (const name of stuck) live.write(`${name}.log`, `${name}\n`)
  live.blocked = TOPIC
  await live.input.start()
  await until(() => [...live.input.files()].every(({ parked }) => parked), { what: 'all wait' })
  live.blocked = null
  live.write('other.log', 'other\n')
  await live.came('other')
  assert.deepEqual(live.lines, ['other'])
  live.input.topicChanged('logs')
  await live.came(...stuck)
})

void test('rotated files keep no other waiting until they have been quiet', async (t) => {
  const live = await few(t, 4, { lastLineQuietMs: 3_600_000 })
  const names = numbered('', 12)
  for (const name of names) live.write(`${name}.log`, `old ${name}\n`)
  await live.input.start()
  await live.came(...names.map((name) => `old ${name}`))
  for (const name of names) {
    live.append(`${name}.log`, `last ${name}\n`)
    renameSync(live.path(`${name}.log`), live.path(`${name}.log.1`))
    live.write(`${name}.log`, `new ${name}\n`)
  }
  await live.came(...names.flatMap((name) => [`last ${name}`, `new ${name}`]))
})

void test('at a stop reads all files to their ends, also where deleted files have the descriptors', async (t) => {
  const live = await few(t, 3, { lastLineQuietMs: 3_600_000, discoverMs: 20 })
  for (const name of ['a', 'b', 'c']) live.write(`${name}.log`, `${name}\n`)
  await live.input.start()
  await live.came('a', 'b', 'c')
  for (const name of ['a', 'b', 'c']) unlinkSync(live.path(`${name}.log`))
  await until(() => [...live.input.files()].every(({ standing }) => standing === 'deleted'), { what: 'all are gone' })
  for (const name of ['d', 'e', 'f', 'g']) live.write(`${name}.log`, `${name}\n`)
  await live.input.freeze()
  await live.drained()
  assert.deepEqual(live.lines.toSorted(), ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})

void test('at a stop reads files that were found and could not be open yet', async (t) => {
  const live = await few(t, 3)
  live.acknowledge = false
  const names = numbered('', 20)
  for (const name of names) live.write(`${name}.log`, `${name}\n`)
  await live.input.start()
  await until(() => live.held.length === 3, { what: 'as many are read as may be open' })
  await live.input.freeze()
  live.acknowledge = true
  live.release()
  await live.drained()
  assert.deepEqual(live.lines.toSorted(), names.toSorted())
})

void test('goes on by itself when the machine has descriptors again', async (t) => {
  let exhausted = false
  const open = (path: string): number => {
    if (exhausted) throw systemError('ENFILE', 'open')
    return localVolume.open(path) as number
  }
  const live = await LiveInput.open(t, {
    file: { maxOpenFiles: 2, discoverMs: 20 },
    volumeOf: () => ({ ...localVolume, open }),
  })
  for (const name of ['a', 'b', 'c', 'd']) live.write(`${name}.log`, `first ${name}\n`)
  await live.input.start()
  await live.came('first a', 'first b', 'first c', 'first d')
  exhausted = true
  const second = ['second a', 'second b', 'second c', 'second d']
  for (const name of ['a', 'b', 'c', 'd']) live.append(`${name}.log`, `second ${name}\n`)
  const came = (): number => second.filter((line) => live.lines.includes(line)).length
  await until(() => came() === 2 && [...live.input.files()].filter(({ parked }) => parked).length === 2, {
    what: () => `two are read, not ${came()}`,
  })
  assert.ok(live.recorder.reported('fileDenied').some(([, reason]) => reason === 'ENFILE'))
  exhausted = false
  await live.came(...second)
})
