/** Discovery with directories on mounts that hang. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { discoveryWorld } from '../../../support/discovery-world.ts'
import { systemError } from '../../../support/system-error.ts'
import { RemoteMount, countedVolume, inLine } from '../../../support/volumes.ts'
import { until } from '../../../support/wait.ts'

void test('makes one call at a time to a mount', async (t) => {
  const mount = new RemoteMount('7')
  const volume = inLine(mount)
  const { discovery, write, sighted } = discoveryWorld(t, {
    inputs: ['logs/*/*.log', 'logs/**/*.txt', 'logs/1/*.log', 'logs/2/*.log'],
    volumeOf: () => volume,
  })
  for (let n = 0; n < 20; n++) write(`logs/${n}/a.log`)
  await discovery.lookAround()
  assert.equal(sighted().length, 20)
  assert.equal(mount.mostPending, 1)
})

void test('gets the volume of a directory once, and not for every directory below it', async (t) => {
  const asked: string[] = []
  const { discovery, write } = discoveryWorld(t, {
    inputs: ['logs/*/*.log'],
    volumeOf: (path) => (asked.push(path), localVolume),
  })
  for (let n = 0; n < 20; n++) write(`logs/${n}/a.log`)
  await discovery.lookAround()
  assert.equal(asked.length, 1)
})

void test('looks at other directories while a mount hangs, and at the mount when it answers', async (t) => {
  const mounts = { one: new RemoteMount('7'), two: new RemoteMount('8') }
  const { discovery, write, sighted, ticking, looks } = discoveryWorld(t, {
    inputs: ['one/*.log', 'two/*.log', 'local/*.log'],
    volumeOf: (path) => (path.endsWith('one') ? mounts.one : path.endsWith('two') ? mounts.two : localVolume),
  })
  for (const name of ['one/a.log', 'two/a.log', 'local/a.log']) write(name)
  mounts.one.hang()
  void discovery.lookAround()
  await until(() => looks.length === 2, { what: 'two looks' })
  assert.deepEqual(sighted(), ['/local/a.log input2', '/two/a.log input1'])
  mounts.two.hang()
  write('local/b.log')
  await ticking('the local one', () => looks.length > 0)
  assert.deepEqual(sighted(), ['/local/a.log input2', '/local/b.log input2'])
  await discovery.lookLast('local')
  mounts.one.answer()
  mounts.two.answer()
  await ticking('the first mount', () => looks.some(({ directory }) => directory.volume.remote))
})

void test('looks at a local directory again although a mount below it hangs', async (t) => {
  const mount = new RemoteMount('7')
  const local = countedVolume()
  const facts = local.facts.bind(local)
  const { discovery, write, looks, ticking, path } = discoveryWorld(t, {
    inputs: ['logs/*/*.log'],
    volumeOf: (path) => (path.endsWith('mount') ? mount : local),
  })
  local.facts = (asked) => {
    if (asked.endsWith('/mount')) throw systemError('EREMOTE', 'stat')
    return facts(asked)
  }
  write('logs/mount/a.log')
  write('logs/near/a.log')
  mount.hang()
  void discovery.lookAround()
  await until(() => looks.length === 2, { what: 'the local looks' })
  write('logs/later/a.log')
  await ticking('the later one', () => looks.some(({ directory }) => directory.path === path('logs/later')))
  await discovery.lookLast('local')
  mount.answer()
  await ticking('the mount', () => looks.some(({ directory }) => directory.path === path('logs/mount')))
})
