import assert from 'node:assert/strict'
import { renameSync, symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { NO_DESCRIPTOR } from '../../../../src/input/files/descriptors.ts'
import { until } from '../../../support/wait.ts'
import { FileWorld, type FileWorldSettings } from '../../../support/file-world.ts'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

const END: FileWorldSettings = { rules: { start: 'end' }, wasThere: true }
const found = (world: FileWorld): unknown => world.recorder.reported('fileFound').map(([, from]) => from)

// -- where reading begins -------------------------------------------------------------------------------------------

void test('begins at the end of files that are there at the first start, if the input says so', async (t) => {
  const world = await FileWorld.open(t, END)
  world.write('a.log', 'old\nolder\n')
  await world.lookAndRead()
  assert.equal(world.text(), '')
  assert.deepEqual(found(world), [{ offset: 10, reason: 'end' }])
  world.append('a.log', 'new\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'new\n')
})

void test('begins at the end as it was when the file was sighted', async (t) => {
  const world = await FileWorld.open(t, END)
  world.write('a.log', 'old\n')
  const look = await world.directory.look()
  assert.ok(look)
  world.append('a.log', 'written meanwhile\n')
  await world.generations.sightings.see(world.directory, look)
  await world.generations.arrivals.admitted()
  await world.turns()
  assert.equal(world.text(), 'written meanwhile\n')
})

void test('begins at the end as it was at the start, also of files that could not be opened then', async (t) => {
  const volume = countedVolume()
  const { open, facts } = { open: volume.open.bind(volume), facts: volume.facts.bind(volume) }
  let denied = true
  let unasked: readonly string[] = ['unasked.log']
  volume.open = (path) => {
    if (denied) throw systemError('EACCES', 'open')
    return open(path)
  }
  volume.facts = (path) => {
    if (unasked.some((name) => path.endsWith(`/${name}`))) throw systemError('EACCES', 'stat')
    return facts(path)
  }
  const world = await FileWorld.open(t, { ...END, volume })
  for (const name of ['a.log', 'cut.log', 'other.log', 'gone.log', 'unasked.log']) world.write(name, 'old\n')
  await world.look()
  unasked = ['a.log']
  await world.look()
  unasked = []
  world.append('a.log', 'new\n')
  world.write('cut.log', 'n\n')
  world.remove('gone.log')
  world.write('new', 'new\n')
  world.move('new', 'other.log')
  await world.look()
  world.append('unasked.log', 'new\n')
  world.write('gone.log', 'old\nnew\n')
  denied = false
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), [
    'a.log@4: new\n',
    'cut.log@0: n\n',
    'gone.log@0: old\n',
    'gone.log@4: new\n',
    'other.log@0: new\n',
    'unasked.log@4: new\n',
  ])
  assert.equal(world.directory.untaken.size, 0)
})

void test('knows a file that it began at the end of by the bytes there, also before anything of it is shipped', async (t) => {
  const world = await FileWorld.open(t, END)
  const banner = 'banner\n'.repeat(200)
  world.write('a.log', `${banner}old\n`)
  await world.lookAndRead()
  await world.stop()
  // the same beginning, another file
  world.write('new', `${banner}new\n`)
  world.move('new', 'a.log')
  const again = await world.restart(t)
  await again.lookAndRead()
  assert.deepEqual(found(again), [{ offset: 0, reason: 'beginning' }])
  assert.equal(again.text(), `${banner}new\n`)
})

void test('begins at the end of files that had no descriptor at the start', async (t) => {
  const world = await FileWorld.open(t, { ...END, maxOpenFiles: 1 })
  world.write('a.log', 'old\n')
  world.write('b.log', 'old\n')
  await world.look()
  for (let n = 0; n < 3; n++) {
    for (const name of ['a.log', 'b.log']) world.append(name, `${n}\n`)
    for (const file of world.files()) world.awake.add(file)
    await world.lookAndRead()
  }
  const shipped = world.shipped()
  assert.equal(shipped.length, 6)
  assert.ok(shipped.every((line) => !line.includes('old')))
})

void test('begins at the start of the line that is being written', async (t) => {
  const world = await FileWorld.open(t, END)
  world.write('a.log', 'old\nhalf a')
  world.write('b.log', 'half')
  world.write('c.log', '')
  await world.lookAndRead()
  for (const name of ['a.log', 'b.log', 'c.log']) world.append(name, ' line\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log@4: half a line\n', 'b.log@0: half line\n', 'c.log@0:  line\n'])
})

void test('begins in the middle of a line that is too long to be looked back for', async (t) => {
  const world = await FileWorld.open(t, END)
  world.write('a.log', `old\n${'x'.repeat(100_000)}`)
  await world.look()
  assert.deepEqual(found(world), [{ offset: 100_004 - 65_536, reason: 'end' }])
})

