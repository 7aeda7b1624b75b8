/** What checks find out about known files beside the looks at their directories, and files that are known no more. */
import assert from 'node:assert/strict'
import { unlinkSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { LiveInput } from '../../../support/live-input.ts'
import { until } from '../../../support/wait.ts'
import { ROOM, TOPIC } from '../../../support/obstacles.ts'

void test('ships lines that come to a rotated file after it was let go', async (t) => {
  for (const sweepMs of [30_000, 40]) {
    const live = await LiveInput.open(t, { file: { sweepMs } })
    live.write('a.log', 'one\n')
    await live.input.start()
    await live.came('one')
    live.move('a.log', 'a.log.1')
    await until(() => live.recorder.reported('fileLetGo').length > 0, { what: 'it is let go', every: 2 })
    live.append('a.log.1', 'late\n')
    await live.came('late')
    await live.input.stop()
    assert.deepEqual(live.recorder.reported('lost'), [])
  }
})

void test('finds by a check alone that bytes came to a file that was let go', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.generations.descriptors.close(file)
  file.life.finish()
  world.append('a.log', 'late\n')
  assert.equal(await world.generations.inspection.check(file), 'grown')
  assert.equal(file.finished, false)
})

void test('believes nothing of a closed file before it is known to be the same', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.shipped()
  const file = world.file('a.log')
  world.generations.descriptors.close(file)
  // in place: device and inode stay
  writeFileSync(file.place, 'another\nfile altogether\n')
  assert.equal(await world.generations.inspection.check(file), 'unsure')
  assert.equal(file.size, 8)
  world.generations.known.doubt(file)
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: another\n', 'a.log@8: file altogether\n'])
  world.clock.advance(60_000)
  await world.generations.tick()
  assert.deepEqual(world.recorder.reported('lost'), [], 'what was stored is not lost')
})

void test('knows how long a file is also where no line has ended', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\nhalf')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.append('a.log', ' and more')
  world.awake.add(file)
  await world.turns()
  assert.equal(file.size, 17)
})

void test('a stop waits for nothing that a file without news would need', async (t) => {
  const live = await LiveInput.withOne(t)
  live.blocked = TOPIC
  await live.input.freeze()
  await live.drained()
})

void test('a stop after a restart waits for nothing that a file without news would need', async (t) => {
  const first = await LiveInput.withOne(t)
  const second = await first.restart(t)
  second.blocked = TOPIC
  await second.input.start()
  assert.ok(!second.file('a.log').parked)
  await second.input.freeze()
  await second.drained()
})

void test('counts unread bytes that are cut off just before a stop', async (t) => {
  const live = await LiveInput.withOne(t)
  live.blocked = ROOM
  live.append('a.log', 'never read\n')
  await until(() => live.file('a.log').size === 15 && !live.file('a.log').seenSize.isUnsure, {
    what: 'it is seen',
    every: 2,
  })
  live.cut('a.log', 4)
  await live.input.freeze()
  await live.drained()
  assert.deepEqual(
    live.recorder.reported('lost').map(([, ...what]) => what),
    [['truncated', 11]],
  )
})

void test('has no turns for a generation that was cut', async (t) => {
  // one look at the start, and nothing by the clock
  const live = await LiveInput.open(t, { file: { discoverMs: 60_000 } })
  for (let n = 0; n < 20; n++) live.write(`${n}.log`, 'one\n')
  await live.input.start()
  await until(() => live.lines.length === 20, { what: 'all are read', every: 2 })
  for (let n = 0; n < 20; n++) {
    writeFileSync(live.path(`${n}.log`), '')
    live.append(`${n}.log`, 'x\n')
  }
  await until(() => live.lines.filter((line) => line === 'x').length === 20, { what: 'the new ones too', every: 2 })
  // files are warm for a second, and then nothing is left to be looked at
  await delay(1500)
  let timers = 0
  const { setTimeout } = globalThis
  t.mock.method(globalThis, 'setTimeout', (...args: Parameters<typeof setTimeout>) => {
    timers++
    return setTimeout(...args)
  })
  await new Promise((resolve) => setTimeout(resolve, 700))
  assert.ok(timers <= 1, `${timers} timers`)
})

void test('has no turns for a file that was lost while it was closed', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.generations.descriptors.close(file)
  unlinkSync(file.place)
  await world.lookAndRead()
  assert.ok(file.isOver)
  assert.equal(await world.fileTurns.turn(file), 'idle')
  assert.equal(await world.generations.descriptors.open(file), 'elsewhere')
})
