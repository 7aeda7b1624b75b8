import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openCheckpoint } from '../../../../src/input/state/checkpoint.ts'
import { Departures } from '../../../../src/input/files/departures.ts'
import { Descriptors } from '../../../../src/input/files/descriptors.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Missing } from '../../../../src/input/files/missing.ts'
import { noDisk } from '../../../../src/input/state/no-disk.ts'
import type { StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { World } from '../../../support/file-world.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { hear } from '../../../support/hear.ts'
import { paperFile } from '../../../support/reading.ts'
import { entry, settled } from '../../../support/state.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount, countedVolume, systemError } from '../../../support/volumes.ts'

async function scene(
  t: TestContext,
  settings: {
    stored?: readonly StoredGeneration[]
    volumeOf?: (path: string) => Volume
    check?: (file: LogFile) => Promise<'same' | 'grown' | 'unsure'>
    hasSeen?: (path: string) => boolean
  } = {},
) {
  const clock = new HandClock()
  const ear = hear()
  const checkpoint = await openCheckpoint({
    directory: '/',
    agentId: 'a',
    events: ear.events,
    now: () => 0,
    disk: noDisk(),
  })
  for (const stored of settings.stored ?? []) checkpoint.put(stored)
  const missing = new Missing(settings.stored ?? [], {
    clock: clock.read,
    volumeOf: settings.volumeOf ?? (() => localVolume),
  })
  const woken: string[] = []
  const departures = new Departures({
    checkpoint,
    events: ear.events,
    missing,
    known: {
      get: () => undefined,
      wake: (file) => void woken.push(file.name),
      forget: () => undefined,
      letGo: () => undefined,
    },
    inspection: { check: settings.check ?? (() => Promise.resolve('same')) },
    clock: clock.read,
    descriptors: new Descriptors({ max: 10, clock: clock.read, freed: () => undefined }),
    lastLineQuietMs: 5000,
    hasSeen: settings.hasSeen ?? (() => true),
  })
  return { clock, ear, checkpoint, missing, woken, departures, directory: freshDirectory(t) }
}

/** One with 10 bytes unread. */
const unread = (id: string, place: string): StoredGeneration =>
  entry(id, { path: place, place, size: 110, position: { offset: 100, open: [], skipped: 0 } })

void test('counts the unread bytes of a file that is nowhere to be found, and forgets it', async (t) => {
  const gone = unread('gone', '/nowhere/a.log')
  const { clock, departures, ear, checkpoint } = await scene(t, {
    stored: [gone, { ...gone, id: 'read', size: 100 }, { ...gone, id: 'finished', size: 100, finished: true }],
  })
  clock.advance(29_999)
  await departures.giveUpMissing()
  assert.equal(checkpoint.entries.size, 3)
  clock.advance(1)
  await departures.giveUpMissing()
  assert.deepEqual(ear.heard('lost'), [[gone, 'gone', 10]])
  assert.equal(checkpoint.entries.size, 0)
})

void test('gives up no file that was found during the call about it', async (t) => {
  const mount = new RemoteMount('7')
  const gone = unread('gone', '/nowhere/a.log')
  const { clock, departures, ear, missing, checkpoint } = await scene(t, {
    stored: [gone],
    volumeOf: () => mount,
  })
  clock.advance(30_000)
  mount.hang()
  const givingUp = departures.giveUpMissing()
  await settled()
  missing.take(gone)
  mount.answer()
  await givingUp
  assert.deepEqual([ear.heard('lost'), checkpoint.entries.size], [[], 1])
})

void test('gives up no file whose rest was stored, or that went missing anew, during the call about it', async (t) => {
  const mount = new RemoteMount('7')
  const gone = unread('gone', '/nowhere/a.log')
  const { clock, departures, ear, missing } = await scene(t, {
    stored: [gone],
    volumeOf: () => mount,
  })
  clock.advance(30_000)
  mount.hang()
  const givingUp = departures.giveUpMissing()
  await settled()
  assert.ok(missing.update({ ...gone, position: { ...gone.position, offset: gone.size } }))
  mount.answer()
  await givingUp
  assert.deepEqual(ear.heard('lost'), [])
  await departures.giveUpMissing()
  assert.deepEqual([ear.heard('lost'), missing.expired()], [[], []])
})

void test('gives up nothing while a directory where it may be waits for its first look', async (t) => {
  let seen = false
  const gone = unread('gone', '/nowhere/a.log')
  const { clock, departures, ear } = await scene(t, { stored: [gone], hasSeen: () => seen })
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(60_000)
    await departures.giveUpMissing()
  }
  assert.deepEqual(ear.heard('lost'), [])
  seen = true
  await departures.giveUpMissing()
  assert.deepEqual(ear.heard('lost'), [], 'it has its time from then on')
  clock.advance(30_000)
  await departures.giveUpMissing()
  assert.deepEqual(ear.heard('lost'), [[gone, 'gone', 10]])
})

void test('makes one call after the other, so that a mount that hangs costs one thread', async (t) => {
  const mount = new RemoteMount('7')
  const stored = Array.from({ length: 20 }, (_, n) => unread(`gone${n}`, `/nowhere/${n}.log`))
  const { clock, departures, ear } = await scene(t, { stored, volumeOf: () => mount })
  clock.advance(30_000)
  mount.hang()
  const first = departures.giveUpMissing()
  for (let tick = 0; tick < 5; tick++) {
    void departures.giveUpMissing()
    await settled()
  }
  assert.equal(mount.calls.length, 1)
  mount.answer()
  await first
  assert.equal(ear.heard('lost').length, 20)
})

