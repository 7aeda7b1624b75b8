import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Directory } from '../../../../src/input/discovery/directory.ts'
import { hash } from '../../../../src/input/files/identity.ts'
import { Missing } from '../../../../src/input/files/missing.ts'
import { Search } from '../../../../src/input/discovery/search.ts'
import type { Volume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { recordEvents } from '../../../support/event-recorder.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { entry } from '../../../support/state.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

const CONTENT = Buffer.from('x\n')
const PLACE = '/logs/gone.log'

/** A search with one directory, which was looked at, and in which a file has just gone missing. */
function searchOn(volume: Volume) {
  const clock = new HandClock()
  const recorder = recordEvents()
  const fingerprint = { length: CONTENT.length, hash: hash(CONTENT) }
  const stored = entry('gone', { place: PLACE, fingerprint, guard: 0 })
  const missing = new Missing([stored], { clock: clock.read, volumeOf: () => volume })
  const directory = new Directory('/logs', volume, [])
  directory.lookedAt = 1
  /** The time at which everything was looked at. */
  const asked = { local: Infinity, remote: Infinity }
  const looked: string[] = []
  const search = new Search({
    events: recorder.events,
    clock: clock.read,
    generations: { missing, sightings: { arrived: () => Promise.resolve('ignored') } },
    discovery: {
      directory: (path) => (path === '/logs' ? directory : undefined),
      look: (at) => Promise.resolve(void looked.push(at.path)),
      lookLast: (which, paths) => Promise.resolve(void looked.push(which, ...(paths ?? []))),
      askedAt: (remote) => (remote ? Math.min(asked.local, asked.remote) : asked.local),
    },
  })
  const its = countedVolume({
    read: (_, { bytes, at, length, position }) => CONTENT.copy(bytes, at, position, position + length),
  })
  /** What another file with the same content at the same path is taken for. */
  const taken = async (): Promise<string | null> => {
    const facts = { key: 'other', size: 1_000_000, mtimeMs: 0, bornMs: 0, links: 1, kind: 'file' } as const
    const found = await missing.find(its, 0, { facts, path: PLACE, isSibling: () => false })
    return found === null || typeof found === 'string' ? found : found.id
  }
  return { clock, recorder, directory, asked, looked, search, taken, missing, stored }
}

void test('searches a directory once, after it and all others were looked at', async () => {
  const volume = countedVolume()
  volume.list = (path) => {
    volume.listed.push(path)
    return []
  }
  const { search, directory, asked, clock } = searchOn(volume)
  directory.lookedAt = 0
  await search.forMissing()
  directory.lookedAt = 1
  asked.local = clock.read() - 1
  await search.forMissing()
  assert.deepEqual(volume.listed, [], 'it went missing after the look')
  asked.local = clock.read()
  await search.forMissing()
  await search.forMissing()
  assert.deepEqual(volume.listed, ['/logs'])
})

void test('looks again at a directory in which a file waited, also if it could not be searched', async () => {
  const volume = countedVolume({
    list: () => {
      throw systemError('EACCES', 'scandir')
    },
  })
  const { search, looked, taken, recorder } = searchOn(volume)
  assert.equal(await taken(), 'unconfirmed')
  await search.forMissing()
  assert.deepEqual([looked, recorder.reported('fileDenied').length], [['/logs'], 1])
  assert.equal(await taken(), 'gone')
  await search.forMissing()
  assert.deepEqual(looked, ['/logs'])
})

void test('looks again at a directory in which a file waited for one that was found elsewhere', async () => {
  const { search, looked, taken, missing, stored, asked } = searchOn(countedVolume())
  asked.local = -Infinity
  assert.equal(await taken(), 'unconfirmed')
  assert.ok(missing.take(stored))
  await search.forMissing()
  assert.deepEqual(looked, ['/logs'])
  assert.equal(await taken(), null)
})

void test('searches for a local file on local file systems only, whether mounts answer or not', async () => {
  const { search, asked, taken } = searchOn(countedVolume({ list: () => [] }))
  asked.remote = -Infinity
  await search.forMissing()
  assert.equal(await taken(), 'gone')
})

void test('searches for a file on a mount on all other mounts too, but not for ever', async () => {
  const mount = new RemoteMount('7')
  const { search, asked, taken, clock, looked } = searchOn(mount)
  asked.remote = -Infinity
  assert.equal(await taken(), 'unconfirmed')
  clock.advance(14_999)
  await search.forMissing()
  await loopTurn()
  assert.equal(await taken(), 'unconfirmed')
  clock.advance(1)
  mount.hang()
  await search.forMissing()
  await loopTurn()
  assert.equal(await taken(), 'unconfirmed', 'it is searched for where it was')
  mount.answer()
  for (let turn = 0; turn < 5; turn++) await loopTurn()
  assert.deepEqual(looked, ['/logs'])
  assert.equal(await taken(), 'gone')
})

void test('leaves no file waiting at a stop', async () => {
  const volume = countedVolume({ list: () => [] })
  const { search, asked, taken, looked } = searchOn(volume)
  asked.local = -Infinity
  assert.equal(await taken(), 'unconfirmed')
  await search.last()
  assert.deepEqual(looked, ['local', '/logs'])
  assert.equal(await taken(), 'gone')
})

void test('looks nowhere again at a stop if no file waits', async () => {
  const { search, looked } = searchOn(countedVolume())
  await search.last()
  assert.deepEqual(looked, [])
})
