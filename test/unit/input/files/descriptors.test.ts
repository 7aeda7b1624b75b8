import assert from 'node:assert/strict'
import { appendFileSync, fstatSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Descriptors } from '../../../../src/input/files/descriptors.ts'
import { Directory } from '../../../../src/input/discovery/directory.ts'
import { fingerprintOf } from '../../../../src/input/files/identity.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { ReadingDesk, openFile } from '../../../support/reading.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount, countedVolume, systemError } from '../../../support/volumes.ts'

const desk = new ReadingDesk()
const openNow = (): number => readdirSync('/proc/self/fd').length

function withDescriptors(t: TestContext, max: number) {
  const directory = freshDirectory(t)
  const clock = new HandClock()
  /** Directories that had a new file refused, each time that there may be room again. */
  const freed: string[][] = []
  const hear = (directories: Iterable<Directory>): void => void freed.push(Array.from(directories, ({ path }) => path))
  const descriptors = new Descriptors({ max, clock: clock.read, freed: hear })
  t.after(() => descriptors.closeAll())
  /** A file that is read and stored to its end, unless a setting says otherwise. */
  const add = async (name: string, settings: { volume?: Volume; stored?: boolean } = {}): Promise<LogFile> => {
    const path = join(directory, name)
    writeFileSync(path, `content of ${name}\n`)
    const file = await openFile(t, path, settings.volume === undefined ? {} : { volume: settings.volume })
    file.knowBy(await fingerprintOf(file.volume, file.descriptor))
    descriptors.adopt(file, file.descriptor, await file.volume.factsOf(file.descriptor))
    const pieces = await desk.toEnd(file)
    for (const { start, end, guard } of pieces === 'changed' || settings.stored === false ? [] : pieces)
      file.watermark.acknowledge({ start, end }, 'stored', guard)
    clock.advance(10)
    return file
  }
  return { directory, clock, descriptors, freed, add, path: (name: string) => join(directory, name) }
}

void test('closes the file that was quiet longest when there is no room for another', async (t) => {
  const { descriptors, add, clock } = withDescriptors(t, 3)
  const [a, b, c] = [await add('a'), await add('b'), await add('c')]
  assert.equal(descriptors.count, 3)
  a.life.noteActivity(clock.read())
  assert.ok(descriptors.makeRoom())
  assert.deepEqual([a, b, c].map(({ descriptor }) => descriptor >= 0), [true, false, true]) // prettier-ignore
  assert.equal(descriptors.count, 2)
  assert.ok(descriptors.makeRoom())
  assert.equal(descriptors.count, 2, 'there is room')
})

void test('closes nothing that is not read, not stored, in a queue, or has lost its name', async (t) => {
  const { descriptors, add } = withDescriptors(t, 5)
  const unread = await add('unread')
  unread.seenSize.set(unread.size + 10)
  await add('unstored', { stored: false })
  const queued = await add('queued')
  queued.turn.queued = true
  const rotated = await add('rotated')
  rotated.life.loseName('rotated')
  const remote = await add('remote', { volume: new RemoteMount('7') })
  remote.turn.reading = true
  assert.ok(!descriptors.makeRoom())
  rotated.life.loseName('deleted')
  assert.ok(!descriptors.makeRoom())
  remote.turn.reading = false
  remote.turn.beginCheck()
  assert.ok(!descriptors.makeRoom(), 'its descriptor would be the next file while a call with it is under way')
  assert.equal(descriptors.count, 5)
  queued.turn.queued = false
  descriptors.rested(queued)
  assert.ok(descriptors.makeRoom())
  assert.equal(queued.descriptor, -1)
})

void test('opens a closed file again, and reads the bytes that have come', async (t) => {
  const { descriptors, add, path } = withDescriptors(t, 2)
  const file = await add('a')
  descriptors.close(file)
  descriptors.close(file)
  assert.deepEqual([file.descriptor, descriptors.count], [-1, 0])
  appendFileSync(path('a'), 'more\n')
  assert.ok(await descriptors.open(file))
  assert.equal(file.size, 18)
  assert.equal(await desk.text(file), 'more\n')
  assert.ok(await descriptors.open(file), 'it is open')
  assert.equal(descriptors.count, 1)
})

void test('does not open a file that is another one by now, is gone, or has no place', async (t) => {
  const { descriptors, add, path } = withDescriptors(t, 2)
  const before = openNow()
  const file = await add('a')
  descriptors.close(file)
  writeFileSync(path('a'), 'other content, longer\n')
  assert.ok(!(await descriptors.open(file)), 'other content under its inode')
  writeFileSync(path('b'), 'content of a\n')
  renameSync(path('b'), path('a'))
  assert.ok(!(await descriptors.open(file)), 'its content under another inode')
  unlinkSync(path('a'))
  assert.ok(!(await descriptors.open(file)))
  file.life.detach()
  assert.ok(!(await descriptors.open(file)))
  assert.equal(openNow(), before)
})

