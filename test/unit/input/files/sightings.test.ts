/** What looks at directories say of known files: renames, and other files under a known name or inode. */
import assert from 'node:assert/strict'
import { linkSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { FileWorld } from '../../../support/file-world.ts'
import { countedVolume } from '../../../support/volumes.ts'

// -- names that change ----------------------------------------------------------------------------------------------

void test('keeps its place over a rename, and reads the new file under the old name from its beginning', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.shipped()
  world.append('a.log', 'three\n')
  world.move('a.log', 'a.log.1')
  world.write('a.log', 'new\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log@0: new\n', 'a.log@8: three\n'])
  assert.equal(world.file('a.log.1'), file)
  assert.equal(file.standing, 'rotated')
  assert.notEqual(world.file('a.log').id, file.id)
  assert.deepEqual(world.recorder.reported('fileRotated'), [[file]])
})

void test('believes the facts of the opened file, whichever file had its name when that was sighted', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'old line\n'.repeat(1000))
  const look = await world.directory.look()
  assert.ok(look)
  world.move('a.log', 'a.log.1')
  world.write('a.log', 'new\n')
  await world.generations.sightings.see(world.directory, look)
  await world.generations.arrivals.admitted()
  await world.turns()
  assert.equal(world.text(), 'new\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'old line\n'.repeat(1000))
  world.append('a.log', 'newer\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'newer\n')
  assert.deepEqual([...world.recorder.reported('lost'), ...world.recorder.reported('fileTruncated')], [])
})

void test('keeps every place over a chain of renames between two looks', async (t) => {
  const world = await FileWorld.open(t)
  for (let n = 0; n < 5; n++) world.write(n === 0 ? 'a.log' : `a.log.${n}`, `line of ${n}\n`)
  await world.look()
  const before = new Map(world.files().map((file) => [file.key, file]))
  for (let n = 5; n > 0; n--) world.move(n === 1 ? 'a.log' : `a.log.${n - 1}`, `a.log.${n}`)
  world.write('a.log', 'new\n')
  await world.lookAndRead()
  assert.equal(world.text().split('\n').length - 1, 6)
  for (const [key, file] of before)
    assert.equal(
      world.files().find((other) => other.key === key),
      file,
    )
  assert.equal(world.file('a.log.5').path, world.path('a.log.4'), 'the path is that of its discovery')
  await world.lookAndRead()
  assert.equal(world.text(), '')
})

void test('finds a piece again that came and was rotated twice between two looks', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'first\n')
  await world.lookAndRead()
  world.move('a.log', 'a.log.2')
  world.write('a.log.1', 'second\n')
  world.write('a.log', 'third\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log.1@0: second\n', 'a.log@0: first\n', 'a.log@0: third\n'])
})

void test('reads pieces that came between two looks in the order in which they were written', async (t) => {
  const world = await FileWorld.open(t)
  const names = ['a.log', 'a.log.1', 'a.log.2', 'a.log.3', 'a.log.4', 'a.log.5']
  for (const [age, name] of names.entries()) {
    world.write(name, `${age}\n`)
    utimesSync(world.path(name), 2_000_000_000 - age, 2_000_000_000 - age)
  }
  await world.lookAndRead()
  assert.equal(world.text(), '5\n4\n3\n2\n1\n0\n')
})

void test('follows a file into another directory', async (t) => {
  const world = await FileWorld.open(t)
  const archive = world.below('archive')
  world.write('a.log', 'one\n')
  await world.look()
  world.move('a.log', 'archive/a.log')
  for (const order of [
    [archive, world.directory],
    [world.directory, archive],
  ]) {
    for (const directory of order) await world.look(directory)
    assert.equal(archive.files.get('a.log')?.standing, 'live')
    assert.equal(world.directory.files.size, 0)
  }
  await world.turns()
  assert.equal(world.text(), 'one\n')
  assert.equal(world.files().length, 1)
})

void test('counts the name that the globs match, of two names of one file', async (t) => {
  const world = await FileWorld.open(t)
  world.write('z.log', 'one\n')
  linkSync(world.path('z.log'), world.path('z.log.1'))
  linkSync(world.path('z.log'), world.path('a.log.1'))
  await world.lookAndRead()
  assert.equal(world.text(), 'one\n')
  assert.equal(world.files().length, 1)
  assert.deepEqual([world.file('z.log').standing, world.file('z.log').name], ['live', 'z.log'])
  world.remove('z.log')
  await world.look()
  assert.deepEqual(
    world.files().map(({ standing }) => standing),
    ['rotated'],
  )
})

void test('takes a file back that got its old name back', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  world.move('a.log', 'a.log.1')
  await world.look()
  world.move('a.log.1', 'a.log')
  world.append('a.log', 'two\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.equal(world.file('a.log').standing, 'live')
})

void test('drains a file that was renamed to a name that no glob matches', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.move('a.log', 'old.txt')
  writeFileSync(world.path('old.txt'), 'one\ntwo\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.equal(file.standing, 'rotated')
})

