import assert from 'node:assert/strict'
import { appendFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Chunk } from '../../../../src/flow.ts'
import { guardOf } from '../../../../src/guard.ts'
import { NO_DESCRIPTOR, type Opening } from '../../../../src/input/files/descriptors.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { FileTurns, type FileTurnsOptions } from '../../../../src/input/reading/file-turn.ts'
import { FILE_TURN_BYTES } from '../../../../src/input/reading/read.ts'
import { FileWorld } from '../../../support/file-world.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { recordEvents } from '../../../support/event-recorder.ts'
import {
  MAX_LINE,
  type OpenSettings,
  openFile,
  takeLines,
  testMemory,
  testReadMemory,
} from '../../../support/reading.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'
import { ROOM, TOPIC } from '../../../support/obstacles.ts'

const memory = testMemory()

/** Turns of files, with stubs for all that decides about generations. */
function withTurns(change: Partial<FileTurnsOptions> = {}) {
  const recorder = recordEvents()
  const clock = new HandClock()
  const reported: string[] = []
  const touched: string[] = []
  const text: string[] = []
  const generations = {
    descriptors: {
      open: (): Promise<Opening> => Promise.resolve('open'),
      makeRoom: () => true,
      close: (file: LogFile) => void reported.push(`closed ${file.name}`),
    },
    truncations: {
      truncated: (file: LogFile) => void reported.push(`truncated ${file.name}`),
      shortened: (file: LogFile) => void reported.push(`shortened ${file.name}`),
    },
    inspection: { growFingerprint: () => Promise.resolve(void reported.push('grown')) },
    unnamedCopies: { isSuspect: () => false, isWaiting: () => false, judge: () => Promise.resolve(true) },
    departures: { isFinal: () => false },
  }
  const fileTurns = new FileTurns({
    memory,
    readMemory: testReadMemory(change.memory ?? memory),
    generations,
    checkpoint: { touch: (file) => void touched.push(file.id) },
    events: recorder.events,
    maxUnacked: 1000,
    now: () => 1234,
    clock: clock.read,
    blocked: () => null,
    look: (file) => void reported.push(`look ${file.name}`),
    take(chunk: Chunk) {
      const pieces: Parameters<typeof takeLines>[2] = []
      const next = takeLines(change.memory ?? memory, chunk, pieces)
      text.push(pieces.map(({ bytes }) => bytes.toString()).join(''))
      return { next, blocked: null }
    },
    ...change,
  })
  return { fileTurns, recorder, clock, reported, touched, generations, text: () => text.splice(0).join('') }
}

async function log(t: TestContext, content: string, settings: OpenSettings = {}): Promise<LogFile> {
  const path = join(freshDirectory(t), 'a.log')
  writeFileSync(path, content)
  const file = await openFile(t, path, settings)
  return file
}

void test('hands on all bytes, and returns that the file is at its end', async (t) => {
  const { fileTurns, text, recorder, clock, touched } = withTurns()
  const file = await log(t, 'one\ntwo\n')
  clock.advance(5)
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(text(), 'one\ntwo\n')
  assert.deepEqual([file.next, file.activeAt, recorder.counters.bytesRead], [8, clock.read(), 8])
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(recorder.counters.bytesRead, 8)
  assert.deepEqual(touched, [file.id], 'once for the bytes, and not for none')
})

void test('asks for another turn after a full read, and for bytes that were not taken', async (t) => {
  const { fileTurns } = withTurns({ maxUnacked: 1e9 })
  const long = await log(t, 'x\n'.repeat(FILE_TURN_BYTES))
  assert.equal(await fileTurns.turn(long), 'more')
  assert.equal(long.next, FILE_TURN_BYTES)
  const half = await log(t, 'one\ntw')
  assert.equal(await fileTurns.turn(half), 'more')
  assert.equal(await fileTurns.turn(half), 'idle')
  const file = await log(t, 'one\ntwo\n')
  const some = withTurns({ take: ({ offset }) => ({ next: offset + 4, blocked: null }) })
  assert.equal(await some.fileTurns.turn(file), 'more')
  assert.equal(file.next, 4)
})

void test('does not read a file that is too far ahead of its watermark', async (t) => {
  const volume = countedVolume()
  const { fileTurns, text } = withTurns({ maxUnacked: 8 })
  const file = await log(t, 'one\ntwo\nthree\n', { volume })
  file.cursor.next = 8
  assert.equal(await fileTurns.turn(file), 'unacknowledged')
  assert.equal(volume.reads, 0)
  file.watermark.acknowledge({ start: 0, end: 4 }, 'stored', guardOf(Buffer.from('one\n')))
  file.rewind()
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(text(), 'two\nthree\n')
})

