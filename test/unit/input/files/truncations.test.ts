/** Files that are cut: a new generation begins, and the old one waits for its receipts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { RemoteMount } from '../../../support/volumes.ts'

void test('begins a new generation when a file is cut, and keeps the old one for its receipts', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  const old = world.file('a.log')
  world.write('a.log', 'new\n')
  world.awake.add(old)
  await world.turns()
  const next = world.file('a.log')
  assert.deepEqual(world.shipped(), ['a.log@0: one\n', 'a.log@4: two\n', 'a.log@0: new\n'])
  assert.notEqual(next.id, old.id)
  assert.deepEqual([old.standing, next.standing], ['detached', 'live'])
  assert.ok(world.files().includes(old))
  world.release(old)
  assert.deepEqual(world.files(), [next])
  assert.ok(world.checkpoint.entries.has(old.id), 'its copy may turn up')
  assert.equal(next.watermark.offset, 0, 'receipts of the old one move nothing here')
  world.release(next)
  assert.equal(next.watermark.offset, 4)
  assert.deepEqual(world.recorder.reported('fileTruncated'), [[old, 0]])
  world.clock.advance(30_001)
  await world.tick()
  assert.ok(!world.checkpoint.entries.has(old.id))
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('finds a cut also when the file is longer again than it was', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.write('a.log', 'a much longer line than before\n')
  world.awake.add(world.file('a.log'))
  await world.turns()
  assert.equal(world.text(), 'one\na much longer line than before\n')
})

void test('counts the bytes that were not read when the file was cut', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\nthree\n')
  world.most = 1
  await world.look()
  await world.fileTurns.turn(world.file('a.log'))
  world.write('a.log', 'x\n')
  // others notice the new size first: a look, a sweep
  await world.look()
  await world.generations.inspection.check(world.file('a.log'))
  await world.turns()
  assert.deepEqual(
    world.recorder.reported('fileTruncated').map(([, unread]) => unread),
    [10],
  )
  world.clock.advance(30_001)
  await world.tick()
  assert.equal(world.recorder.counters.lostBytes.truncated, 10)
  assert.equal(world.text(), 'one\nx\n')
})

void test('gives up the bytes in flight of a cut file when they cannot be stored', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  const old = world.file('a.log')
  world.cut('a.log')
  world.awake.add(old)
  await world.turns()
  world.generations.truncations.abandon(old)
  assert.equal(world.recorder.counters.lostBytes.truncated, 8)
  assert.ok(!world.files().includes(old))
  assert.ok(!world.checkpoint.entries.has(old.id))
})

void test('cuts a file many times while nothing is acknowledged', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'generation 0\n')
  await world.lookAndRead()
  for (let n = 1; n < 10; n++) {
    world.write('a.log', `generation ${n}\n`)
    world.awake.add(world.file('a.log'))
    await world.turns()
  }
  assert.equal(world.files().length, 10)
  assert.equal(new Set(world.files().map(({ id }) => id)).size, 10)
  world.release()
  assert.equal(world.files().length, 1)
  assert.equal(world.generations.descriptors.count, 1)
})

void test('reads the bytes that a file was filled with after a cut, also where a stop limits its reads', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.text()
  const file = world.file('a.log')
  world.write('a.log', 'new\n')
  // as at a stop
  await world.generations.inspection.check(file)
  file.cursor.stopAt(file.size)
  world.awake.add(file)
  await world.fileTurns.turn(file)
  assert.ok(world.generations.arrivals.isAdmitting, 'not all is read yet')
  await world.generations.arrivals.admitted()
  assert.ok(!world.generations.arrivals.isAdmitting)
  await world.turns()
  assert.equal(world.text(), 'new\n')
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('leaves a file to its end that was cut during a call to a mount about another one', async (t) => {
  const mount = new RemoteMount('7')
  const world = await FileWorld.open(t, { volume: mount })
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.copy('a.log', 'a.log.1')
  const look = await world.directory.look()
  assert.ok(look)
  const open = mount.open.bind(mount)
  mount.open = async (path) => {
    if (path.endsWith('a.log.1')) {
      world.write('a.log', '')
      await world.fileTurns.turn(file)
    }
    return open(path)
  }
  assert.ok(await world.generations.sightings.see(world.directory, look), 'it is looked at again')
  await world.generations.arrivals.admitted()
  assert.equal(file.standing, 'detached')
  assert.notEqual(world.file('a.log'), file)
  assert.ok(!world.checkpoint.entries.has(file.id))
  world.append('a.log', 'two\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.deepEqual(world.recorder.reported('lost'), [])
})
