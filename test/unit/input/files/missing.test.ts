import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { NO_GUARD, guardOf } from '../../../../src/guard.ts'
import { hash, inodeKeyOf } from '../../../../src/input/files/identity.ts'
import { Missing } from '../../../../src/input/files/missing.ts'
import type { StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { entry } from '../../../support/state.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

/** The entry of the file at a path, read up to `offset`. */
async function storedOf(path: string, offset: number, change: Partial<StoredGeneration> = {}) {
  const facts = await localVolume.facts(path)
  assert.ok(facts)
  const bytes = Buffer.alloc(facts.size)
  const descriptor = openSync(path, 'r')
  await localVolume.read(descriptor, { bytes, at: 0, length: bytes.length, position: 0 })
  closeSync(descriptor)
  const head = bytes.subarray(0, 1024)
  const [device = '', inode = ''] = facts.key.split(':')
  return entry(path, {
    inputId: 'app',
    path,
    place: path,
    device,
    inode,
    fingerprint: { length: head.length, hash: head.length === 0 ? '' : hash(head) },
    position: { offset, open: [], skipped: 0 },
    guard: guardOf(bytes.subarray(0, offset)),
    size: facts.size,
    ...change,
  })
}

function missing(stored: readonly StoredGeneration[], settings: { clock?: HandClock; volume?: Volume } = {}): Missing {
  const { clock = new HandClock(), volume = localVolume } = settings
  return new Missing(stored, {
    clock: clock.read,
    volumeOf: () => volume,
  })
}

/** Everything was looked at. */
function confirm(lost: Missing): void {
  for (const ids of lost.unsearched(() => true).values()) lost.confirm(ids)
}

/** The id of the generation that the file at a path is found to be. `key`: the inode that the file is to have. */
async function find(of: Missing, path: string, key?: string, isSibling = () => true): Promise<string | null> {
  const descriptor = openSync(path, 'r')
  try {
    const facts = await localVolume.factsOf(descriptor)
    const seen = { facts: { ...facts, key: key ?? facts.key }, path, isSibling }
    const found = await of.find(localVolume, descriptor, seen)
    return typeof found === 'string' || found === null ? found : found.id
  } finally {
    closeSync(descriptor)
  }
}

function write(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const directory = freshDirectory(t)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  return (name) => join(directory, name)
}

void test('finds a generation under another name, once', async (t) => {
  const path = write(t, { 'a.log': 'one\ntwo\n' })
  const stored = await storedOf(path('a.log'), 4)
  const lost = missing([stored])
  renameSync(path('a.log'), path('a.log.1'))
  assert.ok(lost.has(inodeKeyOf(stored)))
  assert.equal(await find(lost, path('a.log.1')), stored.id)
  assert.ok(!lost.has(inodeKeyOf(stored)))
  assert.equal(await find(lost, path('a.log.1')), null)
})

void test('finds a generation at its path after the device numbers have changed, once it is confirmed missing', async (t) => {
  const path = write(t, { 'a.log': 'one\ntwo\n', 'b.log': 'one\ntwo\n' })
  const stored = await storedOf(path('a.log'), 4, { device: '99', inode: '1' })
  const lost = missing([stored])
  assert.deepEqual(lost.awaited(), new Set())
  assert.equal(await find(lost, path('b.log')), null)
  assert.equal(await find(lost, path('a.log')), 'unconfirmed')
  assert.deepEqual([lost.awaited(), lost.freed()], [new Set([dirname(path('a.log'))]), new Set()])
  confirm(lost)
  assert.deepEqual([lost.freed(), lost.freed()], [new Set([dirname(path('a.log'))]), new Set()])
  assert.equal(await find(lost, path('b.log')), null)
  assert.equal(await find(lost, path('a.log')), stored.id)
})

void test('finds a generation under a rotated name if 1,024 bytes and the guard agree', async (t) => {
  const content = 'a line of many\n'.repeat(100)
  const path = write(t, { 'a.log': content, 'a.log.1': `${content}more\n`, 'a.log.2': `${content.slice(0, 1100)}\n` })
  const elsewhere = { device: '99', inode: '1' }
  const stored = await storedOf(path('a.log'), 1200, elsewhere)
  const short = {
    ...stored,
    id: 'short',
    fingerprint: { length: 1020, hash: hash(Buffer.from(content.slice(0, 1020))) },
  }
  const unread = { ...stored, id: 'unread', position: { ...stored.position, offset: 0 }, guard: NO_GUARD }
  const far = { ...stored, id: 'far', place: '/elsewhere/a.log' }
  const none = missing([short, unread, far])
  none.confirmAll()
  assert.equal(await find(none, path('a.log.1')), null)
  const lost = missing([short, stored, unread, far])
  assert.equal(await find(lost, path('a.log.1')), 'unconfirmed')
  assert.equal(await find(lost, path('a.log.2')), null, 'it ends before')
  confirm(lost)
  assert.equal(await find(lost, path('a.log.1'), '7:7', () => false), null, 'no rotation gives it that name')
  assert.equal(await find(lost, path('a.log.1')), stored.id)
})

void test('takes no other file for one that cannot be opened now', async (t) => {
  const path = write(t, { 'a.log': 'one\n' })
  const stored = await storedOf(path('a.log'), 4, { device: '99', inode: '1', bornMs: 5 })
  const facts = { key: '99:1', size: 4, mtimeMs: 0, bornMs: 5, links: 1, kind: 'file' } as const
  const free = missing([stored])
  confirm(free)
  free.outOfReach({ ...facts, bornMs: 6 })
  free.outOfReach({ ...facts, key: '99:2' })
  assert.equal(await find(free, path('a.log')), stored.id, 'others were out of reach')
  const lost = missing([stored])
  confirm(lost)
  lost.outOfReach(facts)
  assert.deepEqual(
    lost.unsearched(() => true),
    new Map(),
    'nobody waits',
  )
  assert.equal(await find(lost, path('a.log')), 'unconfirmed')
  const [ids = []] = lost.unsearched(() => true).values()
  lost.outOfReach(facts)
  lost.confirm(ids)
  assert.equal(await find(lost, path('a.log')), 'unconfirmed')
  confirm(lost)
  assert.equal(await find(lost, path('a.log')), stored.id)
})

void test('does not take a file for one that had its inode', async (t) => {
  const path = write(t, { 'a.log': 'one\ntwo\n' })
  const stored = await storedOf(path('a.log'), 4)
  const lost = missing([stored])
  writeFileSync(path('a.log'), 'two\none\n')
  assert.equal(await find(lost, path('a.log')), null)
  writeFileSync(path('a.log'), 'one')
  assert.equal(await find(lost, path('a.log')), null)
  assert.ok(lost.has(inodeKeyOf(stored)))
})

void test('does not take a file for one of which more was stored meanwhile than it has', async (t) => {
  const path = write(t, { 'a.log': 'one\ntwo\n' })
  const stored = await storedOf(path('a.log'), 4)
  const lost = missing([stored])
  const more = { ...stored, position: { ...stored.position, offset: 12 }, size: 12 }
  let reads = 0
  const volume = countedVolume({
    read: (descriptor, into) => {
      // the first is for the fingerprint, the second for the bytes before the offset
      if (++reads === 2) lost.update(more)
      return localVolume.read(descriptor, into)
    },
  })
  const descriptor = openSync(path('a.log'), 'r')
  t.after(() => closeSync(descriptor))
  const facts = await localVolume.factsOf(descriptor)
  assert.equal(await lost.find(volume, descriptor, { facts, path: path('a.log'), isSibling: () => false }), null)
  assert.ok(lost.take(more), 'it is missing as before')
})

void test('of two with the same content finds the one with the inode, then the one at the path', async (t) => {
  const path = write(t, { 'a.log': 'same\nsame\n', 'b.log': 'same\nsame\n' })
  const stored = [await storedOf(path('a.log'), 5), await storedOf(path('b.log'), 10)]
  const byInode = missing(stored)
  assert.equal(await find(byInode, path('b.log')), path('b.log'))
  assert.equal(await find(byInode, path('a.log')), path('a.log'))
  const elsewhere = stored.map((one, n) => ({ ...one, device: '99', inode: String(n) }))
  const byPath = missing(elsewhere)
  confirm(byPath)
  assert.equal(await find(byPath, path('b.log')), path('b.log'))
  assert.equal(await find(byPath, path('a.log')), path('a.log'))
})

void test('knows an empty file by its inode alone', async (t) => {
  const path = write(t, { 'a.log': '', 'b.log': '' })
  const stored = await storedOf(path('a.log'), 0)
  assert.equal(await find(missing([stored]), path('b.log')), null)
  writeFileSync(path('a.log'), 'begun meanwhile\n')
  assert.equal(await find(missing([stored]), path('a.log')), stored.id)
})

void test('prefers the newest of generations with the same inode: the older ones were cut', async (t) => {
  const path = write(t, { 'a.log': 'one\n' })
  const one = await storedOf(path('a.log'), 4)
  const start = { ...one.position, offset: 0 }
  const again = { ...one, id: 'again', position: start, guard: 0 }
  assert.equal(await find(missing([one, again]), path('a.log')), 'again')
  const empty = { ...again, id: 'empty', fingerprint: { length: 0, hash: '' } }
  assert.equal(await find(missing([empty, { ...empty, id: 'newest' }]), path('a.log')), 'newest')
})

void test('prefers a generation with content to one that was empty', async (t) => {
  const path = write(t, { 'a.log': 'one\n' })
  const full = await storedOf(path('a.log'), 4)
  const empty = {
    ...full,
    id: 'empty',
    fingerprint: { length: 0, hash: '' },
    position: { ...full.position, offset: 0 },
  }
  assert.equal(await find(missing([empty, full]), path('a.log')), full.id)
})

void test('finds each of 10,000 quickly', async (t) => {
  const content = (n: number): string => `line of file ${n}\n`.repeat(1 + (n % 20))
  const directory = freshDirectory(t)
  const all = Array.from({ length: 10_000 }, (_, n) => {
    const bytes = Buffer.from(content(n))
    const head = bytes.subarray(0, 1024)
    return entry(`file${n}`, {
      device: '99',
      inode: String(n),
      place: join(directory, `${n}.log`),
      fingerprint: { length: head.length, hash: hash(head) },
      position: { offset: bytes.length, open: [], skipped: 0 },
      guard: guardOf(bytes),
    })
  })
  const lost = missing(all)
  confirm(lost)
  // as if the device numbers had changed: every file is looked for by its path
  const contents = new Map<number, Buffer>(all.map((_, n) => [n, Buffer.from(content(n))]))
  const volume = countedVolume({
    read(descriptor, { bytes, at, length, position }) {
      const part = contents.get(descriptor)?.subarray(position, position + length) ?? Buffer.of()
      part.copy(bytes, at)
      return part.length
    },
  })
  const begin = process.cpuUsage()
  for (let n = 0; n < all.length; n++) {
    const size = contents.get(n)?.length ?? 0
    const facts = { key: `7:${n}`, size, mtimeMs: 0, bornMs: 0, links: 1, kind: 'file' } as const
    const found = await lost.find(volume, n, { facts, path: join(directory, `${n}.log`), isSibling: () => false })
    assert.ok(found !== null && typeof found !== 'string')
    assert.equal(found.id, `file${n}`)
  }
  const { user, system } = process.cpuUsage(begin)
  assert.ok(user + system < 4_000_000, `${(user + system) / 1000} ms of CPU`)
})

void test('hands out each directory to be searched once, as soon as it can be searched', () => {
  const stored = ['/a/x.log', '/a/y.log', '/b/z.log'].map((place) => entry(place, { place, inputId: place }))
  const lost = missing(stored)
  const handedOut = (canBeSearched: (directory: string, since: number) => boolean) => [
    ...lost.unsearched(canBeSearched),
  ]
  assert.deepEqual(
    handedOut((directory) => directory === '/a'),
    [['/a', ['/a/x.log', '/a/y.log']]],
  )
  assert.deepEqual(
    handedOut((directory) => directory === '/a'),
    [],
  )
  assert.deepEqual(
    handedOut((_, since) => since > 1_000_000),
    [],
  )
  assert.deepEqual(
    handedOut((_, since) => since === 1_000_000),
    [['/b', ['/b/z.log']]],
  )
  assert.deepEqual(
    handedOut(() => true),
    [],
  )
  assert.equal(lost.inputOf('66305:1835021'), '/a/x.log')
  assert.equal(lost.inputOf('66305:1'), null)
})

void test('has patience for half a minute, from when it was missed', () => {
  const clock = new HandClock()
  const lost = missing([entry('first')], { clock })
  clock.advance(20_000)
  const second = entry('second')
  lost.add(second)
  clock.advance(9_999)
  const ids = (): string[] => lost.expired().map(({ id }) => id)
  assert.deepEqual(ids(), [])
  clock.advance(1)
  assert.deepEqual(ids(), ['first'])
  lost.postpone(entry('first'))
  assert.deepEqual(ids(), [])
  clock.advance(20_000)
  assert.deepEqual(ids(), ['second'])
  assert.ok(!lost.take(entry('second')), 'it was updated since')
  assert.ok(lost.take(second))
  assert.ok(!lost.take(second))
  clock.advance(10_000)
  assert.deepEqual(ids(), ['first'])
})

void test('says whether a file is at its place, or that it cannot know', async (t) => {
  const path = write(t, { 'a.log': 'x' })
  const stored = await storedOf(path('a.log'), 0)
  const lost = missing([stored])
  const { bornMs } = (await localVolume.facts(path('a.log'))) ?? {}
  assert.equal(await lost.isAtPlace(stored), true)
  assert.equal(await lost.isAtPlace({ ...stored, bornMs: bornMs ?? 0 }), true)
  assert.equal(await lost.isAtPlace({ ...stored, bornMs: 1 }), bornMs === 0, 'its inode was used again')
  assert.equal(await lost.isAtPlace({ ...stored, inode: '1' }), false)
  assert.equal(await lost.isAtPlace({ ...stored, place: path('b.log') }), false)
  assert.equal(await lost.isAtPlace({ ...stored, place: path('c/d/b.log') }), false)
  mkdirSync(path('c'))
  assert.equal(await lost.isAtPlace({ ...stored, place: join(dirname(path('c')), 'c/b.log') }), false)
  const denied = countedVolume({
    facts: () => {
      throw systemError('EACCES', 'stat')
    },
  })
  assert.equal(await missing([stored], { volume: denied }).isAtPlace(stored), undefined)
})
