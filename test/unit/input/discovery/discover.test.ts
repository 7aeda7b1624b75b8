import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Directory, Look } from '../../../../src/input/discovery/directory.ts'
import { Discovery } from '../../../../src/input/discovery/discover.ts'
import type { InputRules } from '../../../../src/input/input-rules.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { hear } from '../../../support/hear.ts'
import { rulesFor } from '../../../support/reading.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'
import { RemoteMount, countedVolume, inLine } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

interface Setting {
  /** Globs below the fresh directory, one input each; or whole rules. */
  readonly inputs: readonly (string | ((root: string) => InputRules))[]
  readonly volumeOf?: (path: string, root: string) => Volume
  /** Answer of every look: whether it has to be repeated soon. */
  readonly again?: () => boolean
  /** What a look takes, on the clocks. */
  readonly lookMs?: () => number
}

function scene(t: TestContext, setting: Setting) {
  const root = freshDirectory(t)
  const ear = hear()
  // the wall clock is ahead of the file times, so that no look is repeated for the grain of these
  const wall = new HandClock(Date.now() + 3_600_000)
  const clock = new HandClock()
  const told: string[] = []
  const short = (path: string): string => path.slice(root.length) || '/'
  const looks: { directory: Directory; look: Look }[] = []
  const firstLooks: string[] = []
  const discovery = new Discovery({
    inputs: setting.inputs.map((input, n) =>
      typeof input === 'string' ? rulesFor(join(root, input), { id: `input${n}` }) : input(root),
    ),
    events: ear.events,
    now: wall.read,
    clock: clock.read,
    sweepMs: 30_000,
    seen(directory, look) {
      looks.push({ directory, look })
      if (directory.wasThere) firstLooks.push(short(directory.path))
      const lookMs = setting.lookMs?.() ?? 0
      wall.advance(lookMs)
      clock.advance(lookMs)
      return Promise.resolve(setting.again?.() ?? false)
    },
    volumeOf: (path) => setting.volumeOf?.(path, root) ?? localVolume,
    entered: (directory) => void told.push(`entered ${short(directory.path)}`),
    left: (directory) => void told.push(`left ${short(directory.path)}`),
  })
  t.after(() => discovery.stop())
  const write = (name: string): void => {
    mkdirSync(join(root, name, '..'), { recursive: true })
    writeFileSync(join(root, name), 'a line\n')
  }
  /** Ticks until the condition holds: other directories' entering goes on beside a tick. */
  const ticking = async (what: string, condition: () => boolean): Promise<void> => {
    await until(async () => (await discovery.tick(), condition()), { what, every: 1 })
  }
  return {
    root,
    discovery,
    ear,
    wall,
    clock,
    told,
    looks,
    /** Looks at what was there at the start. */
    firstLooks,
    write,
    ticking,
    path: (name: string) => join(root, name),
    /** Since the last call: directories looked at. */
    looked: () => looks.splice(0).map(({ directory }) => short(directory.path)),
    /** Since the last call: `path input` of every sighting, the last look at each directory counting. */
    sighted: () => {
      const last = new Map(looks.splice(0).map(({ directory, look }) => [directory.path, { directory, look }]))
      return [...last.values()]
        .flatMap(({ directory, look }) =>
          look.sightings.map(
            ({ name, kind, interest }) =>
              `${short(directory.pathOf(name))} ${interest.rules.id}${kind === 'live' ? '' : ` ${kind}`}`,
          ),
        )
        .sort()
    },
  }
}

/** A scene in which a directory with one file was looked at. */
async function lookedAt(t: TestContext, setting: Omit<Setting, 'inputs'> = {}) {
  const one = scene(t, { inputs: ['*.log'], ...setting })
  one.write('a.log')
  await one.discovery.lookAround()
  const [directory] = one.discovery.directories()
  assert.ok(directory)
  return { ...one, directory }
}

