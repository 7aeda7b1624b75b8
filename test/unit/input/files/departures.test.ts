import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Inspected } from '../../../../src/input/files/inspection.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import type { StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { FileWorld } from '../../../support/file-world.ts'
import { paperFile } from '../../../support/reading.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { entry } from '../../../support/state.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

/** From now on each check of a file ends with its `answer`. Returns the names of checked files, as they come. */
function checks(world: FileWorld, answer: (file: LogFile) => Promise<Inspected>): string[] {
  const names: string[] = []
  world.generations.inspection.check = (file) => {
    names.push(file.name)
    return answer(file)
  }
  return names
}

const namesOf = (files: Iterable<LogFile>): string[] => Array.from(files, ({ name }) => name)

/** One with 10 bytes unread. */
const unread = (id: string, place: string): StoredGeneration =>
  entry(id, { path: place, place, size: 110, position: { offset: 100, open: [], skipped: 0 } })

void test('counts the unread bytes of a file that is nowhere to be found, and forgets it', async (t) => {
  const gone = unread('gone', '/nowhere/a.log')
  const world = await FileWorld.open(t, {
    stored: [gone, { ...gone, id: 'read', size: 100 }, { ...gone, id: 'finished', size: 100, finished: true }],
  })
  world.clock.advance(29_999)
  await world.generations.departures.giveUpMissing()
  assert.equal(world.checkpoint.entries.size, 3)
  world.clock.advance(1)
  await world.generations.departures.giveUpMissing()
  assert.deepEqual(world.recorder.reported('lost'), [[gone, 'gone', 10]])
  assert.equal(world.checkpoint.entries.size, 0)
})

void test('gives up no file that was found during the call about it', async (t) => {
  const mount = new RemoteMount('7')
  const gone = unread('gone', '/nowhere/a.log')
  const world = await FileWorld.open(t, {
    stored: [gone],
    volumeOf: () => mount,
  })
  world.clock.advance(30_000)
  mount.hang()
  const givingUp = world.generations.departures.giveUpMissing()
  await loopTurn()
  world.generations.missing.take(gone)
  mount.answer()
  await givingUp
  assert.deepEqual([world.recorder.reported('lost'), world.checkpoint.entries.size], [[], 1])
})

void test('gives up no file whose rest was stored, or that went missing anew, during the call about it', async (t) => {
  const mount = new RemoteMount('7')
  const gone = unread('gone', '/nowhere/a.log')
  const world = await FileWorld.open(t, {
    stored: [gone],
    volumeOf: () => mount,
  })
  world.clock.advance(30_000)
  mount.hang()
  const givingUp = world.generations.departures.giveUpMissing()
  await loopTurn()
  assert.ok(world.generations.missing.update({ ...gone, position: { ...gone.position, offset: gone.size } }))
  mount.answer()
  await givingUp
  assert.deepEqual(world.recorder.reported('lost'), [])
  await world.generations.departures.giveUpMissing()
  assert.deepEqual([world.recorder.reported('lost'), world.generations.missing.expired()], [[], []])
})

void test('gives up nothing while a directory where it may be waits for its first look', async (t) => {
  let seen = false
  const gone = unread('gone', '/nowhere/a.log')
  const world = await FileWorld.open(t, { stored: [gone], hasSeen: () => seen })
  for (let minute = 0; minute < 3; minute++) {
    world.clock.advance(60_000)
    await world.generations.departures.giveUpMissing()
  }
  assert.deepEqual(world.recorder.reported('lost'), [])
  seen = true
  await world.generations.departures.giveUpMissing()
  assert.deepEqual(world.recorder.reported('lost'), [], 'it has its time from then on')
  world.clock.advance(30_000)
  await world.generations.departures.giveUpMissing()
  assert.deepEqual(world.recorder.reported('lost'), [[gone, 'gone', 10]])
})

