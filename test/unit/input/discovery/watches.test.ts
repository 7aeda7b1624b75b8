import assert from 'node:assert/strict'
import fs, {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Directory } from '../../../../src/input/discovery/directory.ts'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { Watches } from '../../../../src/input/discovery/watches.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { paperFile } from '../../../support/reading.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'
import { RemoteMount } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

function scene(t: TestContext, pollMs = 100) {
  const root = freshDirectory(t)
  mkdirSync(join(root, 'logs'))
  const directory = new Directory(join(root, 'logs'), localVolume, [])
  const clock = new HandClock()
  const told: string[] = []
  const watches = new Watches({
    clock: clock.read,
    pollMs,
    changed: (at, name) => void told.push(`changed ${name ?? 'all'}${at === directory ? '' : ' elsewhere'}`),
    renamed: () => void told.push('renamed'),
    unavailable: (at, reason) => void told.push(`unavailable ${at === directory} ${reason}`),
  })
  t.after(() => watches.close())
  const path = (name: string): string => join(directory.path, name)
  return {
    root,
    directory,
    clock,
    watches,
    told,
    path,
    heard: (what: string) => until(() => told.includes(what), { what: () => `${what}; it told ${told.join(', ')}` }),
  }
}

/** inotify instances of this process. */
const inotifies = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes('inotify')
    } catch {
      return false
    }
  }).length

void test('tells that a file changed, by its bytes, and that names came and went', async (t) => {
  const { directory, watches, told, heard } = scene(t)
  const path = Buffer.from(join(directory.path, '\xff.log'), 'latin1')
  assert.ok(watches.arm(directory))
  assert.ok(watches.isWatched(directory))
  writeFileSync(path, '')
  await heard('renamed')
  appendFileSync(path, 'x')
  await heard('changed \xff.log')
  told.splice(0)
  rmSync(path)
  await heard('renamed')
})

void test('is armed once, and can be disarmed and armed again', async (t) => {
  const { directory, watches, told, path, heard } = scene(t)
  assert.ok(!watches.isWatched(directory))
  for (let i = 0; i < 3; i++) assert.ok(watches.arm(directory))
  watches.disarm(directory)
  watches.disarm(directory)
  assert.ok(!watches.isWatched(directory))
  writeFileSync(path('a.log'), '')
  assert.ok(watches.arm(directory))
  writeFileSync(path('b.log'), '')
  await heard('renamed')
  watches.forget(directory)
  assert.ok(!watches.isWatched(directory))
  assert.ok(told.every((what) => what === 'renamed' || what.startsWith('changed')))
})

void test('un-watches a busy directory, and says that anything may have happened', async (t) => {
  const { directory, watches, told, path, heard } = scene(t)
  const write = (): void => ['a.log', 'b.log'].forEach((name) => appendFileSync(path(name), 'x'))
  write()
  watches.arm(directory)
  // by turns: the kernel makes one event of two that are equal
  for (let i = 0; i < 100; i++) write()
  await heard('changed all')
  assert.ok(!watches.isWatched(directory))
  assert.ok(told.length < 10, `${told.length} events heard`)
  told.splice(0)
  assert.ok(watches.arm(directory), 'when it is quiet again')
  appendFileSync(path('a.log'), 'x')
  await heard('changed a.log')
})

for (const [what, settings] of Object.entries({
  'little happens at a time': { pollMs: 100, everyMs: 250, files: 1 },
  'more happens, where polls are frequent': { pollMs: 5, everyMs: 11, files: 1 },
  'more happens, where there are many files to be polled instead': { pollMs: 100, everyMs: 20, files: 1000 },
})) {
  void test(`keeps watching a directory in which ${what}`, async (t) => {
    const { directory, watches, told, path, clock } = scene(t, settings.pollMs)
    writeFileSync(path('a.log'), '')
    for (let n = 0; n < settings.files; n++) directory.files.set(`${n}.log`, paperFile(`${n}.log`))
    watches.arm(directory)
    for (let i = 0; i < 120; i++) {
      const before = told.length
      appendFileSync(path('a.log'), 'x')
      await until(() => told.length > before, { what: 'the event', every: 1 })
      clock.advance(settings.everyMs)
    }
    assert.ok(watches.isWatched(directory))
    // twice as much is too much
    for (let i = 0; i < 240 && watches.isWatched(directory); i++) {
      const before = told.length
      appendFileSync(path('a.log'), 'x')
      await until(() => told.length > before, { what: 'the event', every: 1 })
      clock.advance(settings.everyMs / 2)
    }
    assert.ok(!watches.isWatched(directory))
  })
}