void test('finds what is there, and what comes later', async (t) => {
  const { discovery, write, sighted, ticking, looks } = scene(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  write('logs/a.txt')
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/a.log input0'])
  write('logs/b.log')
  await ticking('b.log', () => looks.length > 0)
  assert.deepEqual(sighted(), ['/logs/a.log input0', '/logs/b.log input0'])
})

void test('waits for directories that do not exist yet, nested ones too', async (t) => {
  const { discovery, told, write, ticking, sighted } = scene(t, { inputs: ['later/logs/*/*.log'] })
  await discovery.lookAround()
  await discovery.tick()
  assert.deepEqual(told, [])
  write('later/logs/web/a.log')
  await ticking('the nested directory', () => told.length === 2)
  assert.deepEqual(told, ['entered /later/logs', 'entered /later/logs/web'])
  write('later/logs/api/b.log')
  await ticking('the other one', () => told.length === 3)
  assert.deepEqual(sighted(), ['/later/logs/api/b.log input0', '/later/logs/web/a.log input0'])
})

void test('does not look where nothing came or went', async (t) => {
  const { discovery, write, looked } = scene(t, { inputs: ['*.log', '*/*.log'] })
  write('a.log')
  write('deep/b.log')
  await discovery.lookAround()
  assert.deepEqual(looked(), ['/', '/deep'])
  for (let tick = 0; tick < 5; tick++) await discovery.tick()
  assert.deepEqual(looked(), [])
  write('deep/c.log')
  await discovery.tick()
  assert.deepEqual(looked(), ['/deep'])
})

void test('looks once more when the last change is as young as file times are coarse', async (t) => {
  const { discovery, write, looked, wall, path } = scene(t, { inputs: ['*.log'] })
  write('a.log')
  const mtimeMs = statSync(path('.')).mtimeMs
  wall.advance(mtimeMs + 40 - wall.read())
  await discovery.lookAround()
  await discovery.tick()
  assert.deepEqual(looked(), ['/', '/'], 'a name may have come since, in the same tick of the file system')
  wall.advance(20)
  await discovery.tick()
  await discovery.tick()
  assert.deepEqual(looked(), ['/'])
})

void test('looks again soon where a look says so', async (t) => {
  let again = true
  const { discovery, looked } = await lookedAt(t, { again: () => again })
  await discovery.tick()
  again = false
  await discovery.tick()
  await discovery.tick()
  assert.deepEqual(looked(), ['/', '/', '/'])
})

void test('looks everywhere once in a while, whatever the file times say', async (t) => {
  const { discovery, looked, clock } = await lookedAt(t)
  clock.advance(29_000)
  await discovery.tick()
  assert.deepEqual(looked(), ['/'])
  clock.advance(2000)
  await discovery.tick()
  await discovery.tick()
  assert.deepEqual(looked(), ['/'])
})

void test('looks once more when asked during a look, and not more often', async (t) => {
  const { discovery, looked, directory } = await lookedAt(t)
  await Promise.all(Array.from({ length: 10 }, () => discovery.look(directory)))
  assert.deepEqual(looked(), ['/', '/', '/'])
})

void test('rests after long looks, by as much as they are long, and looks then without waiting for a tick', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { discovery, looked, clock, directory } = await lookedAt(t, { lookMs: () => 200 })
  await discovery.look(directory)
  looked()
  const rest = directory.notBefore - clock.read()
  assert.ok(rest >= 1000 && rest <= 2000, `${rest}`)
  for (let i = 0; i < 5; i++) await discovery.look(directory)
  clock.advance(rest)
  t.mock.timers.tick(rest - 1)
  await loopTurn()
  assert.deepEqual(looked(), [])
  t.mock.timers.tick(1)
  await loopTurn()
  assert.deepEqual(looked(), ['/'])
  clock.advance(10_000)
  t.mock.timers.tick(10_000)
  await loopTurn()
  assert.deepEqual(looked(), [], 'once')
})

void test('does not rest for a look in the middle of which the process was stopped', async (t) => {
  // the first one too, and again later
  const looksMs = [45_000, 5, 45_000, 5, 45_000, 5]
  const { discovery, looked, directory } = await lookedAt(t, { lookMs: () => looksMs.shift() ?? 5 })
  for (let look = 2; look <= 6; look++) {
    await discovery.look(directory)
    assert.equal(looked().length, look === 2 ? 2 : 1, `look ${look}`)
  }
})

void test('never rests for longer than 10 s', async (t) => {
  const { discovery, clock, directory } = await lookedAt(t, { lookMs: () => 5000 })
  await discovery.look(directory)
  assert.equal(Math.round(directory.notBefore - clock.read()), 10_000)
})