void test('does not read a file whose records have nowhere to go, and takes over nothing', async (t) => {
  for (const reason of [ROOM, TOPIC]) {
    const volume = countedVolume()
    const file = await log(t, 'one\n', { volume })
    assert.equal(await withTurns({ blocked: () => reason }).fileTurns.turn(file), reason)
    assert.equal(volume.reads, 0)
    const late = withTurns({ take: ({ offset }) => ({ next: offset, blocked: reason }) })
    assert.equal(await late.fileTurns.turn(file), reason)
    assert.deepEqual([file.next, late.recorder.counters.bytesRead], [0, 0])
    const part = withTurns({ take: ({ offset }) => ({ next: offset + 2, blocked: reason }) })
    assert.equal(await part.fileTurns.turn(file), reason)
    assert.deepEqual([file.next, part.recorder.counters.bytesRead], [2, 2])
  }
})

void test('opens a closed file, and has its directory looked at when that fails', async (t) => {
  const file = await log(t, 'one\n')
  const { descriptor } = file
  const { fileTurns, generations, reported, text } = withTurns()
  file.descriptor = -1
  generations.descriptors.open = () => {
    file.descriptor = descriptor
    return Promise.resolve('open')
  }
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(text(), 'one\n')
  file.descriptor = -1
  generations.descriptors.open = () => Promise.resolve('elsewhere')
  appendFileSync(file.path, 'two\n')
  reported.splice(0)
  assert.equal(await fileTurns.turn(file), 'later')
  assert.deepEqual(reported, ['look a.log'])
  generations.descriptors.open = () => Promise.reject(systemError('EIO', 'open'))
  assert.equal(await fileTurns.turn(file), 'later')
  file.descriptor = descriptor
})

void test('tries a file again later that cannot be read, and closes a handle that the server forgot', async (t) => {
  let code = 'EIO'
  const volume = countedVolume({
    read: () => {
      throw systemError(code, 'read')
    },
  })
  const { fileTurns, reported, recorder } = withTurns()
  const file = await log(t, 'one\n', { volume })
  assert.equal(await fileTurns.turn(file), 'later')
  assert.deepEqual(recorder.reported('fileDenied'), [[file.place, 'EIO: injected, read']])
  assert.deepEqual(reported, [])
  code = 'ESTALE'
  assert.equal(await fileTurns.turn(file), 'later')
  assert.deepEqual(reported, ['closed a.log'])
})

void test('does not take a fault of ours for a file that cannot be read', async (t) => {
  const fault = new RangeError('a fault in logagent')
  const take = (): never => {
    throw fault
  }
  const { fileTurns, recorder } = withTurns({ take })
  const local = await log(t, 'one\n')
  assert.throws(() => fileTurns.turn(local), fault)
  const remote = await log(t, 'one\n', { volume: new RemoteMount('7') })
  const turn = withTurns({ take }).fileTurns.turn(remote)
  await assert.rejects(Promise.resolve(turn), fault)
  assert.deepEqual(recorder.reported('fileDenied'), [])
})

void test('reports that a file was cut', async (t) => {
  const { fileTurns, reported } = withTurns()
  const file = await log(t, 'one\n')
  await fileTurns.turn(file)
  writeFileSync(file.path, 'x\n')
  reported.splice(0)
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.deepEqual(reported, ['truncated a.log'])
})

void test('reads nothing of a generation whose bytes are gone', async (t) => {
  const { fileTurns, text } = withTurns()
  const file = await log(t, 'one\n')
  file.life.detach()
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(text(), '')
})

void test('asks for a fingerprint until it is whole', async (t) => {
  const { fileTurns, reported } = withTurns()
  const file = await log(t, 'one\n')
  await fileTurns.turn(file)
  assert.deepEqual(reported.splice(0), ['grown'])
  file.knowBy({ length: 1024, hash: 'x' })
  writeFileSync(file.path, 'two\n', { flag: 'a' })
  await fileTurns.turn(file)
  assert.deepEqual(reported, [])
})

void test('counts bytes that were read as seen, so that they count when the file is cut', async (t) => {
  const { fileTurns } = withTurns()
  const file = await log(t, 'one\n')
  writeFileSync(file.path, 'two\n', { flag: 'a' })
  await fileTurns.turn(file)
  assert.deepEqual([file.size, file.seenSize.isUnsure], [8, false])
})

// -- mounts that take their time -----------------------------------------------------------------------------------

