import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { LONG } from '../../../support/reading.ts'
import { RemoteMount } from '../../../support/volumes.ts'

void test('does not ship the copy that copytruncate leaves', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.wakeAll()
  world.append('a.log', 'three\n')
  await world.wakeAll()
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\nthree\n')
  assert.ok(world.file('a.log.1').finished)
  assert.equal(world.generations.descriptors.count, 1)
})

void test('holds the copy back while nobody can say which of the two goes on', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  assert.ok(await world.look(), 'it is looked at again')
  assert.equal(world.directory.files.size, 1)
  world.cut('a.log')
  await world.wakeAll()
  assert.ok(!(await world.look()))
  await world.turns()
  assert.equal(world.text(), 'one\n')
  assert.ok(world.file('a.log.1').finished)
})

void test('ships a file that was held back as one of its own when the two differ', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  await world.look()
  world.append('a.log', 'two\n')
  await world.wakeAll()
  world.append('a.log.1', 'other\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log@4: two\n', 'a.log.1@0: one\n', 'a.log.1@4: other\n'])
})

void test('ships a file that was held back after half a minute', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  await world.look()
  world.clock.advance(29_999)
  assert.ok(await world.look())
  world.clock.advance(1)
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log.1@0: one\n'])
})

void test('holds a copy back that is still being written, however long that takes', async (t) => {
  const world = await FileWorld.open(t)
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
  world.cut('a.log')
  await world.wakeAll()
  assert.ok(!(await world.look()))
  await world.turns()
  assert.equal(world.text(), '')
  assert.ok(world.file('a.log.1').finished)
})

void test('holds a short file back only as long as it could become a copy', async (t) => {
  const world = await FileWorld.open(t)
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
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.generations.descriptors.close(world.file('a.log'))
  world.write('a.log.1', 'one\n')
  assert.ok(await world.look())
  world.write('a.log.1', 'one\ntwx\n')
  assert.ok(!(await world.look()))
})

void test('holds nothing back that has more than a file which was not cut', async (t) => {
  const world = await FileWorld.open(t)
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

void test('holds back a copy of a file that was cut and filled again while nothing of it was stored', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.append('a.log', 'three\n')
  world.copy('a.log', 'a.log.1')
  world.write('a.log', 'something else\n'.slice(0, 10))
  for (let n = 0; n < 3; n++) {
    assert.ok(await world.look(), 'it is looked at again')
    world.clock.advance(1000)
  }
})

void test('holds a copy back where a mount reports an old size', async (t) => {
  const mount = new RemoteMount('7')
  const world = await FileWorld.open(t, { volume: mount })
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const { descriptor } = world.file('a.log')
  const old = await mount.factsOf(descriptor)
  const factsOf = mount.factsOf.bind(mount)
  mount.factsOf = (of) => (of === descriptor ? Promise.resolve(old) : factsOf(of))
  world.append('a.log', 'two\n')
  world.copy('a.log', 'a.log.1')
  assert.ok(await world.look(), 'it is looked at again')
  assert.equal(world.directory.files.size, 1)
})

void test('holds back a file that has more than one on a mount for half a minute', async (t) => {
  const world = await FileWorld.open(t, { volume: new RemoteMount('7') })
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
  const world = await FileWorld.open(t)
  world.write('a.log', 'header\n')
  await world.lookAndRead()
  world.generations.descriptors.close(world.file('a.log'))
  world.write('a.log.1', 'header\nline\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'header\nheader\nline\n')
})

void test('remembers a cut file for half a minute', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.copy('a.log', 'kept')
  world.cut('a.log')
  await world.wakeAll()
  world.clock.advance(30_001)
  world.copy('kept', 'a.log.1')
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log.1@0: one\n'])
})

void test('takes nothing for a copy that has other bytes up to our place', async (t) => {
  const world = await FileWorld.open(t)
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
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.append('a.log', 'two\n')
  await world.generations.inspection.check(world.file('a.log'))
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.wakeAll()
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
  assert.equal(world.recorder.counters.lostBytes.truncated, 4)
})

void test('goes on in the copy after a restart, when the file was cut while it was stopped', async (t) => {
  for (const content of [LONG, 'too short to be known from others\n']) {
    const first = await FileWorld.open(t)
    first.write('a.log', content)
    await first.lookAndRead()
    await first.stop()
    first.append('a.log', 'two\n')
    first.copy('a.log', 'a.log.1')
    first.cut('a.log')
    first.append('a.log', 'new\n')
    const second = await first.restart(t)
    await second.lookAndRead()
    await second.confirmMissing()
    await second.turns()
    const ofCopy = content === LONG ? [`a.log@${LONG.length}: two\n`] : [`a.log.1@0: ${content}`, `a.log.1@${content.length}: two\n`] // prettier-ignore
    assert.deepEqual(second.shipped().sort(), [...ofCopy, 'a.log@0: new\n'].sort())
  }
})

void test('knows a copy whose original went on before it was cut', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', LONG)
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  assert.ok(await world.look())
  world.append('a.log', 'more\n')
  await world.wakeAll()
  assert.ok(await world.look())
  world.cut('a.log')
  await world.wakeAll()
  await world.lookAndRead()
  assert.ok(world.text() === `${LONG}more\n`)
  assert.ok(world.file('a.log.1').finished)
})

void test('holds a file back anew that was not there for a while', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.copy('a.log', 'a.log.1')
  assert.ok(await world.look())
  // another one could have got its inode
  world.move('a.log.1', 'kept')
  await world.look()
  world.clock.advance(60_000)
  world.move('kept', 'a.log.1')
  assert.ok(await world.look(), 'it is held back')
})

void test('takes no empty file for a copy', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', '')
  await world.look()
  assert.deepEqual(world.recorder.reported('fileFound').length, 1)
})
