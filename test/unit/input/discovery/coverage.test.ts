import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { discoveryWorld, worldLookedAt } from '../../../support/discovery-world.ts'
import { systemError } from '../../../support/system-error.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { until } from '../../../support/wait.ts'

void test('has not seen a directory while its mount does not answer', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path } = discoveryWorld(t, {
    inputs: ['hung/*.log', 'local/*.log'],
    volumeOf: (place) => (place.endsWith('/hung') ? mount : localVolume),
  })
  for (const name of ['hung', 'local']) write(`${name}/a.log`)
  mount.hang()
  const looking = discovery.lookAround()
  await until(() => discovery.hasSeen(path('local/a.log')), { what: 'a look at the local directory' })
  assert.ok(!discovery.hasSeen(path('hung/a.log')))
  assert.ok(!discovery.hasSeen(path('hung/below/a.log')))
  assert.ok(discovery.hasSeen(path('hungry/a.log')))
  mount.answer()
  await looking
  assert.ok(discovery.hasSeen(path('hung/a.log')))
})

void test('has not seen a directory while the one beside it has its first look', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path } = discoveryWorld(t, { inputs: ['logs/*/*.log'], volumeOf: () => mount })
  for (const name of ['1', '2']) write(`logs/${name}/a.log`)
  const list = mount.list.bind(mount)
  const listed: string[] = []
  mount.list = (place) => {
    if (place !== path('logs')) listed.push(place)
    // in whichever order they are listed
    if (listed.length === 2) mount.hang()
    return list(place)
  }
  const looking = discovery.lookAround()
  await until(() => listed.length === 2, { what: 'the second listing' })
  for (const name of ['1', '2']) assert.ok(!discovery.hasSeen(path(`logs/${name}/a.log`)), name)
  mount.answer()
  await looking
  for (const name of ['1', '2']) assert.ok(discovery.hasSeen(path(`logs/${name}/a.log`)), name)
})

void test('knows since when all names are known, with and without mounts that hang', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path, clock, ticking } = discoveryWorld(t, {
    inputs: ['local/*/*.log', 'hung/*.log'],
    volumeOf: (place) => (place.endsWith('/hung') ? mount : localVolume),
    lookMs: () => 10,
  })
  for (const name of ['local/a', 'local/b', 'hung']) write(`${name}/a.log`)
  const asked = (): number[] => [discovery.askedAt(false), discovery.askedAt(true)]
  assert.deepEqual(asked(), [Infinity, Infinity], 'nothing is known yet')
  mount.hang()
  const begin = clock.read()
  const looking = discovery.lookAround()
  assert.deepEqual(asked(), [-Infinity, -Infinity])
  await until(() => discovery.hasSeen(path('local/b/a.log')), { what: 'a look at the local directories' })
  assert.deepEqual(asked(), [begin, -Infinity], 'the look at the parent directory began first')
  mount.answer()
  await looking
  assert.equal(discovery.askedAt(true), begin)
  // a directory that has not changed need not be looked at
  clock.advance(1000)
  const later = clock.read()
  await discovery.tick()
  assert.equal(discovery.askedAt(false), later)
  await ticking('the mount is asked, too', () => discovery.askedAt(true) >= later)
})

void test('counts a directory that cannot be listed as looked at', async (t) => {
  const { discovery, clock } = discoveryWorld(t, {
    inputs: ['*.log'],
    volumeOf: () => countedVolume({ list: () => { throw systemError('EACCES', 'scandir') } }), // prettier-ignore
  })
  await discovery.lookAround()
  assert.equal(discovery.askedAt(false), clock.read())
})

void test('does not count a directory as looked at while it rests after a long look', async (t) => {
  const { discovery, directory, clock } = await worldLookedAt(t, { lookMs: () => 500 })
  await discovery.look(directory)
  const before = discovery.askedAt(false)
  assert.ok(directory.notBefore > clock.read())
  await discovery.look(directory)
  await discovery.tick()
  assert.equal(discovery.askedAt(false), before)
})
