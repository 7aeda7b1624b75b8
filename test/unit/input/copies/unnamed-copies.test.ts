import assert from 'node:assert/strict'
import { statSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { LONG, paperFile } from '../../../support/reading.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'
import { guardOf } from '../../../../src/guard.ts'
import { FINGERPRINT_BYTES } from '../../../../src/input/files/identity.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Originals } from '../../../../src/input/copies/originals.ts'
import { UnnamedCopies } from '../../../../src/input/copies/unnamed-copies.ts'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { TOPIC } from '../../../support/obstacles.ts'

/** Copies that are only compared: nothing is passed over. */
function unnamedCopies(originals: Originals, clock: () => number): UnnamedCopies {
  const copied = (): void => undefined
  return new UnnamedCopies({ originals, clock, rests: { copied }, departures: { copied } })
}

/** Reads `a.log`, and lets time pass. */
async function readLong(world: FileWorld, content = LONG): Promise<void> {
  world.write('a.log', content)
  await world.lookAndRead()
  world.clock.advance(1000)
}

/** The text that was handed on since the last call, with {@link LONG} as a word. */
const shipped = (...worlds: FileWorld[]): string =>
  worlds.map((world) => world.text().replaceAll(LONG, '(all)')).join('')

async function lookAtAll(world: FileWorld): Promise<void> {
  await world.look()
  await world.look(world.below('old'))
  await world.wakeAll()
}

void test('does not ship a copy of any name in any directory, made before the cut was seen', async (t) => {
  for (const name of ['a-20261122.log', 'old/a.log', 'old/a.log.1', 'old/other.log']) {
    const world = await FileWorld.open(t)
    const old = world.below('old')
    await readLong(world)
    world.copy('a.log', name)
    world.cut('a.log')
    await world.wakeAll()
    world.append('a.log', 'new\n')
    await lookAtAll(world)
    assert.equal(shipped(world), '(all)new\n', name)
    const found = [...world.directory.files.values(), ...old.files.values()].filter((file) => file.finished)
    assert.deepEqual(
      found.map((file) => [file.next, file.descriptor, file.toStored().guard]),
      [[LONG.length, -1, guardOf(Buffer.from(LONG))]],
      name,
    )
    // it is a log like any other from there on
    world.append(name, 'something\n')
    await lookAtAll(world)
    assert.equal(world.text(), 'something\n', name)
  }
})

void test('does not ship a copy of any name that is there for a while before the cut, and while it is written', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  world.write('a-1.log', '')
  await lookAtAll(world)
  for (let at = 0; at < LONG.length; at += 1100) {
    world.append('a-1.log', LONG.slice(at, at + 1100))
    world.clock.advance(4999)
    await lookAtAll(world)
  }
  world.append('a.log', 'more\n')
  await world.wakeAll()
  world.cut('a.log')
  await world.wakeAll()
  await world.wakeAll()
  assert.equal(shipped(world), '(all)more\n')
  assert.ok(world.file('a-1.log').finished)
  const next = await world.restart(t)
  await next.lookAndRead()
  assert.equal(next.text(), '')
})

void test('does not ship a copy that is made over a known file of any name', async (t) => {
  const world = await FileWorld.open(t)
  world.write('kept.log', `something else\n${'x'.repeat(2000)}\n`)
  await readLong(world)
  world.text()
  world.write('kept.log', LONG)
  world.cut('a.log')
  await world.wakeAll()
  await world.wakeAll()
  assert.equal(shipped(world), '')
  assert.ok(world.file('kept.log').finished)
})

void test('does not ship a copy of any name at a stop, if it is known for one; another is shipped', async (t) => {
  for (const isCut of [true, false]) {
    const world = await FileWorld.open(t)
    await readLong(world)
    world.copy('a.log', 'a-1.log')
    if (isCut) {
      world.cut('a.log')
      await world.wakeAll()
    }
    await world.look()
    for (const file of world.files()) file.cursor.stopAt(file.size)
    await world.wakeAll()
    await world.wakeAll()
    assert.equal(shipped(world), isCut ? '(all)' : '(all)(all)')
  }
})

void test('holds back no file for long that goes on as another does', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  world.write('b.log', LONG)
  await lookAtAll(world)
  for (let n = 0; n < 10; n++) {
    for (const name of ['a.log', 'b.log']) world.append(name, `more ${n}\n`)
    world.clock.advance(4000)
    await lookAtAll(world)
  }
  const text = world.text()
  assert.equal(text.split('more 9\n').length, 3)
  assert.equal(text.split(LONG).length, 3)
})