void test('says once that there may be room again, when a file that was needed is so no more', async (t) => {
  const { descriptors, freed, add, directory } = withDescriptors(t, 2)
  const unstored = await add('unstored', { stored: false })
  const rotated = await add('rotated')
  rotated.life.loseName('rotated')
  descriptors.rested(rotated)
  const here = new Directory(directory, localVolume, [])
  assert.ok(!descriptors.makeRoomIn(here))
  assert.ok(!descriptors.makeRoom())
  descriptors.rested(rotated)
  descriptors.rested(unstored)
  assert.deepEqual(freed, [], 'both are needed still')
  unstored.watermark.acknowledge({ start: 0, end: unstored.next }, 'stored', unstored.guard)
  descriptors.rested(unstored)
  descriptors.rested(unstored)
  assert.deepEqual(freed, [[directory]])
  assert.ok(descriptors.makeRoom())
  assert.equal(unstored.descriptor, -1)
})

void test('says that there may be room again when a file is closed, or when it is to be tried anyhow', async (t) => {
  const { descriptors, freed, add } = withDescriptors(t, 1)
  const file = await add('a', { stored: false })
  descriptors.retry()
  assert.deepEqual(freed, [], 'no descriptor was refused')
  assert.ok(!descriptors.makeRoom())
  descriptors.retry()
  assert.deepEqual(freed, [[]])
  assert.ok(!descriptors.makeRoom())
  descriptors.close(file)
  assert.deepEqual(freed, [[], []])
  assert.ok(descriptors.makeRoom())
})

void test('does not open a file when every descriptor is needed', async (t) => {
  const { descriptors, add } = withDescriptors(t, 1)
  const file = await add('a')
  descriptors.close(file)
  const unread = await add('b')
  unread.seenSize.set(unread.size + 1)
  assert.ok(!(await descriptors.open(file)))
  unread.seenSize.set(unread.size - 1)
  descriptors.rested(unread)
  assert.ok(await descriptors.open(file))
  assert.equal(unread.descriptor, -1)
})

void test('finds out whether a closed file is at a path, and is unsure where it cannot look', async (t) => {
  const { descriptors, add, path } = withDescriptors(t, 2)
  const before = openNow()
  let fails = false
  const volume = countedVolume()
  const read = volume.read.bind(volume)
  volume.read = (descriptor, into) => {
    if (fails) throw systemError('EIO', 'read')
    return read(descriptor, into)
  }
  const file = await add('a', { volume })
  descriptors.close(file)
  assert.equal(await descriptors.isSameAt(file, path('a')), 'same')
  fails = true
  assert.equal(await descriptors.isSameAt(file, path('a')), 'unsure')
  fails = false
  writeFileSync(path('b'), 'content of a\n')
  assert.equal(await descriptors.isSameAt(file, path('b')), 'unsure', 'the name has another inode by now')
  assert.equal(await descriptors.isSameAt(file, path('nothing')), 'unsure')
  assert.equal(await descriptors.isSameAt(file, path('a'), { rules: file.rules, base: '/elsewhere' }), 'other')
  writeFileSync(path('a'), 'other content\n')
  assert.equal(await descriptors.isSameAt(file, path('a')), 'other')
  assert.equal(openNow(), before)
})

void test('does not keep a file open that was lost while a mount opened it', async (t) => {
  const { descriptors, add } = withDescriptors(t, 2)
  const mount = new RemoteMount('7')
  const file = await add('a', { volume: mount })
  descriptors.close(file)
  const before = openNow()
  mount.hang()
  const opening = descriptors.open(file)
  file.life.forget()
  mount.answer()
  assert.ok(!(await opening))
  assert.deepEqual([openNow(), descriptors.count, file.descriptor], [before, 0, -1])
})

void test('leaves nothing open when a file cannot be read, however often it is tried', async (t) => {
  const { descriptors, add } = withDescriptors(t, 2)
  let fails = false
  const volume = countedVolume()
  const read = volume.read.bind(volume)
  volume.read = (descriptor, into) => {
    if (fails) throw systemError('EIO', 'read')
    return read(descriptor, into)
  }
  const file = await add('a', { volume })
  descriptors.close(file)
  const before = openNow()
  fails = true
  for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(descriptors.open(file), { code: 'EIO' })
  assert.equal(openNow(), before)
  fails = false
  assert.ok(await descriptors.open(file))
})

void test('keeps one descriptor when a slow mount opens a file twice', async (t) => {
  const { descriptors, add } = withDescriptors(t, 4)
  const mount = new RemoteMount('7')
  const file = await add('a', { volume: mount })
  descriptors.close(file)
  const before = openNow()
  assert.deepEqual(await Promise.all([descriptors.open(file), descriptors.open(file)]), [true, true])
  assert.deepEqual([openNow(), descriptors.count], [before + 1, 1])
})

void test('hands a descriptor over to the next generation, and closes all at the end', async (t) => {
  const { descriptors, add } = withDescriptors(t, 4)
  const [from, to] = [await add('a'), await add('b')]
  descriptors.close(to)
  const { descriptor } = from
  descriptors.hand(from, to)
  assert.deepEqual([from.descriptor, to.descriptor, descriptors.count], [-1, descriptor, 1])
  descriptors.closeAll()
  assert.equal(descriptors.count, 0)
  assert.throws(() => fstatSync(descriptor), { code: 'EBADF' })
})