void test('reads two mounts at once, each into memory of its own, and local files meanwhile', async (t) => {
  const { fileTurns, text } = withTurns({ maxUnacked: 1e9 })
  const [one, two] = [new RemoteMount('7'), new RemoteMount('8')]
  const lines = (name: string): string => `${name} ${'x'.repeat(50)}\n`.repeat(3000)
  const files = await Promise.all([
    log(t, lines('one'), { volume: one }),
    log(t, lines('two'), { volume: two }),
    log(t, lines('local')),
  ])
  const [first, second, local] = files
  assert.ok(first && second && local)
  const toEnd = async (file: LogFile): Promise<string> => {
    let turn = await fileTurns.turn(file)
    while (turn === 'more') turn = await fileTurns.turn(file)
    assert.equal(turn, 'idle')
    return text()
  }
  one.hang()
  const slow = fileTurns.turn(first)
  assert.equal(await toEnd(second), lines('two'))
  assert.equal(await toEnd(local), lines('local'))
  one.answer()
  assert.equal(await slow, 'more')
  assert.equal(await toEnd(first), lines('one'))
})

for (const length of [130_000, 130_943, 130_944, 130_945, 131_072, 200_000, MAX_LINE, MAX_LINE + 1]) {
  void test(`reads lines of ${length} bytes whole from a mount`, async (t) => {
    const content = `one\n${'x'.repeat(length - 1)}\n${'y'.repeat(length - 1)}\ntwo\n`
    const { fileTurns, text } = withTurns({ maxUnacked: 1e9 })
    const file = await log(t, content, { volume: new RemoteMount('7') })
    let turn = await fileTurns.turn(file)
    while (turn === 'more') turn = await fileTurns.turn(file)
    assert.equal(turn, 'idle')
    // not assert.equal: it would show them
    assert.ok(text() === content)
  })
}

void test('keeps no more of the memory while a mount hangs than a read needs', async (t) => {
  const fresh = testMemory()
  const { fileTurns } = withTurns({ memory: fresh })
  const mounts = Array.from({ length: 3 }, (_, n) => new RemoteMount(String(n)))
  for (const volume of mounts) {
    const file = await log(t, 'one\n', { volume })
    volume.hang()
    void fileTurns.turn(file)
  }
  // three pieces are one of its large buffers
  assert.equal(fresh.pool.total - fresh.pool.freeBytes, fresh.pool.sizes.large)
  for (const mount of mounts) mount.answer()
})

void test('reads the first bytes of a file once from a mount that hangs, however often it has no room', async (t) => {
  const { fileTurns, generations } = withTurns({ blocked: () => ROOM })
  const file = await log(t, 'one\n', { volume: new RemoteMount('7') })
  let calls = 0
  let answer: () => void = () => undefined
  generations.inspection.growFingerprint = () => {
    calls++
    return new Promise((resolve) => (answer = () => resolve(undefined)))
  }
  for (let n = 0; n < 10; n++) assert.equal(await fileTurns.turn(file), ROOM)
  assert.equal(calls, 1)
  answer()
  await loopTurn()
  assert.equal(await fileTurns.turn(file), ROOM)
  assert.equal(calls, 2)
  answer()
})

void test('has memory for several reads at once, lets the others wait, and gives it all back', async (t) => {
  const fresh = testMemory()
  const { fileTurns } = withTurns({ memory: fresh })
  const mounts = Array.from({ length: 10 }, (_, n) => new RemoteMount(String(n)))
  const files = await Promise.all(mounts.map((volume) => log(t, 'one\n', { volume })))
  const before = fresh.pool.freeBytes
  for (const mount of mounts) mount.hang()
  const turns = files.map((file) => Promise.resolve(fileTurns.turn(file)))
  assert.ok(fresh.pool.freeBytes < before)
  const last = await turns.at(-1)
  assert.ok(typeof last === 'object' && last.kind === 'room')
  const local = await log(t, 'one\n')
  assert.equal(await fileTurns.turn(local), 'idle')
  for (const mount of mounts) mount.answer()
  assert.ok((await Promise.all(turns)).includes('idle'))
  assert.equal(fresh.pool.freeBytes, before)
  for (const file of files) assert.equal(await fileTurns.turn(file), 'idle')
  assert.ok(files.every(({ next }) => next === 4))
})

void test('says of a file whose read is under way that it is', async (t) => {
  const { fileTurns } = withTurns()
  const mount = new RemoteMount('7')
  const file = await log(t, 'one\n', { volume: mount })
  mount.hang()
  const turn = fileTurns.turn(file)
  assert.ok(file.turn.reading)
  mount.answer()
  await turn
  assert.ok(!file.turn.reading)
})

