import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { test } from 'node:test'
import { NOTHING_THERE } from '../../../../src/input/discovery/directory.ts'
import { FileWorld } from '../../../support/file-world.ts'
import { countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'
import { until } from '../../../support/wait.ts'
import { ROOM } from '../../../support/obstacles.ts'

const openNow = (): number => readdirSync('/proc/self/fd').length

void test('finds files, reads them, and reads appended lines', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  world.write('b.log', 'x\ny\n')
  world.write('b.txt', 'not ours\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log@0: one\n', 'b.log@0: x\n', 'b.log@2: y\n'])
  world.append('a.log', 'two\n')
  assert.equal(await world.generations.inspection.check(world.file('a.log')), 'grown')
  world.awake.add(world.file('a.log'))
  await world.turns()
  assert.deepEqual(world.shipped(), ['a.log@4: two\n'])
  assert.deepEqual(
    world.recorder.reported('fileFound').map(([, from]) => from),
    [
      { offset: 0, reason: 'beginning' },
      { offset: 0, reason: 'beginning' },
    ],
  )
})

void test('reads nothing of a file before its id is in the journal', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  const look = await world.directory.look()
  assert.ok(look)
  await world.generations.sightings.see(world.directory, look)
  const file = world.file('a.log')
  assert.deepEqual([file.life.admitted, world.awake.size], [false, 0])
  await world.generations.arrivals.admitted()
  assert.deepEqual([file.life.admitted, [...world.awake]], [true, [file]])
  const killed = await FileWorld.open(t, { disk: world.disk.afterKill(), root: world.root })
  assert.ok(killed.checkpoint.entries.has(file.id))
})

// -- the end of a file --------------------------------------------------------------------------------------------------

void test('drains a rotated file, counts its last line after a quiet time, and lets it go when all is stored', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\nlast')
  await world.lookAndRead()
  world.move('a.log', 'a.log.1')
  await world.lookAndRead()
  const file = world.file('a.log.1')
  world.clock.advance(4999)
  await world.tick()
  assert.equal(world.text(), 'one\n')
  world.clock.advance(1)
  await world.tick()
  assert.equal(world.text(), 'last')
  world.clock.advance(60_000)
  await world.tick()
  assert.ok(!file.finished, 'it is not stored yet')
  world.release()
  await world.tick()
  assert.ok(file.finished)
  assert.equal(file.descriptor, -1)
  assert.deepEqual(world.recorder.reported('fileLetGo'), [[file]])
  assert.ok(world.checkpoint.entries.get(file.id)?.finished, 'its entry stays while it is on disk')
})

void test('waits as long again when the application goes on in the renamed file', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.move('a.log', 'a.log.1')
  await world.look()
  world.clock.advance(4000)
  world.append('a.log.1', 'two\n')
  await world.tick()
  world.clock.advance(4000)
  await world.tick()
  assert.ok(!world.file('a.log.1').finished)
  world.clock.advance(1000)
  await world.tick()
  assert.ok(world.file('a.log.1').finished)
  assert.equal(world.text(), 'one\ntwo\n')
})

void test('goes on in a file that was let go and grows after all', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.move('a.log', 'a.log.1')
  await world.look()
  world.clock.advance(5000)
  await world.tick()
  assert.ok(world.file('a.log.1').finished)
  world.append('a.log.1', 'late\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\nlate\n')
})

void test('drains a deleted file through its descriptor, and forgets it when all is stored', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\n')
  await world.look()
  const file = world.file('a.log')
  world.append('a.log', 'two\nlast')
  world.remove('a.log')
  await world.lookAndRead()
  assert.equal(file.standing, 'deleted')
  world.clock.advance(5000)
  await world.tick()
  assert.equal(world.text(), 'one\ntwo\nlast')
  assert.ok(world.checkpoint.entries.has(file.id))
  world.release()
  world.clock.advance(5000)
  await world.tick()
  assert.deepEqual(world.files(), [])
  assert.ok(!world.checkpoint.entries.has(file.id))
  assert.equal(world.generations.descriptors.count, 0)
  assert.deepEqual(world.recorder.counters.lostBytes, { truncated: 0, gone: 0 })
})