void test('gives up files that were elsewhere while a mount hangs', async (t) => {
  const mount = new RemoteMount('7')
  const stored = [unread('far', '/far/a.log'), unread('near', '/nowhere/a.log'), unread('late', '/nowhere/b.log')]
  const { clock, departures, ear, missing } = await scene(t, {
    stored: stored.slice(0, 2),
    volumeOf: (path) => (path === '/far' ? mount : localVolume),
  })
  const lost = (): unknown[] => ear.heard('lost').map(([what]) => what)
  mount.hang()
  clock.advance(30_000)
  void departures.giveUpMissing()
  await settled()
  assert.deepEqual(lost(), [stored[1]])
  missing.add(stored[2]!)
  clock.advance(30_000)
  const second = departures.giveUpMissing()
  await settled()
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
  const { clock, departures, ear } = await scene(t, {
    stored: [unread('gone', '/nowhere/a.log')],
    volumeOf: () => volume,
  })
  for (let minute = 0; minute < 3; minute++) {
    clock.advance(60_000)
    await departures.giveUpMissing()
  }
  assert.deepEqual(ear.heard('lost'), [])
  fails = false
  await departures.giveUpMissing()
  assert.deepEqual(ear.heard('lost'), [])
  clock.advance(30_000)
  await departures.giveUpMissing()
  assert.equal(ear.heard('lost').length, 1)
})

void test('waits on for a file that is at its place, unless its inode was used again for another file', async (t) => {
  const { clock, departures, ear, directory, missing } = await scene(t)
  const place = join(directory, 'a.log')
  writeFileSync(place, 'not for us to read')
  const { key = '', bornMs = 0 } = (await localVolume.facts(place)) ?? {}
  const [device = '', inode = ''] = key.split(':')
  missing.add({ ...unread('there', place), device, inode, bornMs })
  missing.add({ ...unread('unknown', place), device, inode, bornMs: 0 })
  missing.add({ ...unread('other', place), device, inode, bornMs: 1 })
  clock.advance(30_000)
  await departures.giveUpMissing()
  const lost = ear.heard('lost').map(([file]) => (file as StoredGeneration).id)
  assert.deepEqual(lost, bornMs > 0 ? ['other'] : [])
})

void test('drains only files that have lost their name and are open', async (t) => {
  const asked: string[] = []
  const { departures } = await scene(t, {
    check: (file) => {
      asked.push(file.name)
      return Promise.resolve('same')
    },
  })
  const [live, closed, rotated, deleted] = ['live', 'closed', 'rotated', 'deleted'].map((name) => paperFile(name))
  assert.ok(live && closed && rotated && deleted)
  for (const file of [live, rotated, deleted]) file.descriptor = 9999
  for (const file of [closed, rotated]) file.life.loseName('rotated')
  deleted.life.loseName('deleted')
  // nothing of them is read, so that nothing is let go
  for (const file of [live, closed, rotated, deleted]) file.life.noteActivity(Infinity)
  await departures.drain([live, closed, rotated, deleted])
  assert.deepEqual(asked, ['rotated', 'deleted'])
})

void test('wakes files that have grown, and files that waited long enough for the end of a line', async (t) => {
  const { departures, woken, clock } = await scene(t, {
    check: (file) => Promise.resolve(file.name === 'grown' ? 'grown' : 'same'),
  })
  const [grown, half, fresh] = ['grown', 'half', 'fresh'].map((name) => paperFile(name))
  assert.ok(grown && half && fresh)
  for (const file of [grown, half, fresh]) {
    file.life.loseName('rotated')
    file.descriptor = 9999
    file.seenSize.set(10)
    file.life.noteActivity(clock.read() - 5000)
  }
  fresh.life.noteActivity(fresh.activeAt + 1)
  await departures.drain([grown, half, fresh])
  assert.deepEqual(woken, ['grown', 'half'])
})

void test('does not wait for a mount that hangs, calls it once, and goes on with the others', async (t) => {
  const asked: string[] = []
  const { departures, ear } = await scene(t, {
    check: (file) => {
      asked.push(file.name)
      if (file.volume.remote) return new Promise(() => undefined)
      return file.name === 'bad' ? Promise.reject(systemError('EIO', 'read')) : Promise.resolve('same')
    },
  })
  const volume = new RemoteMount('7')
  const files = [paperFile('hung', { volume }), paperFile('bad'), paperFile('good')]
  for (const file of files) {
    file.life.loseName('rotated')
    file.descriptor = 9999
    file.life.noteActivity(Infinity)
  }
  await departures.drain(files)
  await departures.drain(files)
  assert.deepEqual(asked, ['hung', 'bad', 'good', 'bad', 'good'])
  assert.deepEqual(ear.heard('fileDenied')[0], ['/paper/bad', 'EIO: injected, read'])
})

void test('lets nothing go while a byte of it is not stored', async (t) => {
  const world = await World.open(t)
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
  assert.deepEqual(world.ear.heard('fileLetGo'), [])
  world.release()
  await world.tick()
  assert.equal(world.generations.descriptors.count, 0)
  assert.deepEqual(world.ear.heard('fileLetGo').length, 2)
  assert.deepEqual([...world.checkpoint.entries.values()].map(({ place }) => place), [join(world.root, 'a.log.1')]) // prettier-ignore
})