void test('holds back no file for one that became known after it was found, however late it is read', () => {
  const clock = new HandClock(0)
  const originals = new Originals(clock.read)
  const copies = unnamedCopies(originals, clock.read)
  const [first, known, later] = [0, 0, 1000].map((foundAt, n) => paperFile(`${n}`, { foundAt }))
  for (const file of [first!, known!, later!]) file.knowBy({ length: FINGERPRINT_BYTES, hash: 'same' })
  clock.advance(500)
  known!.cursor.next = 2000
  originals.add(known!)
  clock.advance(500)
  first!.life.noteActivity(clock.read())
  assert.deepEqual([copies.isSuspect(later!), copies.isSuspect(first!)], [true, false])
})

void test('holds back no file because another one cannot be reached', async (t) => {
  let denied = false
  const volume = countedVolume({
    facts: (path) => {
      if (denied && path.endsWith('/a.log')) throw systemError('EACCES', 'stat')
      return localVolume.facts(path)
    },
  })
  const world = await FileWorld.open(t, { volume, maxOpenFiles: 1 })
  await readLong(world)
  denied = true
  world.write('b.log', LONG)
  await lookAtAll(world)
  world.clock.advance(60_000)
  await lookAtAll(world)
  assert.equal(shipped(world), '(all)(all)')
})

void test('knows a copy of any name after a restart in between', async (t) => {
  const first = await FileWorld.open(t)
  await readLong(first)
  first.copy('a.log', 'a-1.log')
  await lookAtAll(first)
  const second = await first.restart(t)
  await second.look()
  second.clock.advance(1000)
  await second.wakeAll()
  second.cut('a.log')
  await second.wakeAll()
  await second.wakeAll()
  assert.equal(shipped(first, second), '(all)')
})

void test('goes on in a copy of any name where reading the original ended', async (t) => {
  for (const isHeld of [false, true]) {
    const world = await FileWorld.open(t)
    await readLong(world)
    world.blocked = TOPIC
    world.append('a.log', 'unread\n')
    await world.wakeAll()
    world.copy('a.log', 'b.log')
    if (isHeld) {
      world.blocked = null
      await world.look()
      world.awake.delete(world.file('a.log'))
      await world.turns()
      assert.equal(shipped(world), '(all)', 'it is held back')
    }
    world.cut('a.log')
    world.blocked = null
    await world.wakeAll()
    await lookAtAll(world)
    assert.ok(['unread\n', '(all)unread\n'].includes(shipped(world)))
    assert.deepEqual([world.file('b.log').finished, world.file('b.log').next], [false, LONG.length + 7])
    const next = await world.restart(t)
    await next.lookAndRead()
    assert.equal(shipped(next), '')
  }
})

void test('ships after seconds a file that is not named like a copy, when nothing was cut', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  world.copy('a.log', 'b.log')
  await lookAtAll(world)
  world.clock.advance(4999)
  await world.wakeAll()
  assert.equal(shipped(world), '(all)')
  world.clock.advance(2)
  await world.wakeAll()
  assert.equal(shipped(world), '(all)')
  // a file that was let go is no copy any more
  world.cut('a.log')
  await world.wakeAll()
  assert.equal(world.file('b.log').finished, false)
})

void test('ships at once a file that differs, has more, or is too short to be compared', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  const others = {
    'b.log': `${LONG}and more\n`,
    'c.log': LONG.replace('line 199', 'line xxx'),
    'd.log': LONG.slice(0, 900),
    'e.log': `${LONG.slice(0, 1700)}\n`,
  }
  for (const [name, content] of Object.entries(others)) world.write(name, content)
  await lookAtAll(world)
  const inD = LONG.slice(0, 900).lastIndexOf('\n') + 1
  assert.equal(world.text().length, LONG.length * 3 + 9 + inD + 1701)
})

void test('does not ship a copy of a file that became long enough while it was read', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', LONG.slice(0, 170))
  await world.lookAndRead()
  world.append('a.log', LONG.slice(170))
  await world.wakeAll()
  world.clock.advance(1000)
  world.copy('a.log', 'b.log')
  world.cut('a.log')
  await world.wakeAll()
  await lookAtAll(world)
  assert.equal(shipped(world), '(all)')
})

void test('ships at once a file that ends in a banner that many begin with', async (t) => {
  const world = await FileWorld.open(t)
  const banner = `${'='.repeat(79)}\n`.repeat(20)
  for (let n = 0; n < 5; n++) world.write(`${n}.log`, banner)
  await world.lookAndRead()
  assert.equal(world.text().length, 5 * banner.length, 'found together')
  world.clock.advance(1000)
  world.write('new.log', banner)
  await world.lookAndRead()
  assert.equal(world.text(), banner)
})