void test('does not wait for the quiet time of a deleted file at the end', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'last')
  world.write('b.log', 'half')
  await world.look()
  world.remove('a.log')
  await world.lookAndRead()
  world.generations.departures.end()
  for (const file of world.files()) world.awake.add(file)
  await world.turns()
  assert.equal(world.text(), 'last')
})

void test('forgets a file that was deleted while it was closed and stored', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.generations.descriptors.close(file)
  world.remove('a.log')
  await world.look()
  assert.deepEqual(world.files(), [])
  assert.ok(world.checkpoint.entries.has(file.id), 'it may turn up under another name')
  world.clock.advance(30_000)
  await world.generations.tick()
  await world.generations.tick()
  await t.waitFor(() => assert.ok(!world.checkpoint.entries.has(file.id)))
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('knows a closed file again that turns up elsewhere', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const { id } = world.file('a.log')
  world.generations.descriptors.close(world.file('a.log'))
  world.move('a.log', 'gone')
  await world.look()
  assert.deepEqual(world.files(), [])
  world.move('gone', 'b.log')
  world.append('b.log', 'two\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.equal(world.file('b.log').id, id)
  assert.deepEqual(world.recorder.reported('fileFound').at(-1)?.[1], { offset: 4, reason: 'known' })
})

void test('lets all files of a directory go that vanished, and holds on to what is open', async (t) => {
  const world = await FileWorld.open(t)
  const below = world.below('pod')
  world.write('pod/a.log', 'one\n')
  world.write('pod/b.log', 'two\n')
  await world.look(below)
  await world.turns()
  world.append('pod/a.log', 'three\n')
  world.generations.descriptors.close(world.file('b.log', below))
  rmSync(world.path('pod'), { recursive: true })
  await world.generations.sightings.see(below, NOTHING_THERE)
  await world.turns()
  assert.equal(world.text(), 'one\ntwo\nthree\n')
  assert.deepEqual(
    world.files().map(({ standing }) => standing),
    ['deleted'],
  )
})

// -- over a restart -----------------------------------------------------------------------------------------------------

void test('goes on after a restart where it was, under whatever name', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  first.write('b.log', 'x\n')
  await first.lookAndRead()
  const ids = new Map(first.files().map(({ id, path }) => [path, id]))
  await first.stop()
  first.append('a.log', 'two\n')
  first.move('a.log', 'a.log.1')
  first.move('b.log', 'c.log')
  first.write('a.log', 'new\n')
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.deepEqual(second.shipped().sort(), ['a.log@0: new\n', 'a.log@4: two\n'])
  assert.equal(second.file('a.log.1').id, ids.get(first.path('a.log')))
  assert.equal(second.file('c.log').id, ids.get(first.path('b.log')))
})

void test('reads a half line whole after a restart', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\nhal')
  await first.lookAndRead()
  first.append('a.log', 'f\n')
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.equal(second.text(), 'half\n')
})

void test('repeats after a restart the lines that were not stored, and no more', async (t) => {
  const first = await FileWorld.open(t)
  first.acknowledge = false
  first.write('a.log', 'one\ntwo\nthree\n')
  await first.lookAndRead()
  const [one] = first.held
  assert.ok(one)
  first.generations.receive({ file: one.file, ranges: [one], outcome: 'stored' })
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.deepEqual(second.shipped(), ['a.log@4: two\n', 'a.log@8: three\n'])
})

void test('does not read a file again that was let go before the restart', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  first.move('a.log', 'a.log.1')
  await first.look()
  first.clock.advance(5000)
  await first.tick()
  assert.ok(first.file('a.log.1').finished)
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.equal(second.text(), '')
  assert.deepEqual([second.file('a.log.1').finished, second.generations.descriptors.count], [true, 0])
  second.append('a.log.1', 'late\n')
  const third = await second.restart(t)
  await third.lookAndRead()
  assert.equal(third.text(), 'late\n')
})

void test('takes a file that was cut while it was stopped for a new one', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\ntwo\n')
  await first.lookAndRead()
  const { id } = first.file('a.log')
  for (const content of ['x\n', 'a much longer line\nthan there was before\n']) {
    first.write('a.log', content)
    const second = await first.restart(t)
    await second.lookAndRead()
    assert.equal(second.text(), content)
    assert.notEqual(second.file('a.log').id, id)
    await second.stop()
  }
})