void test('makes one call after the other, so that a mount that hangs costs one thread', async (t) => {
  const mount = new RemoteMount('7')
  const stored = Array.from({ length: 20 }, (_, n) => unread(`gone${n}`, `/nowhere/${n}.log`))
  const world = await FileWorld.open(t, { stored, volumeOf: () => mount })
  world.clock.advance(30_000)
  mount.hang()
  const first = world.generations.departures.giveUpMissing()
  for (let tick = 0; tick < 5; tick++) {
    void world.generations.departures.giveUpMissing()
    await loopTurn()
  }
  assert.equal(mount.calls.length, 1)
  mount.answer()
  await first
  assert.equal(world.recorder.reported('lost').length, 20)
})

void test('gives up files that were elsewhere while a mount hangs', async (t) => {
  const mount = new RemoteMount('7')
  const stored = [unread('far', '/far/a.log'), unread('near', '/nowhere/a.log'), unread('late', '/nowhere/b.log')]
  const world = await FileWorld.open(t, {
    stored: stored.slice(0, 2),
    volumeOf: (path) => (path === '/far' ? mount : localVolume),
  })
  const lost = (): unknown[] => world.recorder.reported('lost').map(([what]) => what)
  mount.hang()
  world.clock.advance(30_000)
  void world.generations.departures.giveUpMissing()
  await loopTurn()
  assert.deepEqual(lost(), [stored[1]])
  world.generations.missing.add(stored[2]!)
  world.clock.advance(30_000)
  const second = world.generations.departures.giveUpMissing()
  await loopTurn()
  assert.deepEqual(lost(), stored.slice(1))
  mount.answer()
  await second
  assert.deepEqual(lost(), [...stored.slice(1), stored[0]])
})

void test('waits on for files about which no call succeeds', async (t) => {
  let fails = true
  const volume = countedVolume({
    facts: (path) => {
      if (fails) throw systemError('EACCES', 'stat')
      return localVolume.facts(path)
    },
  })
  const world = await FileWorld.open(t, {
    stored: [unread('gone', '/nowhere/a.log')],
    volumeOf: () => volume,
  })
  for (let minute = 0; minute < 3; minute++) {
    world.clock.advance(60_000)
    await world.generations.departures.giveUpMissing()
  }
  assert.deepEqual(world.recorder.reported('lost'), [])
  fails = false
  await world.generations.departures.giveUpMissing()
  assert.deepEqual(world.recorder.reported('lost'), [])
  world.clock.advance(30_000)
  await world.generations.departures.giveUpMissing()
  assert.equal(world.recorder.reported('lost').length, 1)
})

void test('waits on for a file that is at its place, unless its inode was used again for another file', async (t) => {
  const world = await FileWorld.open(t)
  const place = world.path('a.log')
  writeFileSync(place, 'not for us to read')
  const { key = '', bornMs = 0 } = (await localVolume.facts(place)) ?? {}
  const [device = '', inode = ''] = key.split(':')
  world.generations.missing.add({ ...unread('there', place), device, inode, bornMs })
  world.generations.missing.add({ ...unread('unknown', place), device, inode, bornMs: 0 })
  world.generations.missing.add({ ...unread('other', place), device, inode, bornMs: 1 })
  world.clock.advance(30_000)
  await world.generations.departures.giveUpMissing()
  const lost = world.recorder.reported('lost').map(([file]) => (file as StoredGeneration).id)
  assert.deepEqual(lost, bornMs > 0 ? ['other'] : [])
})

void test('drains only files that have lost their name and are not finished', async (t) => {
  const world = await FileWorld.open(t)
  const checked = checks(world, () => Promise.resolve('same'))
  const names = ['live', 'finished', 'closed', 'rotated', 'deleted']
  const [live, finished, closed, rotated, deleted] = names.map((name) => paperFile(name))
  assert.ok(live && finished && closed && rotated && deleted)
  for (const file of [live, rotated, deleted]) file.descriptor = 9999
  for (const file of [finished, closed, rotated]) file.life.loseName('rotated')
  finished.life.finish()
  deleted.life.loseName('deleted')
  // nothing of them is read, so that nothing is let go
  for (const file of [live, finished, closed, rotated, deleted]) file.life.noteActivity(Infinity)
  await world.generations.departures.drain([live, finished, closed, rotated, deleted])
  assert.deepEqual(checked, ['closed', 'rotated', 'deleted'])
})