void test('lets a file wait for a descriptor where it can have none', async (t) => {
  const { fileTurns, generations, reported } = withTurns()
  const file = await log(t, 'one\n')
  const { descriptor } = file
  file.descriptor = -1
  generations.descriptors.open = () => Promise.resolve('full')
  assert.equal(await fileTurns.turn(file), NO_DESCRIPTOR)
  generations.descriptors.makeRoom = () => false
  assert.equal(fileTurns.turn(file), NO_DESCRIPTOR, 'at once, where that is known')
  assert.deepEqual(reported, [], 'no other file is at its place')
  file.descriptor = descriptor
})

void test('does not open a closed file that is as it was when it was read to its end', async (t) => {
  const { fileTurns, generations, text, reported } = withTurns()
  const file = await log(t, 'one\nhalf a')
  await fileTurns.turn(file)
  assert.equal(await fileTurns.turn(file), 'idle')
  const { descriptor } = file
  file.descriptor = -1
  let opened = 0
  generations.descriptors.open = () => {
    opened++
    file.descriptor = descriptor
    return Promise.resolve('open')
  }
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.equal(opened, 0)
  appendFileSync(file.path, ' line\n')
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.deepEqual([opened, text()], [1, 'one\nhalf a line\n'])
  appendFileSync(file.path, 'last')
  await fileTurns.turn(file)
  assert.equal(await fileTurns.turn(file), 'idle')
  file.descriptor = -1
  generations.departures.isFinal = () => true
  assert.equal(await fileTurns.turn(file), 'idle')
  assert.deepEqual([opened, text()], [2, 'last'], 'its last line counts now')
  file.descriptor = -1
  unlinkSync(file.path)
  generations.descriptors.open = () => Promise.resolve('elsewhere')
  reported.splice(0)
  assert.equal(await fileTurns.turn(file), 'later')
  assert.deepEqual(reported, ['look a.log'])
  file.descriptor = descriptor
})

void test('tries again later when its descriptor went to another file before it could read', async (t) => {
  const { fileTurns, generations, recorder } = withTurns()
  const file = await log(t, 'one\n')
  const { descriptor } = file
  file.descriptor = -1
  generations.descriptors.open = () => Promise.resolve('open')
  assert.equal(await fileTurns.turn(file), 'later')
  assert.deepEqual(recorder.reported('fileDenied'), [])
  file.descriptor = descriptor
})

void test('hands on nothing any more that comes after the end', async (t) => {
  const { fileTurns, text } = withTurns()
  const mount = new RemoteMount('7')
  const file = await log(t, 'one\n', { volume: mount })
  mount.hang()
  const turn = fileTurns.turn(file)
  fileTurns.stop()
  mount.answer()
  assert.equal(await turn, 'idle')
  assert.equal(text(), '')
  assert.equal(file.next, 0)
})

void test('hands on nothing of a file that was cut while it was read', async (t) => {
  const { fileTurns, text } = withTurns()
  const mount = new RemoteMount('7')
  const file = await log(t, 'one\n', { volume: mount })
  mount.hang()
  const turn = fileTurns.turn(file)
  file.life.detach()
  mount.answer()
  assert.equal(await turn, 'idle')
  assert.equal(text(), '')
})

void test('goes on at the right byte in a remote file that goes back while it is read', async (t) => {
  const mount = new RemoteMount('7')
  const world = await FileWorld.open(t, { volume: mount })
  world.acknowledge = false
  world.write('a.log', 'one\ntwo\n')
  await world.look()
  const file = world.file('a.log')
  await world.fileTurns.turn(file)
  world.append('a.log', 'three\n')
  mount.hang()
  const turn = world.fileTurns.turn(file)
  await loopTurn()
  file.rewind()
  mount.answer()
  assert.equal(await turn, 'more')
  while ((await world.fileTurns.turn(file)) === 'more') await loopTurn()
  assert.equal(world.text(), 'one\ntwo\none\ntwo\nthree\n')
})

void test('reads a whole life of rotations from a mount that takes its time', async (t) => {
  const world = await FileWorld.open(t, { volume: new RemoteMount('7') })
  let written = ''
  for (let n = 0; n < 5; n++) {
    const lines = `line ${n}\n`.repeat(100)
    written += lines
    world.write('a.log', lines)
    await world.lookAndRead()
    world.move('a.log', `a.log.${n}`)
  }
  world.remove('a.log.0')
  await world.lookAndRead()
  assert.equal(world.text(), written)
  world.clock.advance(5000)
  await world.tick()
  for (let turn = 0; turn < 50; turn++) await loopTurn()
  assert.equal(world.generations.descriptors.count, 0)
})
