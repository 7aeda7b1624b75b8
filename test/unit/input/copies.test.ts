import assert from 'node:assert/strict'
import { copyFileSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import { World } from '../../support/file-world.ts'
import { RemoteMount } from '../../support/volumes.ts'

/** copytruncate in its two steps. */
const copy = (world: World, to = 'a.log.1'): void => copyFileSync(world.path('a.log'), world.path(to))
const cut = (world: World): void => truncateSync(world.path('a.log'), 0)

async function wakeAll(world: World): Promise<void> {
  for (const file of world.files()) world.awake.add(file)
  await world.turns()
}

void test('does not ship the copy that copytruncate leaves', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  copy(world)
  cut(world)
  await wakeAll(world)
  world.append('a.log', 'three\n')
  await wakeAll(world)
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\nthree\n')
  assert.ok(world.file('a.log.1').finished)
  assert.equal(world.generations.openFiles, 1)
})

void test('holds the copy back while nobody can say which of the two goes on', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  copy(world)
  assert.ok(await world.look(), 'it is looked at again')
  assert.equal(world.directory.files.size, 1)
  cut(world)
  await wakeAll(world)
  assert.ok(!(await world.look()))
  await world.turns()
  assert.equal(world.text(), 'one\n')
  assert.ok(world.file('a.log.1').finished)
})

void test('ships what was held back as a file of its own when the two differ', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  copy(world)
  await world.look()
  world.append('a.log', 'two\n')
  await wakeAll(world)
  world.append('a.log.1', 'other\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log@4: two\n', 'a.log.1@0: one\n', 'a.log.1@4: other\n'])
})

void test('ships what was held back after half a minute', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  copy(world)
  await world.look()
  world.clock.advance(29_999)
  assert.ok(await world.look())
  world.clock.advance(1)
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log.1@0: one\n'])
})

void test('holds a copy back that is still being written, however long that takes', async (t) => {
  const world = await World.open(t)
  const content = Array.from({ length: 300 }, (_, n) => `line ${n}\n`).join('')
  world.write('a.log', content)
  await world.lookAndRead()
  world.text()
  world.write('a.log.1', '')
  for (let at = 0; at < content.length; at += 500) {
    world.append('a.log.1', content.slice(at, at + 500))
    assert.ok(await world.look(), 'it is looked at again')
    world.clock.advance(20_000)
  }
  cut(world)
  await wakeAll(world)
  assert.ok(!(await world.look()))
  await world.turns()
  assert.equal(world.text(), '')
  assert.ok(world.file('a.log.1').finished)
})

void test('holds a short file back only as long as it could become a copy', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\ntwo\nthree\n')
  await world.lookAndRead()
  world.write('a.log.1', '')
  world.write('a.log.2', 'one\n')
  world.write('a.log.3', 'two\n')
  assert.ok(await world.look())
  await world.turns()
  assert.equal(world.text(), 'one\ntwo\nthree\ntwo\n')
  world.append('a.log.1', 'a line\n')
  world.append('a.log.2', 'three\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log.1@0: a line\n', 'a.log.2@0: one\n', 'a.log.2@4: three\n'])
})

void test('holds a short file back also where the long one is closed', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.generations.drop(world.file('a.log'))
  world.write('a.log.1', 'one\n')
  assert.ok(await world.look())
  world.write('a.log.1', 'one\ntwx\n')
  assert.ok(!(await world.look()))
})

void test('holds nothing back that has more than a file which was not cut', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'header\n')
  await world.lookAndRead()
  world.write('a.log.1', 'header\n')
  assert.ok(await world.look())
  for (let n = 0; n < 3; n++) {
    world.append('a.log.1', `line ${n}\n`)
    world.clock.advance(1000)
    await world.lookAndRead()
  }
  assert.equal(world.text(), 'header\nheader\nline 0\nline 1\nline 2\n')
})

void test('holds back a copy of what was cut and filled again while nothing of it was stored', async (t) => {
  const world = await World.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.append('a.log', 'three\n')
  copy(world)
  world.write('a.log', 'something else\n'.slice(0, 10))
  for (let n = 0; n < 3; n++) {
    assert.ok(await world.look(), 'it is looked at again')
    world.clock.advance(1000)
  }
})

void test('holds a copy back where a mount tells an old size', async (t) => {
  const mount = new RemoteMount('7')
  const world = await World.open(t, { volume: mount })
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const { descriptor } = world.file('a.log')
  const old = await mount.factsOf(descriptor)
  const factsOf = mount.factsOf.bind(mount)
  mount.factsOf = (asked) => (asked === descriptor ? Promise.resolve(old) : factsOf(asked))
  world.append('a.log', 'two\n')
  copy(world)
  assert.ok(await world.look(), 'it is looked at again')
  assert.equal(world.directory.files.size, 1)
})

void test('holds back what has more than a file on a mount for half a minute', async (t) => {
  const world = await World.open(t, { volume: new RemoteMount('7') })
  world.write('a.log', 'header\n')
  await world.lookAndRead()
  world.write('a.log.1', 'header\n')
  let seconds = 0
  for (; (await world.look()) && seconds < 60; seconds++) {
    world.append('a.log.1', `line ${seconds}\n`)
    world.clock.advance(1000)
  }
  await world.turns()
  assert.ok(seconds >= 29 && seconds <= 31, `${seconds} s`)
  assert.ok(world.text().endsWith(`line ${seconds - 1}\n`))
})

void test('holds nothing back that has more than a closed file', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'header\n')
  await world.lookAndRead()
  world.generations.drop(world.file('a.log'))
  world.write('a.log.1', 'header\nline\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'header\nheader\nline\n')
})

void test('remembers a cut file for half a minute', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  copy(world, 'kept')
  cut(world)
  await wakeAll(world)
  world.clock.advance(30_001)
  copyFileSync(world.path('kept'), world.path('a.log.1'))
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log.1@0: one\n'])
})

void test('takes nothing for a copy that is not named like one', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  copy(world, 'b.log')
  world.below('other')
  copy(world, 'other/a.log.1')
  assert.ok(!(await world.look()))
  await world.look(world.below('other'))
  await world.turns()
  assert.equal(world.text(), 'one\none\none\n')
})

void test('takes nothing for a copy that has other bytes up to our place', async (t) => {
  const world = await World.open(t)
  const long = 'a line that is the same\n'.repeat(100)
  world.write('a.log', `${long}one\n`)
  await world.lookAndRead()
  world.write('a.log.1', `${long}two\n`)
  world.write('a.log.2', `x${long}`)
  assert.ok(!(await world.look()))
  await world.turns()
  assert.equal(world.text(), `${long}one\n${long}two\nx${long}`)
})

void test('knows a copy that was made of more than we had read, and counts that as lost', async (t) => {
  const world = await World.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.append('a.log', 'two\n')
  await world.generations.check(world.file('a.log'))
  copy(world)
  cut(world)
  await wakeAll(world)
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
  assert.equal(world.ear.counters.lostBytes.truncated, 4)
})

void test('goes on in the copy after a restart, when the file was cut while it was stopped', async (t) => {
  const first = await World.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  await first.stop()
  first.append('a.log', 'two\n')
  copy(first)
  cut(first)
  first.append('a.log', 'new\n')
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.deepEqual(second.shipped().sort(), ['a.log@0: new\n', 'a.log@4: two\n'])
})
