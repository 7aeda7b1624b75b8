import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { LONG } from '../../../support/reading.ts'
import { RemoteMount } from '../../../support/volumes.ts'
import { TOPIC } from '../../../support/obstacles.ts'

const lost = (world: FileWorld): number => world.recorder.counters.lostBytes.truncated

/** Reads `a.log` as far as `read`; the rest is written after that, and is not seen yet. */
async function behind(world: FileWorld, { read = 'one\n', rest = 'two\n' } = {}): Promise<void> {
  world.write('a.log', read)
  await world.lookAndRead()
  // as time passes between a file and its copy
  world.clock.advance(1000)
  world.text()
  world.append('a.log', rest)
}

/** Looks until all that may be known again has been. */
async function knowAgain(world: FileWorld): Promise<void> {
  await world.lookAndRead()
  await world.confirmMissing()
  await world.lookAndRead()
}

async function halfAMinute(world: FileWorld): Promise<void> {
  world.clock.advance(30_001)
  await world.tick()
}

void test('counts bytes that only a copy has, whether they were seen before the cut or not', async (t) => {
  for (const isSeen of [false, true]) {
    const world = await FileWorld.open(t)
    await behind(world)
    if (isSeen) await world.generations.inspection.check(world.file('a.log'))
    world.copy('a.log', 'a.log.1')
    world.cut('a.log')
    await world.wakeAll()
    assert.equal(lost(world), 0, 'it is not known yet')
    await world.lookAndRead()
    assert.equal(lost(world), 4)
    await halfAMinute(world)
    assert.deepEqual(
      world.recorder.reported('lost').map(([, ...what]) => what),
      [['truncated', 4]],
    )
    assert.equal(world.text(), '')
  }
})

void test('counts it in the name of the file that was cut', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  const original = world.file('a.log')
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.wakeAll()
  await world.look()
  assert.deepEqual(world.recorder.reported('lost'), [[original, 'truncated', 4]])
})

void test('counts the bytes of a copy that was held back before the cut', async (t) => {
  for (const { read, unread } of [
    { read: 'one\n', unread: 'two\n' },
    { read: LONG, unread: LONG },
  ]) {
    const world = await FileWorld.open(t)
    await behind(world, { read, rest: unread })
    world.copy('a.log', 'a.log.1')
    assert.ok(await world.look(), 'it is held back')
    world.cut('a.log')
    world.awake.add(world.file('a.log'))
    await world.turns()
    await world.look()
    assert.equal(lost(world), unread.length)
  }
})

void test('counts the bytes at the end of a copy that was seen while it was written', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world, { read: LONG, rest: LONG })
  world.write('a.log.1', '')
  const all = LONG + LONG
  for (let at = 0; at < all.length; at += 900) {
    world.append('a.log.1', all.slice(at, at + 900))
    world.awake.delete(world.file('a.log'))
    assert.ok(await world.look(), 'it is held back')
  }
  world.cut('a.log')
  await world.wakeAll()
  await world.look()
  assert.equal(lost(world), LONG.length)
})

void test('counts all of a copy on a mount whose size was read while it was written', async (t) => {
  const mount = new RemoteMount('7')
  const world = await FileWorld.open(t, { volume: mount })
  await behind(world)
  world.copy('a.log', 'a.log.1')
  world.cut('a.log.1', 5)
  const look = await world.directory.look()
  assert.ok(look)
  const original = world.file('a.log')
  const factsOf = mount.factsOf.bind(mount)
  let calls = 0
  mount.factsOf = async (descriptor) => {
    const facts = await factsOf(descriptor)
    if (descriptor === original.descriptor || calls++ > 0) return facts
    world.write('a.log.1', 'one\ntwo\n')
    world.cut('a.log')
    await world.fileTurns.turn(original)
    return facts
  }
  await world.generations.sightings.see(world.directory, look)
  assert.equal(original.standing, 'detached')
  assert.equal(lost(world), 4)
  assert.deepEqual([world.file('a.log.1').finished, world.file('a.log.1').next], [true, 8])
})

