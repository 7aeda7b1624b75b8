import assert from 'node:assert/strict'
import { appendFileSync, fstatSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Descriptors } from '../../../../src/input/files/descriptors.ts'
import { fingerprintOf } from '../../../../src/input/files/identity.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import type { Volume } from '../../../../src/input/volume/volume.ts'
import { recordEvents } from '../../../support/event-recorder.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { ReadingDesk, openFile } from '../../../support/reading.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

const desk = new ReadingDesk()
const openNow = (): number => readdirSync('/proc/self/fd').length

function withDescriptors(t: TestContext, max: number) {
  const directory = freshDirectory(t)
  const clock = new HandClock()
  const recorder = recordEvents()
  let freed = 0
  const descriptors = new Descriptors({ max, clock: clock.read, events: recorder.events, freed: () => void freed++ })
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
  return { clock, recorder, descriptors, freed: () => freed, add, path: (name: string) => join(directory, name) }
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
  rotated.directory.files.delete(rotated.name)
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
  assert.equal(await descriptors.open(file), 'open')
  assert.equal(file.size, 18)
  assert.equal(await desk.text(file), 'more\n')
  assert.equal(await descriptors.open(file), 'open')
  assert.equal(descriptors.count, 1)
})

void test('does not open a file that is another one by now, is gone, or has no place', async (t) => {
  const { descriptors, add, path } = withDescriptors(t, 2)
  const before = openNow()
  const file = await add('a')
  descriptors.close(file)
  writeFileSync(path('a'), 'other content, longer\n')
  assert.equal(await descriptors.open(file), 'elsewhere', 'other content under its inode')
  writeFileSync(path('b'), 'content of a\n')
  renameSync(path('b'), path('a'))
  assert.equal(await descriptors.open(file), 'elsewhere', 'its content under another inode')
  unlinkSync(path('a'))
  assert.equal(await descriptors.open(file), 'elsewhere')
  file.life.detach()
  assert.equal(await descriptors.open(file), 'elsewhere')
  assert.equal(openNow(), before)
})

void test('says once that there may be room again, when a file that was needed is so no more', async (t) => {
  const { descriptors, freed, add } = withDescriptors(t, 2)
  const unstored = await add('unstored', { stored: false })
  const rotated = await add('rotated')
  rotated.life.loseName('rotated')
  rotated.directory.files.delete(rotated.name)
  descriptors.rested(rotated)
  assert.ok(!descriptors.makeRoom())
  assert.ok(!descriptors.makeRoom())
  descriptors.rested(rotated)
  descriptors.rested(unstored)
  assert.equal(freed(), 0, 'both are needed still')
  unstored.watermark.acknowledge({ start: 0, end: unstored.next }, 'stored', unstored.guard)
  descriptors.rested(unstored)
  descriptors.rested(unstored)
  assert.equal(freed(), 1)
  assert.ok(descriptors.makeRoom())
  assert.equal(unstored.descriptor, -1)
})

void test('says that there may be room again when a file is closed, or when it is to be tried anyhow', async (t) => {
  const { descriptors, freed, add } = withDescriptors(t, 1)
  const file = await add('a', { stored: false })
  descriptors.retry()
  assert.equal(freed(), 0, 'no descriptor was refused')
  assert.ok(!descriptors.makeRoom())
  descriptors.retry()
  assert.equal(freed(), 1)
  assert.ok(!descriptors.makeRoom())
  descriptors.close(file)
  assert.equal(freed(), 2)
  assert.ok(descriptors.makeRoom())
})

void test('does not open a file when every descriptor is needed', async (t) => {
  const { descriptors, add } = withDescriptors(t, 1)
  const file = await add('a')
  descriptors.close(file)
  const unread = await add('b')
  unread.seenSize.set(unread.size + 1)
  assert.equal(await descriptors.open(file), 'full')
  unread.seenSize.set(unread.size - 1)
  descriptors.rested(unread)
  assert.equal(await descriptors.open(file), 'open')
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
  assert.equal(await opening, 'elsewhere')
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
  assert.equal(await descriptors.open(file), 'open')
})

