import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { FileWorld } from '../../../support/file-world.ts'
import { paperFile } from '../../../support/reading.ts'

/** Known files that are on no disk, all in the world's directory. */
function paperFiles(world: FileWorld, ...names: string[]): LogFile[] {
  return names.map((name) => {
    const file = paperFile(name)
    file.location.directory = world.directory
    world.directory.files.set(name, file)
    world.generations.known.add(file)
    return file
  })
}

const names = (files: Iterable<LogFile>): string[] => Array.from(files, ({ name }) => name)

void test('a file that loses its name is reported and woken once, and not quiet from then on', async (t) => {
  const world = await FileWorld.open(t)
  const { known } = world.generations
  const [file] = paperFiles(world, 'a.log')
  assert.ok(file)
  known.leftItsName(file, 'rotated')
  assert.deepEqual([file.standing, file.activeAt, names(world.awake)], ['rotated', world.clock.read(), ['a.log']])
  world.awake.clear()
  world.clock.advance(10)
  known.leftItsName(file, 'deleted')
  assert.deepEqual([file.standing, file.activeAt, names(world.awake)], ['deleted', world.clock.read() - 10, []])
  assert.deepEqual(world.recorder.reported('fileRotated'), [[file]])
})

void test('logs that were rotated in a directory are read before a new file in it, until they are let go', async (t) => {
  const world = await FileWorld.open(t)
  const { known } = world.generations
  const [rotated, elsewhere, fresh] = paperFiles(world, 'a.log', 'b.log', 'c.log')
  assert.ok(rotated && elsewhere && fresh)
  elsewhere.location.directory = world.below('other')
  for (const file of [rotated, elsewhere]) known.leftItsName(file, 'rotated')
  world.awake.clear()
  known.begin(fresh)
  assert.deepEqual(names(world.awake), ['a.log', 'c.log'])
  known.letGo(rotated)
  assert.deepEqual(names(world.awake), ['c.log'])
  world.awake.clear()
  known.begin(fresh)
  assert.deepEqual(names(world.awake), ['c.log'])
})

void test('a lost file is known no more, and missing from then on', async (t) => {
  const world = await FileWorld.open(t)
  const { known, missing } = world.generations
  const [file] = paperFiles(world, 'a.log')
  assert.ok(file)
  known.lose(file)
  assert.deepEqual([known.get(file.key), known.count, file.isOver], [undefined, 0, true])
  assert.ok(missing.has(file.key))
  assert.ok(world.checkpoint.entries.has(file.id))
  assert.equal(world.directory.files.size, 0)
})

void test('a closed file that is in doubt is lost only if no look at its directory can notice it', async (t) => {
  const world = await FileWorld.open(t)
  const { known, missing } = world.generations
  const [there, gone] = paperFiles(world, 'a.log', 'b.log')
  assert.ok(there && gone)
  world.directory.mtimeMs = 5
  known.doubt(there)
  assert.deepEqual([there.isOver, world.directory.mtimeMs], [false, -1], 'the directory is looked at again')
  world.directory.files.delete('b.log')
  known.doubt(gone)
  known.doubt(gone)
  assert.deepEqual([gone.isOver, missing.has(gone.key)], [true, true])
})

void test('a forgotten file leaves its inode and its name to the file that has them by now', async (t) => {
  const world = await FileWorld.open(t)
  const { known } = world.generations
  const [before] = paperFiles(world, 'a.log')
  const [now] = paperFiles(world, 'a.log')
  assert.ok(before && now)
  assert.equal(before.key, now.key)
  known.forget(before)
  assert.deepEqual([known.get(now.key), world.directory.files.get('a.log')], [now, now])
  known.forget(now)
  assert.deepEqual([known.count, world.directory.files.size], [0, 0])
})