void test('tells once that no watch can be had, and asks again after half a minute', (t) => {
  const { directory, watches, told, clock } = scene(t)
  let attempts = 0
  const refuse = t.mock.method(fs, 'watch', () => {
    attempts++
    throw systemError('ENOSPC', 'watch')
  })
  for (let i = 0; i < 3; i++) assert.ok(!watches.arm(directory))
  clock.advance(29_999)
  assert.ok(!watches.arm(directory))
  assert.equal(attempts, 1)
  clock.advance(1)
  assert.ok(!watches.arm(directory))
  assert.equal(attempts, 2)
  assert.deepEqual(told, ['unavailable true ENOSPC'])
  refuse.mock.restore()
  clock.advance(30_000)
  assert.ok(watches.arm(directory))
})

void test('says nothing of a directory that is not there: that is for discovery', (t) => {
  const { directory, watches, told } = scene(t)
  rmSync(directory.path, { recursive: true })
  assert.ok(!watches.arm(directory))
  mkdirSync(directory.path)
  assert.ok(watches.arm(directory), 'and does not make it wait')
  assert.deepEqual(told, [])
})

void test('does not ask for watches on mounts that can hang', (t) => {
  const { watches, told } = scene(t)
  const remote = new Directory(freshDirectory(t), new RemoteMount('7'), [])
  assert.ok(!watches.arm(remote))
  assert.deepEqual(told, [])
})

void test('does not go deaf when its directory is removed and comes back', async (t) => {
  const { directory, watches, told, path, heard } = scene(t)
  watches.arm(directory)
  const { ino } = statSync(directory.path)
  for (let attempt = 0; attempt < 20; attempt++) {
    rmSync(directory.path, { recursive: true })
    mkdirSync(directory.path)
    // the same inode, so that nobody can tell by the numbers
    if (statSync(directory.path).ino === ino) break
  }
  await heard('renamed')
  await until(() => watches.arm(directory), { what: 'a watch' })
  told.splice(0)
  writeFileSync(path('a.log'), 'x')
  await heard('renamed')
})

void test('does not go on watching a directory that was moved away', async (t) => {
  const { directory, watches, told, path, heard, root } = scene(t)
  watches.arm(directory)
  renameSync(directory.path, join(root, 'old'))
  mkdirSync(directory.path)
  await heard('renamed')
  await until(() => watches.arm(directory), { what: 'a watch' })
  told.splice(0)
  writeFileSync(path('a.log'), 'x')
  await heard('renamed')
})

void test('watches many directories with one inotify instance', (t) => {
  const { root, watches } = scene(t)
  const before = inotifies()
  for (let n = 0; n < 50; n++) {
    mkdirSync(join(root, String(n)))
    assert.ok(watches.arm(new Directory(join(root, String(n)), localVolume, [])))
  }
  assert.ok(inotifies() <= Math.max(before, 1))
})

void test('tells that everything may change unheard when a watch breaks', (t) => {
  const { watches, directory, told } = scene(t)
  const { watch } = fs
  let watcher: fs.FSWatcher | undefined
  t.mock.method(fs, 'watch', (...how: Parameters<typeof watch>) => (watcher = watch(...how)))
  assert.ok(watches.arm(directory))
  watcher?.emit('error', systemError('EBADF', 'watch'))
  assert.deepEqual(told, ['unavailable true EBADF', 'changed all'])
  assert.ok(!watches.isWatched(directory))
})

void test('hears nothing any more once it is closed', async (t) => {
  const { directory, watches, told, path } = scene(t)
  watches.arm(directory)
  const other = new Directory(freshDirectory(t), localVolume, [])
  const heard: string[] = []
  const second = new Watches({
    clock: () => 0,
    pollMs: 5,
    changed: () => undefined,
    renamed: () => void heard.push('renamed'),
    unavailable: () => undefined,
  })
  t.after(() => second.close())
  watches.close()
  second.arm(other)
  writeFileSync(path('a.log'), '')
  writeFileSync(join(other.path, 'a.log'), '')
  await until(() => heard.length > 0, { what: 'the other one' })
  assert.deepEqual(told, [])
})