void test('follows a closed file below another glob, and reads on there', async (t) => {
  const world = await FileWorld.open(t)
  const [x, y] = [world.below('x'), world.below('y')]
  world.write('x/a.log', 'one\n')
  await world.look(x)
  await world.turns()
  const file = world.file('a.log', x)
  world.generations.descriptors.close(file)
  world.move('x/a.log', 'y/a.log')
  world.append('y/a.log', 'two\n')
  await world.look(y)
  await world.turns()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.equal(world.file('a.log', y), file)
})

void test('knows one file by its names in two directories that are looked at at once', async (t) => {
  const world = await FileWorld.open(t)
  const [x, y] = [world.below('x'), world.below('y')]
  world.write('x/a.log', 'one\n')
  linkSync(world.path('x/a.log'), world.path('y/a.log'))
  await Promise.all([world.look(x), world.look(y)])
  await world.turns()
  assert.equal(world.text(), 'one\n')
  assert.deepEqual([world.files().length, world.generations.descriptors.count], [1, 1])
})

// -- other files under the same name or inode -----------------------------------------------------------------------

void test('reads a file that replaced another one under its name, and drains that one', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const old = world.file('a.log')
  world.append('a.log', 'two\n')
  world.write('new', 'three\n')
  world.move('new', 'a.log')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log@0: one\n', 'a.log@0: three\n', 'a.log@4: two\n'])
  assert.equal(old.standing, 'deleted')
  world.clock.advance(5000)
  await world.tick()
  assert.deepEqual(world.files(), [world.file('a.log')])
})

void test('drains and lets go a file that was moved away for another one', async (t) => {
  const world = await FileWorld.open(t)
  mkdirSync(world.path('archive'))
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const old = world.file('a.log')
  world.append('a.log', 'two\n')
  world.move('a.log', 'archive/a.log')
  world.write('a.log', 'new\n')
  await world.lookAndRead()
  assert.deepEqual(world.shipped().sort(), ['a.log@0: new\n', 'a.log@0: one\n', 'a.log@4: two\n'])
  assert.equal(old.standing, 'rotated')
  world.clock.advance(5000)
  await world.tick()
  assert.ok(old.finished)
  assert.equal(world.generations.descriptors.count, 1)
})

void test('takes a closed file whose inode holds other content for another one', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  const old = world.file('a.log')
  world.generations.descriptors.close(old)
  // as if the inode was used again
  world.write('a.log', 'other\nlines\n')
  utimesSync(world.path('a.log'), 1, 1)
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\nother\nlines\n')
  assert.notEqual(world.file('a.log'), old)
})

void test('takes nothing from a sighting whose file has left its name before it could be compared', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\ntwo\n')
  await world.lookAndRead()
  world.generations.descriptors.close(world.file('a.log'))
  // as if the inode was used again
  world.write('a.log', 'something that is longer\n')
  const look = await world.directory.look()
  assert.ok(look)
  world.move('a.log', 'a.log.1')
  assert.ok(await world.generations.sightings.see(world.directory, look), 'it is looked at again')
  for (let n = 0; n < 2; n++) await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\nsomething that is longer\n')
  world.clock.advance(60_000)
  await world.tick()
  assert.deepEqual(world.recorder.reported('lost'), [])
})

void test('does not take the file that has the inode of an empty one, under another name, for that one', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', '')
  await first.lookAndRead()
  const { id } = first.file('a.log')
  await first.stop()
  first.move('a.log', 'b.log')
  first.append('b.log', 'one\n')
  // as if the inode was used again
  const volume = countedVolume()
  const factsOf = volume.factsOf.bind(volume)
  volume.factsOf = async (descriptor) => ({ ...(await factsOf(descriptor)), bornMs: Date.now() + 1000 })
  const second = await first.restart(t, { volume })
  await second.lookAndRead()
  assert.deepEqual(second.shipped(), ['b.log@0: one\n'])
  assert.notEqual(second.file('b.log').id, id)
})

void test('knows a file by itself before a copy of it is taken for it', async (t) => {
  const first = await FileWorld.open(t)
  first.write('a.log', 'one\n')
  await first.lookAndRead()
  const { id } = first.file('a.log')
  await first.stop()
  first.write('a.log.1', 'one\n')
  utimesSync(first.path('a.log.1'), 1, 1)
  first.append('a.log', 'two\n')
  const second = await first.restart(t)
  await second.look()
  await second.turns()
  assert.equal(second.text(), 'two\n')
  assert.equal(second.file('a.log').id, id)
})

void test('keeps the place of a closed file that has only grown', async (t) => {
  const world = await FileWorld.open(t)
  world.write('a.log', 'one\n')
  await world.lookAndRead()
  const file = world.file('a.log')
  world.generations.descriptors.close(file)
  world.append('a.log', 'two\n')
  await world.lookAndRead()
  assert.equal(world.text(), 'one\ntwo\n')
  assert.equal(world.file('a.log'), file)
})

void test('ships files with equal beginnings each on its own', async (t) => {
  const world = await FileWorld.open(t)
  const begin = 'the same line again and again\n'.repeat(3000)
  for (let n = 0; n < 4; n++) world.write(`${n}.log`, `${begin}${n}\n`)
  await world.lookAndRead()
  assert.equal(world.text().length, 4 * (begin.length + 2))
})