void test('keeps one descriptor when a slow mount opens a file twice', async (t) => {
  const { descriptors, add } = withDescriptors(t, 4)
  const mount = new RemoteMount('7')
  const file = await add('a', { volume: mount })
  const before = openNow()
  descriptors.close(file)
  assert.deepEqual(await Promise.all([descriptors.open(file), descriptors.open(file)]), ['open', 'open'])
  await until(() => openNow() === before, { what: () => `${openNow()} descriptors, not ${before}` })
  assert.equal(descriptors.count, 1)
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

void test('closes a file with a half line only where no other can be closed', async (t) => {
  const { descriptors, add, path, clock } = withDescriptors(t, 2)
  const half = await add('half')
  appendFileSync(path('half'), 'no line yet')
  half.note(await half.volume.factsOf(half.descriptor))
  assert.ok(!descriptors.mayClose(half), 'it may have ended')
  await desk.toEnd(half)
  const whole = await add('whole')
  whole.life.noteActivity(clock.read())
  assert.ok(descriptors.makeRoom())
  assert.deepEqual([half.descriptor >= 0, whole.descriptor], [true, -1])
  const { next, halfLineEnd } = half.cursor
  await add('other', { stored: false })
  assert.ok(descriptors.makeRoom())
  assert.equal(half.descriptor, -1)
  assert.equal(await descriptors.open(half), 'open')
  assert.deepEqual([half.next, half.cursor.halfLineEnd], [next, halfLineEnd], 'it is not read again')
})

void test('closes a rotated file while its name is known, and at a stop each file that was read to its end', async (t) => {
  const { descriptors, add } = withDescriptors(t, 3)
  const named = await add('named')
  const nameless = await add('nameless')
  const deleted = await add('deleted')
  for (const file of [named, nameless]) file.life.loseName('rotated')
  nameless.directory.files.delete('nameless')
  deleted.life.loseName('deleted')
  const mayClose = (): boolean[] => [named, nameless, deleted].map((file) => descriptors.mayClose(file))
  assert.deepEqual(mayClose(), [true, false, false])
  for (const file of [named, nameless, deleted]) file.cursor.stopAt(file.size)
  assert.deepEqual(mayClose(), [true, true, true])
  for (const file of [named, nameless, deleted]) {
    file.seenSize.set(file.size + 4)
    file.cursor.stopAt(file.size)
    file.cursor.halfLineEnd = file.size
  }
  assert.deepEqual(mayClose(), [true, true, false], 'the half line of a deleted file still counts')
})

void test('closes a file that cannot go on for one that can, if no bytes of it are in flight', async (t) => {
  const { descriptors, add, path } = withDescriptors(t, 2)
  const grow = async (file: LogFile, text: string): Promise<void> => {
    appendFileSync(path(file.name), text)
    file.note(await file.volume.factsOf(file.descriptor))
  }
  const parked = await add('parked')
  parked.turn.parked = true
  await grow(parked, 'unread\n')
  const half = await add('half')
  await grow(half, 'half a line')
  await desk.toEnd(half)
  assert.ok(descriptors.makeRoom())
  assert.deepEqual([parked.descriptor >= 0, half.descriptor], [true, -1], 'there is less to be lost')
  const sent = await add('sent', { stored: false })
  sent.turn.parked = true
  assert.ok(descriptors.makeRoom())
  assert.equal(parked.descriptor, -1)
  assert.equal(await descriptors.open(parked), 'open')
  parked.turn.parked = false
  assert.equal(await descriptors.open(half), 'full')
})

void test('has one file more open than may be at most, however many are opened at once', async (t) => {
  const { descriptors, add } = withDescriptors(t, 3)
  const volume = countedVolume()
  let most = 0
  const read = volume.read.bind(volume)
  volume.read = (descriptor, into) => {
    most = Math.max(most, openNow())
    return read(descriptor, into)
  }
  const files: LogFile[] = []
  for (let n = 0; n < 20; n++) {
    const file = await add(`${n}`, { volume })
    descriptors.close(file)
    files.push(file)
  }
  const before = openNow()
  most = 0
  const checked = files.map((file) => descriptors.isSameAt(file, file.path))
  const opened = await Promise.all(files.map((file) => descriptors.open(file)))
  assert.deepEqual(new Set(await Promise.all(checked)), new Set(['same']))
  assert.deepEqual(new Set(opened), new Set(['open']), 'each in its turn')
  assert.deepEqual([descriptors.count, openNow()], [3, before + 3])
  assert.ok(most <= before + 4, `${most - before} at once`)
})

void test('opens no file while the machine has no descriptor, and reports that', async (t) => {
  const { descriptors, add, recorder } = withDescriptors(t, 2)
  const volume = countedVolume()
  const file = await add('a', { volume })
  descriptors.close(file)
  const open = volume.open.bind(volume)
  volume.open = () => {
    throw systemError('ENFILE', 'open')
  }
  assert.equal(await descriptors.open(file), 'full')
  assert.deepEqual(recorder.reported('fileDenied'), [[file.path, 'ENFILE']])
  volume.open = open
  assert.equal(await descriptors.open(file), 'full', 'no other file is tried until a retry')
  descriptors.retry()
  assert.equal(await descriptors.open(file), 'open')
})