void test('begins at the beginning of files that come after the start', async (t) => {
  const world = await FileWorld.open(t, END)
  await world.look()
  world.write('a.log', 'new\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'new\n')
})

void test('begins at the beginning in a directory that comes after the start', async (t) => {
  const world = await FileWorld.open(t, { ...END, wasThere: false })
  world.write('a.log', 'new\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'new\n')
})

void test('begins at the beginning of a file that has taken a name during the look', async (t) => {
  const world = await FileWorld.open(t, END)
  world.write('a.log', 'x\n'.repeat(100_000))
  const look = await world.directory.look()
  assert.ok(look)
  world.move('a.log', 'a.log.1')
  world.write('a.log', 'new\n')
  await world.generations.sightings.see(world.directory, look)
  await world.generations.arrivals.admitted()
  await world.turns()
  assert.equal(world.text(), 'new\n')
  assert.deepEqual(found(world), [{ offset: 0, reason: 'beginning' }])
})

void test('begins at the end at the first start only', async (t) => {
  const first = await FileWorld.open(t, END)
  first.write('a.log', 'old\n')
  await first.lookAndRead()
  await first.stop()
  first.append('a.log', 'more\n')
  first.write('b.log', 'new\n')
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.equal(first.text() + second.text(), 'more\nnew\n')
})

void test('begins at the beginning where a part of the state is lost', async (t) => {
  const disk = new FakeDisk()
  disk.place('/state/state.1.json', Buffer.from('no state at all'))
  const world = await FileWorld.open(t, { ...END, disk })
  assert.ok(world.checkpoint.damaged)
  world.write('a.log', 'perhaps known\n')
  world.write('a.log.1', 'an old piece\n')
  utimesSync(world.path('a.log.1'), 1, 1)
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log.1@0: an old piece\n', 'a.log@0: perhaps known\n'])
})

// -- rotated pieces --------------------------------------------------------------------------------------------------

void test('leaves files alone that were rotated before our first start, and reports each once', async (t) => {
  const now = Date.now()
  const world = await FileWorld.open(t, { now })
  for (const name of ['a.log.1', 'a.log.2']) world.write(name, `${name}\n`)
  utimesSync(world.path('a.log.1'), now / 1000 - 10, now / 1000 - 10)
  utimesSync(world.path('a.log.2'), now / 1000 + 10, now / 1000 + 10)
  await world.lookAndRead()
  await world.look()
  assert.equal(world.text(), 'a.log.2\n')
  assert.deepEqual(world.recorder.reported('fileIgnored'), [[world.path('a.log.1'), 'rotated-before-first-start']])
})

void test('reads every piece where the input says all, and none where it says none', async (t) => {
  for (const rotated of ['all', 'none'] as const) {
    const world = await FileWorld.open(t, { now: Date.now() + 1_000_000, rules: { rotated } })
    world.write('a.log.1', 'old\n')
    await world.lookAndRead()
    assert.equal(world.text(), rotated === 'all' ? 'old\n' : '')
  }
})

void test('reads the rest of a piece that it knows, however old', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\ntwo\n')
  first.most = 1
  await first.look()
  await first.fileTurns.turn(first.file('a.log'))
  utimesSync(first.path('a.log'), 1, 1)
  first.move('a.log', 'a.log.1')
  const second = await first.restart(t, { now: Date.now() })
  await second.lookAndRead()
  assert.equal(second.text(), 'two\n')
})

void test('finds a file that it knows under a name that no glob matches', async (t) => {
  const first = await FileWorld.stoppedBehind(t)
  first.move('a.log', 'a.old')
  const second = await first.restart(t)
  await second.lookAndRead()
  const [file] = await second.search()
  await second.turns()
  assert.deepEqual([second.text(), file], ['two\n', second.file('a.old')])
})

void test('does not take a file under a name that no glob matches only because it has a known inode', async (t) => {
  for (const content of ['one\n', '']) {
    const first = await FileWorld.open(t)
    first.write('a.log', content)
    await first.lookAndRead()
    await first.stop()
    // as if the inode was used again
    first.write('a.log', 'not a log of ours\n')
    first.move('a.log', 'secret')
    const volume = countedVolume()
    const factsOf = volume.factsOf.bind(volume)
    volume.factsOf = async (descriptor) => ({ ...(await factsOf(descriptor)), bornMs: Date.now() + 1000 })
    const second = await first.restart(t, { volume })
    await second.look()
    assert.deepEqual(await second.search(), ['ignored'])
    assert.deepEqual(second.recorder.reported('fileIgnored'), [])
    await second.turns()
    assert.deepEqual([second.text(), second.generations.descriptors.count], ['', 0])
    // it is missing as before, and given up in the end
    second.clock.advance(31_000)
    await second.tick()
    await until(() => second.checkpoint.entries.size === 0, { what: () => `${content} is given up` })
  }
})

void test('does not follow a name that no glob matches out of the roots, and reports nothing', async (t) => {
  const first = await FileWorld.stoppedBehind(t)
  const outside = join(freshDirectory(t), 'elsewhere')
  renameSync(first.path('a.log'), outside)
  symlinkSync(outside, first.path('a.old'))
  const second = await first.restart(t)
  await second.lookAndRead()
  assert.deepEqual([await second.search(), second.text()], [['ignored'], ''])
  assert.deepEqual(second.recorder.reported('fileIgnored'), [])
})

// -- what cannot be had now -------------------------------------------------------------------------------------------

void test('reports once that a file is denied, and reads it when it may', async (t) => {
  let denied = 'EACCES'
  const volume = countedVolume()
  const open = volume.open.bind(volume)
  volume.open = (path) => {
    if (denied !== '') throw systemError(denied, 'open')
    return open(path)
  }
  const world = await FileWorld.open(t, { volume })
  world.write('a.log', 'one\n')
  for (let look = 0; look < 3; look++) assert.ok(await world.look())
  assert.deepEqual(world.recorder.reported('fileDenied'), [[world.path('a.log'), 'EACCES']])
  denied = 'EMFILE'
  await world.look()
  assert.equal(world.recorder.reported('fileDenied').length, 2, 'for another reason')
  denied = ''
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
  denied = 'EACCES'
  world.write('b.log', 'two\n')
  await world.look()
  assert.equal(world.recorder.reported('fileDenied').length, 3)
})

void test('looks again soon for a file that goes while it is looked at', async (t) => {
  const volume = countedVolume()
  const open = volume.open.bind(volume)
  const world = await FileWorld.open(t, { volume })
  world.write('a.log', 'one\n')
  volume.open = (path) => {
    renameSync(path, `${path}.1`)
    return open(path)
  }
  assert.ok(await world.look())
  volume.open = open
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
})

void test('knows every new file at once, and reads files in turn that cannot be open yet', async (t) => {
  const world = await FileWorld.open(t, { maxOpenFiles: 2 })
  world.acknowledge = false
  for (const name of ['a.log', 'b.log', 'c.log']) world.write(name, `${name}\n`)
  assert.ok(!(await world.look()), 'it need not be looked at again')
  assert.deepEqual([world.files().length, world.generations.descriptors.count], [3, 2])
  assert.deepEqual(await world.turns(), ['idle', 'idle', NO_DESCRIPTOR, NO_DESCRIPTOR])
  assert.equal(world.text().length, 12, 'the bytes that were read are not stored')
  world.release()
  world.awake.add(world.file('c.log'))
  await world.turns()
  assert.equal(world.text(), 'c.log\n')
})

void test('counts the bytes of a file that was deleted before it could be read', async (t) => {
  const world = await FileWorld.open(t, { maxOpenFiles: 1 })
  world.acknowledge = false
  for (const name of ['a.log', 'b.log']) world.write(name, `${name}\n`)
  await world.lookAndRead()
  world.remove('b.log')
  await world.look()
  world.clock.advance(30_000)
  await world.tick()
  assert.deepEqual(world.recorder.reported('lost').map(([, reason, bytes]) => [reason, bytes]), [['gone', 6]]) // prettier-ignore
})

void test('reports for each path why it is left alone', async (t) => {
  const world = await FileWorld.open(t)
  symlinkSync('/etc/hostname', world.path('link.log'))
  symlinkSync('/dev/zero', world.path('zero.log'))
  await world.lookAndRead()
  await world.lookAndRead()
  const ignored = world.recorder.reported('fileIgnored').map(([path, reason]) => `${String(path)} ${String(reason)}`)
  assert.deepEqual(ignored.sort(), [`${world.path('link.log')} outside-roots`, `${world.path('zero.log')} not-regular`])
})

void test('reports a name again that was gone, and keeps nothing of a name that does not come again', async (t) => {
  const world = await FileWorld.open(t)
  const link = (): void => symlinkSync('/etc/hostname', world.path('link.log'))
  for (let times = 1; times <= 3; times++) {
    link()
    await world.look()
    await world.look()
    assert.equal(world.recorder.reported('fileIgnored').length, times)
    world.remove('link.log')
    await world.look()
  }
})

void test('gives every generation an id of its own, and keeps its path at discovery', async (t) => {
  const world = await FileWorld.open(t)
  for (let n = 0; n < 5; n++) world.write(`${n}.log`, 'same\n')
  await world.look()
  assert.equal(new Set(world.files().map(({ id }) => id)).size, 5)
  for (const file of world.files()) {
    assert.match(file.id, /^[\da-f]{24}$/)
    assert.equal(file.path, world.path(file.name))
    assert.deepEqual([file.inputId, file.fingerprint.length], ['app', 5])
  }
})

void test('keeps the partition of a file that it knows', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.look()
  first.file('a.log').partition = 7
  await first.turns()
  const second = await first.restart(t)
  await second.look()
  assert.equal(second.file('a.log').partition, 7)
})