void test('does not rest after a short look', async (t) => {
  const { discovery, looked, directory } = await lookedAt(t, { lookMs: () => 2 })
  for (let i = 0; i < 5; i++) await discovery.look(directory)
  assert.equal(looked().length, 6)
})

void test('does not rest for ever when the wall clock is set back', async (t) => {
  const { discovery, write, looked, wall } = await lookedAt(t)
  wall.advance(-7_200_000)
  write('b.log')
  await discovery.tick()
  assert.deepEqual(looked(), ['/', '/'])
})

void test('notices that a directory was removed, with all below it', async (t) => {
  const { discovery, told, write, path, ticking } = scene(t, { inputs: ['a/*/*/*.log'] })
  write('a/b/c/x.log')
  await discovery.lookAround()
  rmSync(path('a'), { recursive: true })
  await discovery.tick()
  assert.deepEqual(told.splice(0).slice(3), ['left /a', 'left /a/b', 'left /a/b/c'])
  write('a/b/c/x.log')
  await ticking('the new ones', () => told.length === 3)
  assert.deepEqual(told, ['entered /a', 'entered /a/b', 'entered /a/b/c'])
})

void test('enters a directory again that another took the place of', async (t) => {
  const { discovery, told, write, path, sighted } = scene(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  await discovery.lookAround()
  renameSync(path('logs'), path('old'))
  write('logs/b.log')
  await discovery.tick()
  assert.deepEqual(told, ['entered /logs', 'entered /logs'])
  assert.deepEqual(sighted(), ['/logs/b.log input0'])
})

void test('notices another directory even when its times are the same', async (t) => {
  const { discovery, write, path, told } = scene(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  utimesSync(path('logs'), 1_700_000_000, 1_700_000_000)
  await discovery.lookAround()
  renameSync(path('logs'), path('old'))
  write('logs/b.log')
  utimesSync(path('logs'), 1_700_000_000, 1_700_000_000)
  await discovery.tick()
  assert.deepEqual(told, ['entered /logs', 'entered /logs'])
})

void test('goes on where a directory cannot be listed, and tells why', async (t) => {
  let denied = true
  const volume = countedVolume()
  const list = volume.list.bind(volume)
  volume.list = (path) => {
    if (denied && path.endsWith('/closed')) throw systemError('EACCES', 'scandir')
    return list(path)
  }
  const { discovery, write, sighted, ear, path } = scene(t, {
    inputs: ['*/*.log'],
    volumeOf: () => volume,
  })
  write('closed/a.log')
  write('open/b.log')
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/open/b.log input0'])
  assert.deepEqual(ear.heard('fileDenied')[0]?.[0], path('closed'))
  denied = false
  await discovery.tick()
  assert.deepEqual(sighted(), ['/closed/a.log input0'])
})

void test('knows a directory that could not be asked about at the start for one that was there', async (t) => {
  let denied = true
  const volume = countedVolume()
  const facts = volume.facts.bind(volume)
  volume.facts = (path) => {
    if (denied && path.includes('/closed')) throw systemError('EACCES', 'stat')
    return facts(path)
  }
  const { discovery, write, firstLooks, ticking, looks } = scene(t, {
    inputs: ['closed/*.log', 'open/*/*.log', 'later/*.log'],
    volumeOf: () => volume,
  })
  write('closed/a.log')
  write('open/closed-too/a.log')
  await discovery.lookAround()
  denied = false
  write('later/a.log')
  write('open/later/a.log')
  await ticking('all', () => looks.filter(({ look }) => look.sightings.length > 0).length === 4)
  assert.deepEqual(firstLooks.sort(), ['/closed', '/open', '/open/closed-too'])
})

void test('knows what was there at the start from what came later', async (t) => {
  const { discovery, write, firstLooks, ticking, looks } = scene(t, { inputs: ['*/*.log'] })
  write('first/a.log')
  await discovery.lookAround()
  write('first/b.log')
  write('second/a.log')
  await ticking('the second', () => looks.some(({ directory }) => directory.path.endsWith('second')))
  assert.deepEqual(firstLooks, ['/', '/first'])
})

// -- several globs ---------------------------------------------------------------------------------------------------

void test('gives a file to the first input that wants it, whichever way its directory is reached', async (t) => {
  const globs = ['*/x.log', 'app/*.log', '**/z.log', 'app/deep/*.log', '*/deep/y.log']
  const { discovery, write, sighted } = scene(t, { inputs: globs })
  for (const name of ['app/x.log', 'app/y.log', 'app/z.log', 'app/deep/y.log', 'app/deep/z.log', 'z.log']) write(name)
  await discovery.lookAround()
  assert.deepEqual(sighted(), [
    '/app/deep/y.log input3',
    '/app/deep/z.log input2',
    '/app/x.log input0',
    '/app/y.log input1',
    '/app/z.log input1',
    '/z.log input2',
  ])
})

void test('seeks all that is sought in a directory from its first look on', async (t) => {
  const { discovery, write, looks } = scene(t, { inputs: ['app/*.log', '*/*.txt', '**/*.csv'] })
  for (const name of ['app/a.log', 'app/a.txt', 'app/a.csv']) write(name)
  await discovery.lookAround()
  const first = looks.find(({ directory }) => directory.path.endsWith('/app'))
  assert.deepEqual(first?.look.sightings.map(({ name }) => name).sort(), ['a.csv', 'a.log', 'a.txt'])
  assert.equal(looks.length, 2, 'each directory once')
})

void test('finds files at any depth, also at none', async (t) => {
  const { discovery, write, sighted } = scene(t, { inputs: ['logs/**/*.log'] })
  for (const name of ['a.log', 'b/a.log', 'b/c/d/a.log', '.hidden/a.log', 'b/.a.log']) write(`logs/${name}`)
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/a.log input0', '/logs/b/a.log input0', '/logs/b/c/d/a.log input0'])
})

void test('knows patterns before and behind any depth', async (t) => {
  const { discovery, write, sighted } = scene(t, { inputs: ['*/logs/**/day/*.log'] })
  for (const name of ['web/logs/day/a.log', 'web/logs/x/y/day/b.log', 'web/day/c.log', 'logs/day/d.log']) write(name)
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/web/logs/day/a.log input0', '/web/logs/x/y/day/b.log input0'])
})

// -- links -----------------------------------------------------------------------------------------------------------

void test('does not go round in circles where links lead back', async (t) => {
  const { discovery, write, path, sighted, told } = scene(t, { inputs: ['logs/**/*.log'] })
  write('logs/app/a.log')
  for (const name of ['one', 'two', 'three']) symlinkSync('..', path(`logs/app/${name}`))
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/app/a.log input0'])
  assert.deepEqual(told, ['entered /logs', 'entered /logs/app'])
})

void test('follows a link to a directory that a pattern names', async (t) => {
  const { discovery, write, path, sighted } = scene(t, { inputs: ['logs/*/*.log'] })
  write('elsewhere/a.log')
  mkdirSync(path('logs'))
  symlinkSync('../elsewhere', path('logs/app'))
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/app/a.log input0'])
})

void test('notices that the file behind a link is another one, or there at last', async (t) => {
  const { discovery, write, path, looked, sighted } = scene(t, { inputs: ['links/*.log'] })
  write('pods/0.log')
  mkdirSync(path('links'))
  symlinkSync('../pods/0.log', path('links/web.log'))
  symlinkSync('../pods/1.log', path('links/api.log'))
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/links/web.log input0'])
  await discovery.tick()
  assert.deepEqual(looked(), [])
  renameSync(path('pods/0.log'), path('pods/0.log.20261122'))
  write('pods/0.log')
  await discovery.tick()
  assert.deepEqual(looked(), ['/links'])
  write('pods/1.log')
  await discovery.tick()
  assert.deepEqual(sighted(), ['/links/api.log input0', '/links/web.log input0'])
  unlinkSync(path('pods/1.log'))
  await discovery.tick()
  assert.deepEqual(sighted(), ['/links/web.log input0'])
})

// -- mounts that hang ------------------------------------------------------------------------------------------------

void test('asks a mount one thing at a time', async (t) => {
  const mount = new RemoteMount('7')
  const volume = inLine(mount)
  const { discovery, write, sighted } = scene(t, {
    inputs: ['logs/*/*.log', 'logs/**/*.txt', 'logs/1/*.log', 'logs/2/*.log'],
    volumeOf: () => volume,
  })
  for (let n = 0; n < 20; n++) write(`logs/${n}/a.log`)
  await discovery.lookAround()
  assert.equal(sighted().length, 20)
  assert.equal(mount.mostPending, 1)
})

void test('knows what it has not seen yet, because a mount does not answer', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path } = scene(t, {
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

void test('has not seen a directory while the one beside it takes its time', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path } = scene(t, { inputs: ['logs/*/*.log'], volumeOf: () => mount })
  for (const name of ['1', '2']) write(`logs/${name}/a.log`)
  const list = mount.list.bind(mount)
  const listed: string[] = []
  mount.list = (place) => {
    if (place !== path('logs')) listed.push(place)
    // the second one, whichever that is
    if (listed.length === 2) mount.hang()
    return list(place)
  }
  const looking = discovery.lookAround()
  await until(() => listed.length === 2, { what: 'the second one' })
  for (const name of ['1', '2']) assert.ok(!discovery.hasSeen(path(`logs/${name}/a.log`)), name)
  mount.answer()
  await looking
  for (const name of ['1', '2']) assert.ok(discovery.hasSeen(path(`logs/${name}/a.log`)), name)
})

void test('knows since when it has asked everywhere, mounts that hang left out if need be', async (t) => {
  const mount = new RemoteMount('7')
  const { discovery, write, path, clock, ticking } = scene(t, {
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
  assert.deepEqual(asked(), [begin, -Infinity], 'the look at what is above began first')
  mount.answer()
  await looking
  assert.equal(discovery.askedAt(true), begin)
  // what has not changed need not be looked at
  clock.advance(1000)
  const later = clock.read()
  await discovery.tick()
  assert.equal(discovery.askedAt(false), later)
  await ticking('the mount is asked, too', () => discovery.askedAt(true) >= later)
})

void test('has asked also where a directory cannot be listed', async (t) => {
  const { discovery, clock } = scene(t, {
    inputs: ['*.log'],
    volumeOf: () => countedVolume({ list: () => { throw systemError('EACCES', 'scandir') } }), // prettier-ignore
  })
  await discovery.lookAround()
  assert.equal(discovery.askedAt(false), clock.read())
})

void test('has not asked while it rests after a long look', async (t) => {
  const { discovery, directory, clock } = await lookedAt(t, { lookMs: () => 500 })
  await discovery.look(directory)
  const before = discovery.askedAt(false)
  assert.ok(directory.notBefore > clock.read())
  await discovery.look(directory)
  await discovery.tick()
  assert.equal(discovery.askedAt(false), before)
})

void test('asks once which volume a directory is on, not for every directory below', async (t) => {
  const asked: string[] = []
  const { discovery, write } = scene(t, {
    inputs: ['logs/*/*.log'],
    volumeOf: (path) => (asked.push(path), localVolume),
  })
  for (let n = 0; n < 20; n++) write(`logs/${n}/a.log`)
  await discovery.lookAround()
  assert.equal(asked.length, 1)
})

void test('goes on elsewhere while a mount hangs, and there when it answers', async (t) => {
  const mounts = { one: new RemoteMount('7'), two: new RemoteMount('8') }
  const { discovery, write, sighted, ticking, looks } = scene(t, {
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
  const { discovery, write, looks, ticking, path } = scene(t, {
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

void test('looks at nothing any more once it is stopped', async (t) => {
  const { discovery, write, looked, looks } = scene(t, { inputs: ['*/*.log'] })
  write('one/a.log')
  await discovery.lookAround()
  looked()
  discovery.stop()
  write('two/a.log')
  write('one/b.log')
  await discovery.tick()
  for (const directory of discovery.directories()) await discovery.look(directory)
  await loopTurn()
  assert.equal(looks.length, 0)
})

void test('looks everywhere a last time, also where it would rest', async (t) => {
  const { discovery, write, sighted, clock } = scene(t, { inputs: ['*.log', '*/*.log'], lookMs: () => 100 })
  write('a.log')
  write('deep/a.log')
  await discovery.lookAround()
  for (const directory of discovery.directories()) {
    await discovery.look(directory)
    assert.ok(directory.notBefore > clock.read(), 'it would rest')
  }
  sighted()
  write('b.log')
  write('deep/b.log')
  write('new/c.log')
  await discovery.lookLast('local')
  assert.deepEqual(sighted(), [
    '/a.log input0',
    '/b.log input0',
    '/deep/a.log input1',
    '/deep/b.log input1',
    '/new/c.log input1',
  ])
})