void test('counts the rest of each cut once, though the copies were renamed on before they were seen', async (t) => {
  for (const line of [(n: number) => `${n}`, () => 'always the same']) {
    const world = await FileWorld.open(t)
    world.write('a.log', '')
    await world.look()
    let unread = 0
    for (let n = 0; n < 5; n++) {
      world.append('a.log', `${line(n)}\n`.repeat(100 + n * 20))
      await world.wakeAll()
      const rest = `${line(n)}\n`.repeat(n + 1)
      world.append('a.log', rest)
      unread += rest.length
      for (let m = n; m > 0; m--) world.move(`a.log.${m}`, `a.log.${m + 1}`)
      world.copy('a.log', 'a.log.1')
      world.cut('a.log')
      await world.wakeAll()
    }
    world.text()
    assert.equal(lost(world), 0)
    await world.lookAndRead()
    assert.deepEqual([lost(world), world.text()], [unread, ''])
    await halfAMinute(world)
    assert.equal(lost(world), unread)
  }
})

void test('counts of a second copy only the bytes that it has more', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.wakeAll()
  world.copy('a.log.1', 'a.log.2')
  world.copy('a.log.1', 'a.log.3')
  world.append('a.log.3', 'three\n')
  await world.lookAndRead()
  assert.deepEqual([lost(world), world.text()], [10, ''])
})

void test('counts nothing of a copy again, however it is found: renamed, or by the next start', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.wakeAll()
  await world.look()
  world.move('a.log.1', 'a.log.2')
  await world.look()
  assert.equal(lost(world), 4)
  const next = await world.restart(t)
  await next.lookAndRead()
  await halfAMinute(next)
  assert.deepEqual([next.recorder.reported('lost'), next.text()], [[], ''])
})

void test('counts the bytes that were seen of a cut file, when half a minute has brought no copy', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  await world.generations.inspection.check(world.file('a.log'))
  const original = world.file('a.log')
  world.cut('a.log')
  await world.wakeAll()
  world.clock.advance(30_000)
  await world.tick()
  assert.deepEqual([lost(world), original.lag], [0, 4])
  assert.ok(world.files().includes(original))
  world.clock.advance(1)
  await world.tick()
  assert.deepEqual([lost(world), original.lag], [4, 0])
  assert.ok(!world.files().includes(original) && !world.checkpoint.entries.has(original.id))
})

void test('counts the bytes that were seen of a file after its copy was made', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world, { read: LONG })
  const original = world.file('a.log')
  world.copy('a.log', 'a.log.1')
  world.append('a.log', 'three\n')
  // while there is no room for it
  original.turn.parked = true
  await world.generations.inspection.check(original)
  world.cut('a.log')
  await world.wakeAll()
  await world.lookAndRead()
  assert.deepEqual([lost(world), world.text()], [10, ''])
})

void test('reads the copy of a file of which nothing was read, and counts nothing', async (t) => {
  for (const isHeld of [false, true]) {
    const world = await FileWorld.open(t)
    world.blocked = TOPIC
    world.write('a.log', 'one\ntwo\n')
    await world.lookAndRead()
    world.copy('a.log', 'a.log.1')
    if (isHeld) assert.ok(await world.look(), 'it is held back')
    world.cut('a.log')
    world.blocked = null
    await world.wakeAll()
    await world.lookAndRead()
    assert.deepEqual(world.shipped(), ['a.log.1@0: one\n', 'a.log.1@4: two\n'])
    await halfAMinute(world)
    assert.deepEqual(world.recorder.reported('lost'), [])
  }
})

void test('knows the copy of a file that was seen when it was first written to, and counts nothing', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', '')
  await world.lookAndRead()
  world.append('a.log', 'one\n')
  await world.generations.inspection.check(world.file('a.log'))
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  await world.generations.inspection.check(world.file('a.log'))
  await world.wakeAll()
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
  await halfAMinute(world)
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('believes the copy, not sizes that may have been those of the next generation', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world, { rest: '' })
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  // filled again, seen, and cut again before it is read
  world.append('a.log', 'more than before\n')
  await world.generations.inspection.check(world.file('a.log'))
  world.cut('a.log')
  await world.wakeAll()
  assert.deepEqual(
    world.recorder.reported('fileTruncated').map(([, unread]) => unread),
    [13],
  )
  await world.look()
  await halfAMinute(world)
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('counts nothing that is read on in a copy', async (t) => {
  for (const isSeen of [false, true]) {
    const world = await FileWorld.open(t)
    await behind(world, { read: LONG, rest: 'rest\n' })
    if (isSeen) await world.generations.inspection.check(world.file('a.log'))
    world.copy('a.log', 'b.log')
    world.cut('a.log')
    await world.wakeAll()
    await world.lookAndRead()
    await world.wakeAll()
    assert.equal(world.text(), 'rest\n')
    await halfAMinute(world)
    assert.deepEqual(world.recorder.reported('lost'), [])
    assert.equal(world.checkpoint.entries.size, 2)
  }
})

void test('counts nothing of a copy that was held back and taken in while Kafka was away', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world, { read: LONG, rest: 'rest\n' })
  world.blocked = TOPIC
  world.copy('a.log', 'a.log.1')
  world.cut('a.log')
  for (let n = 0; n < 40; n++) {
    await world.lookAndRead()
    await world.wakeAll()
    world.clock.advance(1000)
  }
  assert.equal(world.file('a.log.1').finished, false)
  world.blocked = null
  for (let n = 0; n < 3; n++) await world.wakeAll()
  assert.equal(world.text(), 'rest\n')
  await halfAMinute(world)
  assert.deepEqual(world.recorder.reported('lost'), [])
})