void test('counts the unread bytes of a file that went while the agent was stopped', async (t) => {
  const first = await FileWorld.open(t)
  first.blocked = ROOM
  first.write('a.log', 'one\ntwo\n')
  await first.lookAndRead()
  first.append('a.log', 'three\n')
  await first.generations.inspection.check(first.file('a.log'))
  await first.stop()
  first.remove('a.log')
  const second = await first.restart(t)
  await second.look()
  second.clock.advance(29_999)
  await second.generations.tick()
  assert.deepEqual(second.recorder.reported('lost'), [])
  second.clock.advance(1)
  await second.generations.tick()
  await t.waitFor(() => assert.equal(second.recorder.counters.lostBytes.gone, 14))
  assert.equal(second.checkpoint.entries.size, 0)
})

void test('counts the bytes that a cut took before they were stored once, at the cut or at the next start', async (t) => {
  // what the journal knows of the file before it is read: nothing, or all of it
  for (const journaled of [0, 100]) {
    const first = await FileWorld.open(t)
    first.acknowledge = false
    first.most = 6
    const content = Array.from({ length: 10 }, (_, n) => `line ${n}...\n`).join('')
    first.write('a.log', content.slice(0, journaled))
    await first.look()
    await first.checkpoint.written()
    first.write('a.log', content)
    await first.fileTurns.turn(first.file('a.log'))
    await first.generations.inspection.check(first.file('a.log'))
    const { unacknowledged } = first.file('a.log')
    assert.ok(unacknowledged > 0 && unacknowledged < content.length)
    await first.checkpoint.flush()
    first.cut('a.log')
    first.awake.add(first.file('a.log'))
    await first.turns()
    first.clock.advance(30_001)
    await first.tick()
    assert.equal(first.recorder.counters.lostBytes.truncated, content.length - unacknowledged)
    const second = await first.restart(t)
    await second.lookAndRead()
    second.clock.advance(31_000)
    await second.tick()
    await until(() => second.recorder.counters.lostBytes.gone > 0, { what: 'the loss' })
    assert.equal(second.recorder.counters.lostBytes.gone, unacknowledged)
  }
})

void test('counts, after a kill -9, the bytes that were read of a file that went before they were stored', async (t) => {
  const first = await FileWorld.open(t)
  first.acknowledge = false
  first.write('a.log', '')
  await first.look()
  await first.checkpoint.written()
  first.write('a.log', 'one\ntwo\n')
  first.awake.add(first.file('a.log'))
  await first.turns()
  const second = await first.restart(t)
  second.remove('a.log')
  await second.look()
  second.clock.advance(31_000)
  await second.tick()
  await until(() => second.recorder.counters.lostBytes.gone > 0, { what: 'the loss' })
  assert.equal(second.recorder.counters.lostBytes.gone, 8)
})

void test('counts the unread bytes of a file whose inode another one has under its name', async (t) => {
  const first = await FileWorld.open(t)
  first.blocked = ROOM
  first.write('a.log', 'one\ntwo\n')
  await first.lookAndRead()
  await first.stop()
  // the same inode, for certain
  first.write('a.log', 'another file\n')
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.equal(second.text(), 'another file\n')
  second.clock.advance(30_000)
  await second.generations.tick()
  await t.waitFor(() => assert.equal(second.recorder.counters.lostBytes.gone, 8))
  assert.equal(second.checkpoint.entries.size, 1)
})

void test('keeps the position of a file that is still there but that no input matches, and does not count it as lost', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  first.append('a.log', 'two\n')
  await first.generations.inspection.check(first.file('a.log'))
  const second = await first.restart(t, { rules: { exclude: ['a.log'] } })
  await second.lookAndRead()
  for (let minute = 0; minute < 3; minute++) {
    second.clock.advance(60_000)
    await second.tick()
  }
  assert.deepEqual(second.recorder.reported('lost'), [])
  const third = await second.restart(t, { rules: {} })
  await third.lookAndRead()
  assert.equal(third.text(), 'two\n')
})

