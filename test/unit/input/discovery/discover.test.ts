import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, unlinkSync, utimesSync } from 'node:fs'
import { test } from 'node:test'
import { discoveryWorld, worldLookedAt } from '../../../support/discovery-world.ts'
import { systemError } from '../../../support/system-error.ts'
import { countedVolume } from '../../../support/volumes.ts'

void test('finds files that exist, and files that come later', async (t) => {
  const { discovery, write, sighted, ticking, looks } = discoveryWorld(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  write('logs/a.txt')
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/a.log input0'])
  write('logs/b.log')
  await ticking('b.log', () => looks.length > 0)
  assert.deepEqual(sighted(), ['/logs/a.log input0', '/logs/b.log input0'])
})

void test('enters directories when they appear, nested ones too', async (t) => {
  const { discovery, reports, write, ticking, sighted } = discoveryWorld(t, { inputs: ['later/logs/*/*.log'] })
  await discovery.lookAround()
  await discovery.tick()
  assert.deepEqual(reports, [])
  write('later/logs/web/a.log')
  await ticking('the nested directory', () => reports.length === 2)
  assert.deepEqual(reports, ['entered /later/logs', 'entered /later/logs/web'])
  write('later/logs/api/b.log')
  await ticking('the other one', () => reports.length === 3)
  assert.deepEqual(sighted(), ['/later/logs/api/b.log input0', '/later/logs/web/a.log input0'])
})

void test('does not look at a directory in which no name came or went', async (t) => {
  const { discovery, write, looked } = discoveryWorld(t, { inputs: ['*.log', '*/*.log'] })
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

void test('looks once more when the last change is younger than the granularity of file times', async (t) => {
  const { discovery, write, looked, wall, path } = discoveryWorld(t, { inputs: ['*.log'] })
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

void test('looks again soon if the result of a look asks for it', async (t) => {
  let again = true
  const { discovery, looked } = await worldLookedAt(t, { again: () => again })
  await discovery.tick()
  again = false
  await discovery.tick()
  await discovery.tick()
  assert.deepEqual(looked(), ['/', '/', '/'])
})

void test('looks everywhere after a while, whatever the file times are', async (t) => {
  const { discovery, looked, clock } = await worldLookedAt(t)
  clock.advance(29_000)
  await discovery.tick()
  assert.deepEqual(looked(), ['/'])
  clock.advance(2000)
  await discovery.tick()
  await discovery.tick()
  assert.deepEqual(looked(), ['/'])
})

void test('looks at a changed directory although the wall clock was set back', async (t) => {
  const { discovery, write, looked, wall } = await worldLookedAt(t)
  wall.advance(-7_200_000)
  write('b.log')
  await discovery.tick()
  assert.deepEqual(looked(), ['/', '/'])
})

void test('leaves a directory that was removed, and all directories below it', async (t) => {
  const { discovery, reports, write, path, ticking } = discoveryWorld(t, { inputs: ['a/*/*/*.log'] })
  write('a/b/c/x.log')
  await discovery.lookAround()
  rmSync(path('a'), { recursive: true })
  await discovery.tick()
  assert.deepEqual(reports.splice(0).slice(3), ['left /a', 'left /a/b', 'left /a/b/c'])
  write('a/b/c/x.log')
  await ticking('the new ones', () => reports.length === 3)
  assert.deepEqual(reports, ['entered /a', 'entered /a/b', 'entered /a/b/c'])
})

void test('enters a directory again when another one has taken its place', async (t) => {
  const { discovery, reports, write, path, sighted } = discoveryWorld(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  await discovery.lookAround()
  renameSync(path('logs'), path('old'))
  write('logs/b.log')
  await discovery.tick()
  assert.deepEqual(reports, ['entered /logs', 'entered /logs'])
  assert.deepEqual(sighted(), ['/logs/b.log input0'])
})

void test('enters a directory that has taken the place of another one even if its times are the same', async (t) => {
  const { discovery, write, path, reports } = discoveryWorld(t, { inputs: ['logs/*.log'] })
  write('logs/a.log')
  utimesSync(path('logs'), 1_700_000_000, 1_700_000_000)
  await discovery.lookAround()
  renameSync(path('logs'), path('old'))
  write('logs/b.log')
  utimesSync(path('logs'), 1_700_000_000, 1_700_000_000)
  await discovery.tick()
  assert.deepEqual(reports, ['entered /logs', 'entered /logs'])
})

void test('looks at other directories when one cannot be listed, and reports why', async (t) => {
  let denied = true
  const volume = countedVolume()
  const list = volume.list.bind(volume)
  volume.list = (path) => {
    if (denied && path.endsWith('/closed')) throw systemError('EACCES', 'scandir')
    return list(path)
  }
  const { discovery, write, sighted, recorder, path } = discoveryWorld(t, {
    inputs: ['*/*.log'],
    volumeOf: () => volume,
  })
  write('closed/a.log')
  write('open/b.log')
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/open/b.log input0'])
  assert.deepEqual(recorder.reported('fileDenied')[0]?.[0], path('closed'))
  denied = false
  await discovery.tick()
  assert.deepEqual(sighted(), ['/closed/a.log input0'])
})

void test('counts a directory that could not be looked at when the agent started as one that existed then', async (t) => {
  let denied = true
  const volume = countedVolume()
  const facts = volume.facts.bind(volume)
  volume.facts = (path) => {
    if (denied && path.includes('/closed')) throw systemError('EACCES', 'stat')
    return facts(path)
  }
  const { discovery, write, firstLooks, ticking, looks } = discoveryWorld(t, {
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

void test('distinguishes directories that existed when the agent started from later ones', async (t) => {
  const { discovery, write, firstLooks, ticking, looks } = discoveryWorld(t, { inputs: ['*/*.log'] })
  write('first/a.log')
  await discovery.lookAround()
  write('first/b.log')
  write('second/a.log')
  await ticking('the second', () => looks.some(({ directory }) => directory.path.endsWith('second')))
  assert.deepEqual(firstLooks, ['/', '/first'])
})

// -- several globs ---------------------------------------------------------------------------------------------------

void test('gives a file to the first input that wants it, whichever way leads to its directory', async (t) => {
  const globs = ['*/x.log', 'app/*.log', '**/z.log', 'app/deep/*.log', '*/deep/y.log']
  const { discovery, write, sighted } = discoveryWorld(t, { inputs: globs })
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

void test('seeks the matches of all globs in a directory from its first look on', async (t) => {
  const { discovery, write, looks } = discoveryWorld(t, { inputs: ['app/*.log', '*/*.txt', '**/*.csv'] })
  for (const name of ['app/a.log', 'app/a.txt', 'app/a.csv']) write(name)
  await discovery.lookAround()
  const first = looks.find(({ directory }) => directory.path.endsWith('/app'))
  assert.deepEqual(first?.look.sightings.map(({ name }) => name).sort(), ['a.csv', 'a.log', 'a.txt'])
  assert.equal(looks.length, 2, 'each directory once')
})

void test('finds files at any depth, also in the directory where the glob begins', async (t) => {
  const { discovery, write, sighted } = discoveryWorld(t, { inputs: ['logs/**/*.log'] })
  for (const name of ['a.log', 'b/a.log', 'b/c/d/a.log', '.hidden/a.log', 'b/.a.log']) write(`logs/${name}`)
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/a.log input0', '/logs/b/a.log input0', '/logs/b/c/d/a.log input0'])
})

void test('supports patterns before and behind a **', async (t) => {
  const { discovery, write, sighted } = discoveryWorld(t, { inputs: ['*/logs/**/day/*.log'] })
  for (const name of ['web/logs/day/a.log', 'web/logs/x/y/day/b.log', 'web/day/c.log', 'logs/day/d.log']) write(name)
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/web/logs/day/a.log input0', '/web/logs/x/y/day/b.log input0'])
})

// -- links -----------------------------------------------------------------------------------------------------------

void test('does not follow links in a circle', async (t) => {
  const { discovery, write, path, sighted, reports } = discoveryWorld(t, { inputs: ['logs/**/*.log'] })
  write('logs/app/a.log')
  for (const name of ['one', 'two', 'three']) symlinkSync('..', path(`logs/app/${name}`))
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/app/a.log input0'])
  assert.deepEqual(reports, ['entered /logs', 'entered /logs/app'])
})

void test('follows a link to a directory that a pattern matches', async (t) => {
  const { discovery, write, path, sighted } = discoveryWorld(t, { inputs: ['logs/*/*.log'] })
  write('elsewhere/a.log')
  mkdirSync(path('logs'))
  symlinkSync('../elsewhere', path('logs/app'))
  await discovery.lookAround()
  assert.deepEqual(sighted(), ['/logs/app/a.log input0'])
})

void test('notices when a link leads to another file, or when its target appears', async (t) => {
  const { discovery, write, path, looked, sighted } = discoveryWorld(t, { inputs: ['links/*.log'] })
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

// -- the end ---------------------------------------------------------------------------------------------------------

void test('looks everywhere a last time, also at directories that rest', async (t) => {
  const { discovery, write, sighted, clock } = discoveryWorld(t, { inputs: ['*.log', '*/*.log'], lookMs: () => 100 })
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