void test('loses nothing that was written after the cut, or that the other one did not have', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  world.cut('a.log')
  await world.wakeAll()
  // a restarted application, and another one: both begin with the same bytes
  const { mtimeMs } = statSync(world.path('a.log'))
  world.write('b.log', LONG)
  utimesSync(world.path('b.log'), new Date(), new Date(mtimeMs + 1000))
  world.write('c.log', `${LONG}own\n`)
  utimesSync(world.path('c.log'), new Date(), new Date(mtimeMs - 1000))
  await lookAtAll(world)
  assert.equal(shipped(world).split('(all)').sort().join(' '), '  own\n')
})

void test('compares no file with one that was found later, or together with it', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', LONG)
  world.write('b.log', LONG)
  await world.look()
  // b.log waits for its turn
  world.awake.delete(world.file('b.log'))
  await world.turns()
  world.cut('a.log')
  world.awake.add(world.file('a.log'))
  await world.turns()
  await world.wakeAll()
  assert.equal(shipped(world), '(all)(all)')
})

void test('compares with files that are there, not with files that were', async (t) => {
  const world = await FileWorld.open(t)
  for (let n = 0; n < 5; n++) world.write(`${n}.log`, LONG)
  await world.lookAndRead()
  assert.equal(shipped(world), '(all)'.repeat(5))
  for (let n = 1; n < 5; n++) world.remove(`${n}.log`)
  await world.look()
  world.clock.advance(10_000)
  await world.tick()
  assert.equal(world.files().length, 1)
  writeFileSync(world.path('new.log'), LONG)
  await lookAtAll(world)
  assert.equal(shipped(world), '', 'it may be the copy of the one that is left')
})

void test('loses nothing of a file that is deleted while it is held back, or at a stop', async (t) => {
  const world = await FileWorld.open(t)
  await readLong(world)
  for (const how of ['deleted', 'stopped']) {
    world.text()
    world.clock.advance(1)
    world.copy('a.log', `${how}.log`)
    await lookAtAll(world)
    assert.equal(world.text(), '', how)
    const file = world.file(`${how}.log`)
    if (how === 'deleted') world.remove(file.name)
    else file.cursor.stopAt(file.size)
    await lookAtAll(world)
    assert.equal(shipped(world), '(all)', how)
  }
})

void test('compares nothing with a file on a mount', async (t) => {
  const world = await FileWorld.open(t, { volume: new RemoteMount('7') })
  await readLong(world)
  world.copy('a.log', 'b.log')
  await lookAtAll(world)
  assert.equal(shipped(world), '(all)(all)')
  const local = paperFile('local')
  const remote = paperFile('remote', { volume: new RemoteMount('7'), foundAt: 1 })
  for (const file of [local, remote]) file.knowBy({ length: FINGERPRINT_BYTES, hash: 'same' })
  const originals = new Originals(() => 1)
  const copies = unnamedCopies(originals, () => 1)
  local.cursor.next = 2000
  originals.add(local, 0)
  assert.ok(!copies.isSuspect(remote))
})

void test('compares each of 10,000 new files with few of 10,000 known ones', async () => {
  const clock = new HandClock()
  const originals = new Originals(clock.read)
  const copies = unnamedCopies(originals, clock.read)
  let calls = 0
  const volume = countedVolume({
    factsOf: (descriptor) => {
      calls++
      return { key: `1:${descriptor}`, size: 2000, mtimeMs: 0, bornMs: 0, links: 1, kind: 'file' }
    },
    read: () => ++calls && 0,
  })
  const many = (name: string, hashOfAll?: string): LogFile[] =>
    Array.from({ length: 10_000 }, (_, n) => {
      const file = paperFile(`${name}${n}`, { volume, foundAt: clock.read() })
      file.descriptor = n
      file.knowBy({ length: FINGERPRINT_BYTES, hash: hashOfAll ?? `hash ${n}` })
      return file
    })
  const known = [...many('known'), ...many('alike', 'banner')]
  for (const file of known) {
    file.cursor.next = 2000
    originals.add(file)
  }
  clock.advance(1)
  const suspects = many('new').filter((file) => copies.isSuspect(file))
  assert.equal(suspects.length, 10_000, 'each has its own original')
  for (const file of suspects) await copies.compare(file)
  assert.ok(calls <= 50_000, `${calls} calls`)
  assert.deepEqual(
    many('other', 'banner').filter((file) => copies.isSuspect(file)),
    [],
  )
})