void test('keeps the place of a file that may not be opened for a long time', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  let denied = true
  const volume = countedVolume()
  const open = volume.open.bind(volume)
  volume.open = (path) => {
    if (denied) throw systemError('EACCES', 'open')
    return open(path)
  }
  first.append('a.log', 'two\n')
  const second = await first.restart(t, { volume })
  assert.ok(await second.look(), 'it has to be looked at again')
  for (let minute = 0; minute < 3; minute++) {
    second.clock.advance(60_000)
    await second.tick()
  }
  denied = false
  await second.lookAndRead()
  assert.equal(second.text(), 'two\n')
  assert.deepEqual(second.recorder.reported('lost'), [])
})

// -- what goes wrong -------------------------------------------------------------------------------------------------

void test('does not let one file that cannot be read keep the others from being found', async (t) => {
  let fails = true
  const volume = countedVolume()
  const read = volume.read.bind(volume)
  const world = await FileWorld.open(t, { volume })
  world.write('a.log', 'one\n')
  world.write('b.log', 'two\n')
  const bad = statSync(world.path('a.log')).ino
  volume.read = (descriptor, into) => {
    const facts = volume.factsOf(descriptor)
    if (fails && !(facts instanceof Promise) && facts.key.endsWith(`:${bad}`)) throw systemError('EIO', 'read')
    return read(descriptor, into)
  }
  const before = openNow()
  for (let look = 0; look < 3; look++) assert.ok(await world.look(), 'again')
  await world.turns()
  assert.equal(world.text(), 'two\n')
  assert.equal(openNow(), before + 1)
  assert.equal(world.recorder.reported('fileDenied').length, 1, 'reported once')
  fails = false
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
})

void test('keeps the place of a known file that cannot be read at first', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  let fails = 3
  const volume = countedVolume()
  const read = volume.read.bind(volume)
  volume.read = (descriptor, into) => {
    if (fails-- > 0) throw systemError('EIO', 'read')
    return read(descriptor, into)
  }
  first.append('a.log', 'two\n')
  const second = await first.restart(t, { volume })
  for (let look = 0; look < 4; look++) await second.look()
  await second.turns()
  assert.equal(second.text(), 'two\n')
})

void test('goes on when the server has forgotten the handles of files that went', async (t) => {
  let stale = false
  const volume = countedVolume()
  const factsOf = volume.factsOf.bind(volume)
  volume.factsOf = (descriptor) => {
    if (stale) throw systemError('ESTALE', 'fstat')
    return factsOf(descriptor)
  }
  const world = await FileWorld.open(t, { volume })
  world.write('a.log', 'one\n')
  world.write('b.log', 'two\n')
  await world.lookAndRead()
  stale = true
  await world.generations.sightings.see(world.directory, NOTHING_THERE)
  assert.equal(world.generations.descriptors.count, 0)
  stale = false
  world.append('a.log', 'three\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\nthree\n')
})

void test('reads more files than it may hold open', async (t) => {
  const world = await FileWorld.open(t, { maxOpenFiles: 3 })
  for (let n = 0; n < 10; n++) world.write(`${n}.log`, `first of ${n}\n`)
  let again = true
  for (let look = 0; look < 10 && again; look++) {
    again = await world.look()
    await world.turns()
    assert.ok(world.generations.descriptors.count <= 3)
  }
  assert.equal(world.text().split('\n').length - 1, 10)
  for (let n = 0; n < 10; n++) world.append(`${n}.log`, `second of ${n}\n`)
  await world.lookAndRead()
  assert.equal(world.text().split('\n').length - 1, 10)
  assert.ok(world.generations.descriptors.count <= 3)
})

void test('takes no directory or link for a file because of its name', async (t) => {
  const world = await FileWorld.open(t)
  mkdirSync(world.path('a.log'))
  symlinkSync('nowhere', world.path('b.log'))
  symlinkSync('real', world.path('c.log'))
  world.write('real', 'one\n')
  symlinkSync('/etc/hostname', world.path('d.log'))
  await world.lookAndRead()
  assert.deepEqual(world.shipped(), ['c.log@0: one\n'])
  assert.ok(world.file('c.log').location.isLinked, 'no watch here tells about it')
  assert.deepEqual(world.recorder.reported('fileIgnored'), [[world.path('d.log'), 'outside-roots']])
  await world.look()
  assert.equal(world.recorder.reported('fileIgnored').length, 1, 'reported once')
})