// -- over a stop ------------------------------------------------------------------------------------------------------

void test('goes on in the copy after a kill -9 between the cut and the copy, and counts nothing', async (t) => {
  const read = `${'one'.padEnd(1999, '.')}\n`
  const first = await FileWorld.open(t)
  await behind(first, { read })
  const { id } = first.file('a.log')
  first.copy('a.log', 'a.log.1')
  first.cut('a.log')
  await first.wakeAll()
  first.append('a.log', 'new\n')
  await first.wakeAll()
  assert.equal(first.text(), 'new\n')
  await first.checkpoint.flush()
  const second = await first.restart(t, { disk: first.disk.afterKill() })
  await knowAgain(second)
  assert.equal(second.file('a.log.1').id, id)
  assert.deepEqual(second.shipped(), ['a.log@2000: two\n'])
  await halfAMinute(second)
  assert.deepEqual([...first.recorder.reported('lost'), ...second.recorder.reported('lost')], [])
})

void test('a copy that cannot be known again at the next start is a file of its own, and nothing of it goes uncounted', async (t) => {
  for (const name of ['a.log.1', 'b.log']) {
    const first = await FileWorld.open(t)
    await behind(first)
    await first.generations.inspection.check(first.file('a.log'))
    const { id } = first.file('a.log')
    first.copy('a.log', name)
    first.cut('a.log')
    await first.wakeAll()
    await first.checkpoint.flush()
    const second = await first.restart(t, { disk: first.disk.afterKill() })
    await knowAgain(second)
    assert.notEqual(second.file(name).id, id)
    assert.deepEqual(second.shipped(), [`${name}@0: one\n`, `${name}@4: two\n`])
    await halfAMinute(second)
    assert.deepEqual(
      second.recorder.reported('lost').map(([, ...what]) => what),
      [['gone', 4]],
    )
  }
})

void test('counts at the next start the bytes that were seen of a cut file, if there is no copy then', async (t) => {
  const first = await FileWorld.open(t)
  await behind(first)
  await first.generations.inspection.check(first.file('a.log'))
  first.cut('a.log')
  await first.wakeAll()
  await first.checkpoint.flush()
  const second = await first.restart(t, { disk: first.disk.afterKill() })
  await second.lookAndRead()
  await halfAMinute(second)
  await t.waitFor(() => assert.deepEqual(second.recorder.counters.lostBytes, { truncated: 0, gone: 4 }))
  assert.deepEqual(first.recorder.reported('lost'), [])
  assert.deepEqual([...second.checkpoint.entries.keys()], [second.file('a.log').id])
})

void test('counts before the files are gone the bytes that only copies have, and takes nothing else in', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  world.copy('a.log', 'a.log.1')
  // as at a stop: the last look is over before the cut is noticed
  assert.ok(await world.look(), 'it is held back')
  world.cut('a.log')
  world.awake.add(world.file('a.log'))
  await world.turns()
  world.write('new.log', 'new\n')
  await world.generations.giveUpRests()
  await world.wakeAll()
  assert.deepEqual([lost(world), world.text()], [4, ''])
  assert.deepEqual([...world.directory.files.keys()].sort(), ['a.log', 'a.log.1'])
  const next = await world.restart(t)
  await next.lookAndRead()
  assert.equal(next.text(), 'new\n')
})

void test('counts before the files are gone the bytes that were seen of files without a copy', async (t) => {
  const world = await FileWorld.open(t)
  await behind(world)
  const original = world.file('a.log')
  await world.generations.inspection.check(original)
  world.cut('a.log')
  await world.wakeAll()
  await world.generations.giveUpRests()
  assert.equal(lost(world), 4)
  assert.ok(!world.checkpoint.entries.has(original.id))
  // it is over: what comes later has been counted
  await halfAMinute(world)
  assert.equal(lost(world), 4)
})