void test('lets go a rotated file that was closed for another one, where it is still there and as it was', async (t) => {
  let opened = 0
  const volume = countedVolume()
  const open = volume.open.bind(volume)
  volume.open = (path) => {
    opened++
    return open(path)
  }
  const world = await FileWorld.open(t, { volume })
  for (const name of ['a.log', 'b.log', 'c.log']) world.write(name, 'one\n')
  await world.lookAndRead()
  for (const name of ['a.log', 'b.log', 'c.log']) {
    world.generations.descriptors.close(world.file(name))
    world.move(name, `${name}.1`)
  }
  await world.look()
  const [a, b, c] = ['a.log.1', 'b.log.1', 'c.log.1'].map((name) => world.file(name))
  assert.ok(a && b && c)
  world.remove('b.log.1')
  world.append('c.log.1', 'two\n')
  world.clock.advance(5000)
  opened = 0
  await world.generations.tick()
  assert.deepEqual([a.finished, b.finished, c.finished], [true, false, false])
  // to see whether it is still the same file
  assert.equal(opened, 1)
  await world.turns()
  assert.equal(world.text(), 'one\none\none\ntwo\n')
  world.clock.advance(5000)
  await world.tick()
  assert.ok(c.finished)
})

void test('wakes files that have grown, and files that waited long enough for the end of a line', async (t) => {
  const world = await FileWorld.open(t)
  checks(world, (file) => Promise.resolve(file.name === 'grown' ? 'grown' : 'same'))
  const [grown, half, fresh] = ['grown', 'half', 'fresh'].map((name) => paperFile(name))
  assert.ok(grown && half && fresh)
  for (const file of [grown, half, fresh]) {
    file.life.loseName('rotated')
    file.descriptor = 9999
    file.seenSize.set(10)
    file.life.noteActivity(world.clock.read() - 5000)
  }
  fresh.life.noteActivity(fresh.activeAt + 1)
  await world.generations.departures.drain([grown, half, fresh])
  assert.deepEqual(namesOf(world.awake), ['grown', 'half'])
})

void test('does not wait for a mount that hangs, calls it once, and goes on with the others', async (t) => {
  const world = await FileWorld.open(t)
  const checked = checks(world, (file) => {
    if (file.volume.remote) return new Promise(() => undefined)
    return file.name === 'bad' ? Promise.reject(systemError('EIO', 'read')) : Promise.resolve('same')
  })
  const volume = new RemoteMount('7')
  const files = [paperFile('hung', { volume }), paperFile('bad'), paperFile('good')]
  for (const file of files) {
    file.life.loseName('rotated')
    file.descriptor = 9999
    file.life.noteActivity(Infinity)
  }
  await world.generations.departures.drain(files)
  await world.generations.departures.drain(files)
  assert.deepEqual(checked, ['hung', 'bad', 'good', 'bad', 'good'])
  assert.deepEqual(world.recorder.reported('fileDenied')[0], ['/paper/bad', 'EIO: injected, read'])
})

void test('lets nothing go while a byte of it is not stored', async (t) => {
  const world = await FileWorld.open(t)
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  world.write('b.log', 'x\n')
  await world.lookAndRead()
  world.move('a.log', 'a.log.1')
  world.remove('b.log')
  await world.look()
  world.clock.advance(600_000)
  await world.tick()
  assert.equal(world.generations.descriptors.count, 2)
  assert.deepEqual(world.recorder.reported('fileLetGo'), [])
  world.release()
  await world.tick()
  assert.equal(world.generations.descriptors.count, 0)
  assert.deepEqual(world.recorder.reported('fileLetGo').length, 2)
  assert.deepEqual([...world.checkpoint.entries.values()].map(({ place }) => place), [join(world.root, 'a.log.1')]) // prettier-ignore
})
