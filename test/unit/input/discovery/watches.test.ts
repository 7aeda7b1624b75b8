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

function watchesIn(t: TestContext, pollMs = 100) {
  const root = freshDirectory(t)
  mkdirSync(join(root, 'logs'))
  const directory = new Directory(join(root, 'logs'), localVolume, [])
  const clock = new HandClock()
  const reports: string[] = []
  const watches = new Watches({
    clock: clock.read,
    pollMs,
    changed: (at, name) => void reports.push(`changed ${name ?? 'all'}${at === directory ? '' : ' elsewhere'}`),
    renamed: () => void reports.push('renamed'),
    unavailable: (at, reason) => void reports.push(`unavailable ${at === directory} ${reason}`),
  })
  t.after(() => watches.close())
  const path = (name: string): string => join(directory.path, name)
  return {
    root,
    directory,
    clock,
    watches,
    reports,
    path,
    reported: (what: string) =>
      until(() => reports.includes(what), { what: () => `${what}; reported were ${reports.join(', ')}` }),
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

void test('reports that a file changed, with the bytes of its name, and that names came or went', async (t) => {
  const { directory, watches, reports, reported } = watchesIn(t)
  const path = Buffer.from(join(directory.path, '\xff.log'), 'latin1')
  assert.ok(watches.arm(directory))
  assert.ok(watches.isWatched(directory))
  writeFileSync(path, '')
  await reported('renamed')
  appendFileSync(path, 'x')
  await reported('changed \xff.log')
  reports.splice(0)
  rmSync(path)
  await reported('renamed')
})

void test('is armed once, and can be disarmed and armed again', async (t) => {
  const { directory, watches, reports, path, reported } = watchesIn(t)
  assert.ok(!watches.isWatched(directory))
  for (let i = 0; i < 3; i++) assert.ok(watches.arm(directory))
  watches.disarm(directory)
  watches.disarm(directory)
  assert.ok(!watches.isWatched(directory))
  writeFileSync(path('a.log'), '')
  assert.ok(watches.arm(directory))
  writeFileSync(path('b.log'), '')
  await reported('renamed')
  watches.forget(directory)
  assert.ok(!watches.isWatched(directory))
  assert.ok(reports.every((what) => what === 'renamed' || what.startsWith('changed')))
})

void test('un-watches a busy directory, and reports that anything in it may have changed', async (t) => {
  const { directory, watches, reports, path, reported } = watchesIn(t)
  const write = (): void => ['a.log', 'b.log'].forEach((name) => appendFileSync(path(name), 'x'))
  write()
  watches.arm(directory)
  // alternating, since the kernel merges two equal events into one
  for (let i = 0; i < 100; i++) write()
  await reported('changed all')
  assert.ok(!watches.isWatched(directory))
  assert.ok(reports.length < 10, `${reports.length} events reported`)
  reports.splice(0)
  assert.ok(watches.arm(directory), 'when it is quiet again')
  appendFileSync(path('a.log'), 'x')
  await reported('changed a.log')
})

for (const [what, settings] of Object.entries({
  'little happens at a time': { pollMs: 100, everyMs: 250, files: 1 },
  'more happens, where polls are frequent': { pollMs: 5, everyMs: 11, files: 1 },
  'more happens, where there are many files to be polled instead': { pollMs: 100, everyMs: 20, files: 1000 },
})) {
  void test(`keeps watching a directory in which ${what}`, async (t) => {
    const { directory, watches, reports, path, clock } = watchesIn(t, settings.pollMs)
    writeFileSync(path('a.log'), '')
    for (let n = 0; n < settings.files; n++) directory.files.set(`${n}.log`, paperFile(`${n}.log`))
    watches.arm(directory)
    for (let i = 0; i < 120; i++) {
      const before = reports.length
      appendFileSync(path('a.log'), 'x')
      await until(() => reports.length > before, { what: 'the event', every: 1 })
      clock.advance(settings.everyMs)
    }
    assert.ok(watches.isWatched(directory))
    // twice as many events are too many
    for (let i = 0; i < 240 && watches.isWatched(directory); i++) {
      const before = reports.length
      appendFileSync(path('a.log'), 'x')
      await until(() => reports.length > before, { what: 'the event', every: 1 })
      clock.advance(settings.everyMs / 2)
    }
    assert.ok(!watches.isWatched(directory))
  })
}

void test('reports once that no watch can be had, and tries again after half a minute', (t) => {
  const { directory, watches, reports, clock } = watchesIn(t)
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
  assert.deepEqual(reports, ['unavailable true ENOSPC'])
  refuse.mock.restore()
  clock.advance(30_000)
  assert.ok(watches.arm(directory))
})

void test('reports nothing about a directory that does not exist: discovery does', (t) => {
  const { directory, watches, reports } = watchesIn(t)
  rmSync(directory.path, { recursive: true })
  assert.ok(!watches.arm(directory))
  mkdirSync(directory.path)
  assert.ok(watches.arm(directory), 'and does not make it wait')
  assert.deepEqual(reports, [])
})

void test('sets no watches on mounts that can hang', (t) => {
  const { watches, reports } = watchesIn(t)
  const remote = new Directory(freshDirectory(t), new RemoteMount('7'), [])
  assert.ok(!watches.arm(remote))
  assert.deepEqual(reports, [])
})

void test('hears events again after its directory was removed and came back', async (t) => {
  const { directory, watches, reports, path, reported } = watchesIn(t)
  watches.arm(directory)
  const { ino } = statSync(directory.path)
  for (let attempt = 0; attempt < 20; attempt++) {
    rmSync(directory.path, { recursive: true })
    mkdirSync(directory.path)
    // the same inode, so that the numbers do not show the difference
    if (statSync(directory.path).ino === ino) break
  }
  await reported('renamed')
  await until(() => watches.arm(directory), { what: 'a watch' })
  reports.splice(0)
  writeFileSync(path('a.log'), 'x')
  await reported('renamed')
})

void test('does not go on watching a directory that was moved away', async (t) => {
  const { directory, watches, reports, path, reported, root } = watchesIn(t)
  watches.arm(directory)
  renameSync(directory.path, join(root, 'old'))
  mkdirSync(directory.path)
  await reported('renamed')
  await until(() => watches.arm(directory), { what: 'a watch' })
  reports.splice(0)
  writeFileSync(path('a.log'), 'x')
  await reported('renamed')
})

void test('watches many directories with one inotify instance', (t) => {
  const { root, watches } = watchesIn(t)
  const before = inotifies()
  for (let n = 0; n < 50; n++) {
    mkdirSync(join(root, String(n)))
    assert.ok(watches.arm(new Directory(join(root, String(n)), localVolume, [])))
  }
  assert.ok(inotifies() <= Math.max(before, 1))
})

void test('reports that anything may change without an event when a watch breaks', (t) => {
  const { watches, directory, reports } = watchesIn(t)
  const { watch } = fs
  let watcher: fs.FSWatcher | undefined
  t.mock.method(fs, 'watch', (...how: Parameters<typeof watch>) => (watcher = watch(...how)))
  assert.ok(watches.arm(directory))
  watcher?.emit('error', systemError('EBADF', 'watch'))
  assert.deepEqual(reports, ['unavailable true EBADF', 'changed all'])
  assert.ok(!watches.isWatched(directory))
})

void test('hears nothing once it is closed', async (t) => {
  const { directory, watches, reports, path } = watchesIn(t)
  watches.arm(directory)
  const other = new Directory(freshDirectory(t), localVolume, [])
  const reported: string[] = []
  const second = new Watches({
    clock: () => 0,
    pollMs: 5,
    changed: () => undefined,
    renamed: () => void reported.push('renamed'),
    unavailable: () => undefined,
  })
  t.after(() => second.close())
  watches.close()
  second.arm(other)
  writeFileSync(path('a.log'), '')
  writeFileSync(join(other.path, 'a.log'), '')
  await until(() => reported.length > 0, { what: 'the other one' })
  assert.deepEqual(reports, [])
})
