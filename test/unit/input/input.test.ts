import assert from 'node:assert/strict'
import fs, { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Volume, localVolume } from '../../../src/input/volume/volume.ts'
import { LiveInput } from '../../support/live-input.ts'
import { until } from '../../support/wait.ts'
import { RemoteMount, inLine } from '../../support/volumes.ts'
import { systemError } from '../../support/system-error.ts'
import { ROOM, TOPIC, giveRoom } from '../../support/obstacles.ts'

const openNow = (): number => readdirSync('/proc/self/fd').length
const PROMPT_MS = 10_000

/** Fails when it takes as long as only a sweep would take. */
async function soon(what: string, condition: () => Promise<unknown>): Promise<void> {
  const begin = performance.now()
  await condition()
  const took = performance.now() - begin
  assert.ok(took < PROMPT_MS, `${what} took ${took} ms`)
}

void test('reads files that are there, lines that are appended, and files that come', async (t) => {
  const live = await LiveInput.open(t)
  live.write('a.log', 'a1\n')
  await live.input.start()
  await live.came('a1')
  live.append('a.log', 'a2\n')
  await live.came('a2')
  live.write('b.log', 'b1\n')
  await live.came('b1')
  live.move('a.log', 'a.log.1')
  live.append('a.log.1', 'a3\n')
  live.write('a.log', 'a4\n')
  await live.came('a3', 'a4')
  assert.deepEqual(live.lines.toSorted(), ['a1', 'a2', 'a3', 'a4', 'b1'])
})

void test('reads more files than may be open as soon as others are stored, without waiting for a tick', async (t) => {
  const file = { maxOpenFiles: 16, discoverMs: 3_600_000, sweepMs: 3_600_000, pollMs: 60_000 }
  const live = await LiveInput.open(t, { file })
  const names = Array.from({ length: 100 }, (_, n) => `${n}`)
  for (const name of names) live.write(`${name}.log`, `first of ${name}\n`)
  live.acknowledge = false
  await live.input.start()
  await until(() => live.lines.length >= 16, { what: 'as many as may be open', every: 2 })
  assert.equal(live.lines.length, 16, 'what is not stored keeps its descriptor')
  live.acknowledge = true
  live.release()
  await soon('the first lines', () => live.came(...names.map((name) => `first of ${name}`)))
  for (const name of names) live.append(`${name}.log`, `second of ${name}\n`)
  await soon('the second lines', () => live.came(...names.map((name) => `second of ${name}`)))
})

void test('reads more files than may be open where their lines are dropped as they are taken', async (t) => {
  const file = { maxOpenFiles: 16, discoverMs: 3_600_000, sweepMs: 3_600_000, pollMs: 60_000 }
  const live = await LiveInput.open(t, { file })
  live.acknowledge = 'while taken'
  const names = Array.from({ length: 100 }, (_, n) => `${n}`)
  for (const name of names) live.write(`${name}.log`, `line of ${name}\n`)
  await live.input.start()
  await soon('all lines', () => live.came(...names.map((name) => `line of ${name}`)))
})

void test('reads more files than may be open though the first ones end in half a line', async (t) => {
  const file = { maxOpenFiles: 16, discoverMs: 20, sweepMs: 100 }
  const live = await LiveInput.open(t, { file })
  const names = Array.from({ length: 60 }, (_, n) => `${n}`)
  for (const name of names) live.write(`${name}.log`, `line of ${name}\nhalf of`)
  await live.input.start()
  await live.came(...names.map((name) => `line of ${name}`))
  for (const name of names) live.append(`${name}.log`, ` ${name}\n`)
  await live.came(...names.map((name) => `half of ${name}`))
  assert.equal(live.lines.length, 2 * names.length)
})

void test('opens no file again and again that ends in half a line and is as it was', async (t) => {
  // then all are polled
  t.mock.method(fs, 'watch', () => {
    throw systemError('ENOSPC', 'watch')
  })
  const opened = t.mock.method(localVolume, 'open')
  const file = { maxOpenFiles: 16, discoverMs: 5, sweepMs: 20, pollMs: 5 }
  const live = await LiveInput.open(t, { file })
  const names = Array.from({ length: 40 }, (_, n) => `${n}`)
  for (const name of names) live.write(`${name}.log`, `line of ${name}\nhalf`)
  await live.input.start()
  await live.came(...names.map((name) => `line of ${name}`))
  for (let look = 0; look < 20; look++) {
    live.write('last.log', `line of look ${look}\n`)
    await live.came(`line of look ${look}`)
  }
  // each once to know it, once to read it; the last one for each of its lives
  assert.ok(opened.mock.callCount() <= 2 * names.length + 4 * 20, `${opened.mock.callCount()}`)
})

void test('reads more files than may be open though the first ones wait for their topic', async (t) => {
  const live = await LiveInput.open(t, { file: { maxOpenFiles: 16, discoverMs: 20, sweepMs: 100 } })
  const waits = Array.from({ length: 30 }, (_, n) => `waits ${n}`)
  const goes = Array.from({ length: 30 }, (_, n) => `goes ${n}`)
  live.blocked = ({ name }) => (name.startsWith('waits') ? TOPIC : null)
  for (const name of waits) live.write(`${name}.log`, `${name}\n`)
  await live.input.start()
  await until(() => [...live.input.files()].length >= 16, { what: 'as many as may be open are known', every: 2 })
  for (const name of goes) live.write(`${name}.log`, `${name}\n`)
  await live.came(...goes)
  assert.deepEqual(live.lines.toSorted(), goes.toSorted())
  live.blocked = null
  live.input.topicChanged('logs')
  await live.came(...waits)
})

void test('reads appended lines at once, by the events of a watch alone', async (t) => {
  const watch = t.mock.method(fs, 'watch')
  const live = await LiveInput.withOne(t, { file: { discoverMs: 3_600_000, sweepMs: 3_600_000 } })
  assert.equal(watch.mock.callCount(), 1)
  assert.deepEqual(live.recorder.reported('watchUnavailable'), [])
  for (const quietMs of [0, 50, 500]) {
    await delay(quietMs)
    await soon('a line', async () => {
      live.append('a.log', `after ${quietMs}\n`)
      await live.came(`after ${quietMs}`)
    })
  }
})

void test('carries open pieces below the offset through a restart', async (t) => {
  const live = await LiveInput.withOne(t)
  const open = [{ stream: 'stdout' as const, ranges: [{ start: 0, end: 2 }] }]
  live.file('a.log').openPieces = open
  live.append('a.log', 'two\n')
  await live.came('two')
  const next = await live.restart(t)
  await next.input.start()
  const { position } = next.file('a.log').toStored()
  assert.deepEqual(position, { offset: 8, open, skipped: 0 })
})

void test('waits for directories, and finds one again that was removed and made anew', async (t) => {
  const live = await LiveInput.open(t, { globs: ['logs/*/*.log'] })
  await live.input.start()
  for (let n = 0; n < 5; n++) {
    live.write('logs/app/a.log', `line ${n}\n`)
    await live.came(`line ${n}`)
    live.append('logs/app/a.log', `and ${n}\n`)
    await live.came(`and ${n}`)
    rmSync(live.path('logs/app'), { recursive: true })
  }
  assert.equal(live.lines.length, 10)
})

void test('reads a file behind a link at once, and the next one that comes to be there', async (t) => {
  const live = await LiveInput.open(t, { globs: ['links/*.log'], rules: { roots: [] } })
  live.write('pods/0.log', 'one\n')
  mkdirSync(live.path('links'))
  symlinkSync('../pods/0.log', live.path('links/web.log'))
  const allowed = await live.restart(t, { rules: { roots: [live.root] } })
  await allowed.input.start()
  await allowed.came('one')
  await soon('a line behind a link', async () => {
    live.append('pods/0.log', 'two\n')
    await allowed.came('two')
  })
  await soon('a rotation behind a link', async () => {
    live.append('pods/0.log', 'three\n')
    live.move('pods/0.log', 'pods/0.log.20261122')
    live.append('pods/0.log.20261122', 'four\n')
    live.write('pods/0.log', 'five\n')
    await allowed.came('three', 'four', 'five')
  })
  assert.equal(allowed.lines.length, 5)
})

void test('goes on where no watch can be had', async (t) => {
  t.mock.method(fs, 'watch', () => {
    throw systemError('ENOSPC', 'watch')
  })
  const live = await LiveInput.open(t)
  live.write('a.log', 'a1\n')
  await live.input.start()
  await live.came('a1')
  await soon('polling', async () => {
    live.append('a.log', 'a2\n')
    await live.came('a2')
    live.write('b.log', 'b1\n')
    await live.came('b1')
    live.move('a.log', 'a.log.1')
    live.append('a.log.1', 'a3\n')
    live.write('a.log', 'a4\n')
    await live.came('a3', 'a4')
  })
  assert.deepEqual(live.recorder.reported('watchUnavailable'), [[live.root, 'ENOSPC']])
})

void test('reads appended lines by polling alone where no watch can be had', async (t) => {
  t.mock.method(fs, 'watch', () => {
    throw systemError('ENOSPC', 'watch')
  })
  const live = await LiveInput.withOne(t, { file: { discoverMs: 3_600_000, sweepMs: 3_600_000 } })
  for (const quietMs of [0, 50, 500]) {
    await delay(quietMs)
    await soon('a line', async () => {
      live.append('a.log', `after ${quietMs}\n`)
      await live.came(`after ${quietMs}`)
    })
  }
})

void test('reads busy files by polling, and notices their rotations', async (t) => {
  const live = await LiveInput.open(t)
  live.write('a.log', '')
  live.write('b.log', '')
  await live.input.start()
  const all: string[] = []
  for (let n = 0; n < 1000; n++) {
    for (const name of ['a', 'b']) {
      all.push(`${name} ${n}`)
      live.append(`${name}.log`, `${name} ${n}\n`)
    }
    if (n % 300 === 299) {
      live.move('a.log', `a.log.${n}`)
      live.write('a.log', '')
      await live.came(`b ${n}`)
    }
  }
  await live.came('a 999', 'b 999')
  assert.deepEqual(live.lines.toSorted(), all.sort())
})

void test('begins a new generation when a file is cut, and stores nothing of the old one as the new', async (t) => {
  const live = await LiveInput.open(t)
  live.acknowledge = false
  live.write('a.log', 'one\ntwo\n')
  await live.input.start()
  await live.came('two')
  const old = live.file('a.log')
  live.cut('a.log')
  live.append('a.log', 'x\n')
  await live.came('x')
  const next = live.file('a.log')
  assert.notEqual(next, old)
  live.release()
  assert.equal(next.watermark.offset, 2)
  assert.ok(!Array.from(live.input.files()).includes(old))
})

// -- back-pressure ---------------------------------------------------------------------------------------------------

void test('waits while there is no room, and goes on when there is', async (t) => {
  const live = await LiveInput.open(t)
  live.blocked = ROOM
  live.write('a.log', 'a1\n')
  await live.input.start()
  await until(() => live.file('a.log').parked, { what: 'it waits' })
  live.blocked = null
  live.input.topicChanged('another')
  assert.ok(live.file('a.log').parked)
  giveRoom(live.input)
  await live.came('a1')
})

void test('stops at the limit ahead of the stored offset, and goes on with each receipt', async (t) => {
  const live = await LiveInput.open(t, { file: { maxUnacked: 64 * 1024 } })
  live.acknowledge = false
  const line = 'x'.repeat(999)
  live.write('a.log', `${line}\n`.repeat(1000))
  await live.input.start()
  await until(() => live.file('a.log').parked, { what: 'it waits' })
  const ahead = live.lines.length
  assert.ok(ahead >= 64 && ahead < 400, `${ahead}`)
  const [first] = live.held
  assert.ok(first)
  live.input.receive({ file: first.file, ranges: [first], outcome: 'stored' })
  assert.ok(live.file('a.log').parked, 'it is too far ahead still')
  live.acknowledge = true
  live.release()
  await until(() => live.lines.length === 1000, { what: 'the rest' })
})

void test('reads bytes again that will not be stored, and counts those that cannot be read again', async (t) => {
  const live = await LiveInput.open(t)
  live.acknowledge = false
  live.write('a.log', 'one\ntwo\n')
  await live.input.start()
  await live.came('two')
  const file = live.file('a.log')
  live.input.rewind(file)
  await until(() => live.lines.length === 4, { what: 'both again' })
  assert.deepEqual(live.lines, ['one', 'two', 'one', 'two'])
  live.cut('a.log')
  live.append('a.log', 'x\n')
  await live.came('x')
  live.input.rewind(file)
  assert.equal(live.recorder.counters.lostBytes.truncated, 8)
})

// -- the end ---------------------------------------------------------------------------------------------------------

void test('reads to the end that was seen last, and no further', async (t) => {
  const live = await LiveInput.open(t)
  live.write('a.log', 'a1\n')
  await live.input.start()
  await live.came('a1')
  live.blocked = ROOM
  live.append('a.log', 'a2\n')
  live.write('b.log', 'b1\nhalf')
  await live.input.freeze()
  live.append('a.log', 'a3\n')
  live.append('b.log', ' a line\n')
  live.write('c.log', 'c1\n')
  assert.ok(!live.input.drained)
  live.blocked = null
  giveRoom(live.input)
  await live.drained()
  assert.deepEqual(live.lines.toSorted(), ['a1', 'a2', 'b1'])
})

void test('does not call itself drained before a file has been read that was found the moment before', async (t) => {
  const live = await LiveInput.open(t)
  await live.input.start()
  for (let n = 0; n < 20; n++) live.write(`${n}.log`, `line ${n}\n`)
  await live.input.freeze()
  await live.drained()
  assert.equal(live.lines.length, 20)
})

void test('does not call itself drained before a generation has been read that began after the freeze', async (t) => {
  const live = await LiveInput.withOne(t)
  live.blocked = ROOM
  live.append('a.log', 'two\n')
  await live.input.freeze()
  writeFileSync(live.path('a.log'), 'x\n')
  let written = (): void => undefined
  t.mock.method(live.checkpoint, 'written', () => new Promise<void>((resolve) => (written = resolve)))
  live.blocked = null
  giveRoom(live.input)
  await until(() => live.recorder.reported('fileTruncated').length > 0, { what: 'the cut is seen' })
  for (let turns = 0; turns < 10; turns++) {
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(!live.input.drained)
  }
  written()
  await live.drained()
  assert.deepEqual(live.lines, ['one', 'x'])
})

void test('counts a deleted file to its last byte at the end', async (t) => {
  const live = await LiveInput.open(t, { file: { lastLineQuietMs: 60_000 } })
  live.write('a.log', 'one\nlast')
  await live.input.start()
  await live.came('one')
  live.remove('a.log')
  await live.input.freeze()
  await live.drained()
  assert.deepEqual(live.lines, ['one', 'last'])
})

void test('leaves nothing open behind it, and goes on there', async (t) => {
  const before = openNow()
  const first = await LiveInput.open(t)
  for (let n = 0; n < 10; n++) first.write(`${n}.log`, `first ${n}\n`)
  await first.input.start()
  await until(() => first.lines.length === 10, { what: 'all' })
  const second = await first.restart(t)
  assert.ok(openNow() <= before + 3, 'but for the watch that the process shares')
  for (let n = 0; n < 10; n++) second.append(`${n}.log`, `second ${n}\n`)
  await second.input.start()
  await until(() => second.lines.length === 10, { what: 'the rest' })
  assert.ok(second.lines.every((line) => line.startsWith('second')))
  await second.input.stop()
  await second.input.stop()
})

// -- missing files ---------------------------------------------------------------------------------------------------

void test('drains a file that got a name that no glob matches while it was stopped', async (t) => {
  const first = await LiveInput.withOne(t)
  await first.input.stop()
  first.append('a.log', 'two\n')
  first.move('a.log', 'a-20261122.old')
  first.write('a.log', 'three\n')
  const second = await first.restart(t)
  await second.input.start()
  await second.came('two', 'three')
  assert.deepEqual(second.lines.toSorted(), ['three', 'two'])
})

void test('drains it also when its directory comes only later', async (t) => {
  const first = await LiveInput.open(t, { globs: ['logs/*.log'] })
  first.write('logs/a.log', 'one\n')
  await first.input.start()
  await first.came('one')
  await first.input.stop()
  first.append('logs/a.log', 'two\n')
  first.move('logs/a.log', 'logs/a.old')
  first.move('logs', 'not yet')
  const second = await first.restart(t)
  await second.input.start()
  await until(() => second.input.drained, { what: 'a look' })
  first.move('not yet', 'logs')
  await second.came('two')
})

void test('starts and goes on although the calls about some names fail', async (t) => {
  const first = await LiveInput.withOne(t)
  await first.input.stop()
  first.append('a.log', 'two\n')
  first.move('a.log', 'a.old')
  symlinkSync('loop', first.path('loop'))
  symlinkSync('loop.log', first.path('loop.log'))
  const second = await first.restart(t)
  await second.input.start()
  await second.came('two')
  second.write('b.log', 'new\n')
  await second.came('new')
})

void test('goes on looking after every call about the place of a lost file fails', async (t) => {
  const first = await LiveInput.withOne(t)
  await first.input.stop()
  first.remove('a.log')
  symlinkSync('a.log', first.path('a.log'))
  const second = await first.restart(t, { file: { sweepMs: 20 } })
  await second.input.start()
  second.aheadMs = 60_000
  second.write('b.log', 'new\n')
  await second.came('new')
  // the sweep is the last thing of a tick
  second.append('b.log', 'more\n')
  await second.came('more')
  assert.deepEqual(
    second.recorder.reported('fileDenied').filter(([path]) => path === ''),
    [],
  )
})

// -- mounts that hang --------------------------------------------------------------------------------------------------

async function withMounts(t: Parameters<typeof LiveInput.open>[0]) {
  const mounts = { one: new RemoteMount('901'), two: new RemoteMount('902') }
  const lines = new Map<string, Volume>()
  for (const [name, mount] of Object.entries(mounts)) lines.set(name, inLine(mount))
  const live = await LiveInput.open(t, {
    globs: ['one/*.log', 'two/*.log', 'local/*.log'],
    volumeOf: (path) => lines.get(basename(path)),
  })
  for (const name of ['one', 'two', 'local']) live.write(`${name}/a.log`, `${name} 1\n`)
  return { live, mounts }
}

void test('goes on everywhere else while a mount hangs, there when it answers, and ends in any case', async (t) => {
  const { live, mounts } = await withMounts(t)
  await live.input.start()
  await live.came('one 1', 'two 1', 'local 1')
  mounts.one.hang()
  // longer than any wait, so that every call to the mount that there can be is made
  live.aheadMs += 60_000
  for (const name of ['one', 'two', 'local']) live.append(`${name}/a.log`, `${name} 2\n`)
  for (const name of ['one', 'two', 'local']) live.write(`${name}/b.log`, `${name} 3\n`)
  await live.came('two 2', 'local 2', 'two 3', 'local 3')
  live.write('local/c.log', 'local 4\n')
  await live.came('local 4')
  assert.equal(mounts.one.mostPending, 1)
  mounts.one.answer()
  await live.came('one 2', 'one 3')
  mounts.one.hang()
  mounts.two.hang()
  live.append('local/a.log', 'local 5\n')
  void live.input.freeze()
  await live.came('local 5')
  await live.input.stop()
  mounts.one.answer()
  mounts.two.answer()
  const before = live.lines.length
  await until(() => mounts.one.pending + mounts.two.pending === 0, { what: 'the mounts have answered' })
  assert.equal(live.lines.length, before, 'nothing is handed on after the end')
})

void test('reads more mounts than there is memory for reads at the same time', async (t) => {
  const names = Array.from({ length: 30 }, (_, n) => `far${n}`)
  const mounts = new Map(names.map((name, n) => [name, inLine(new RemoteMount(String(900 + n)))]))
  const live = await LiveInput.open(t, {
    globs: names.map((name) => `${name}/*.log`),
    volumeOf: (path) => mounts.get(basename(path)),
    file: { discoverMs: 60_000 },
  })
  for (const name of names) live.write(`${name}/a.log`, `${name} 1\n`)
  await live.input.start()
  await live.came(...names.map((name) => `${name} 1`))
  for (const name of names) live.append(`${name}/a.log`, `${name} 2\n`)
  await live.came(...names.map((name) => `${name} 2`))
})

void test('reads mounts to their ends, too, and finds files that came at the last moment', async (t) => {
  const { live } = await withMounts(t)
  await live.input.start()
  await live.came('one 1', 'two 1', 'local 1')
  // so that nothing but the stop finds it
  live.blocked = ROOM
  for (const name of ['one', 'two', 'local']) {
    live.append(`${name}/a.log`, `${name} 2\n`)
    live.write(`${name}/b.log`, `${name} 3\n`)
  }
  await live.input.freeze()
  for (const name of ['one', 'two', 'local']) live.append(`${name}/a.log`, `${name} too late\n`)
  live.blocked = null
  giveRoom(live.input)
  await live.drained()
  const expected = ['local', 'one', 'two'].flatMap((name) => [1, 2, 3].map((n) => `${name} ${n}`))
  assert.deepEqual(live.lines.toSorted(), expected)
})

void test('makes one call at a time to a mount that hangs, however many files there are', async (t) => {
  const { live, mounts } = await withMounts(t)
  for (let n = 0; n < 50; n++) live.write(`one/${n}.log`, `one/${n}\n`)
  await live.input.start()
  await until(() => live.lines.length === 53, { what: 'all' })
  mounts.one.hang()
  live.aheadMs += 60_000
  live.write('local/b.log', 'local 2\n')
  await live.came('local 2')
  assert.equal(mounts.one.mostPending, 1)
  mounts.one.answer()
})

void test('gives up no file of a mount that was never seen, however long it hangs', async (t) => {
  const { live, mounts } = await withMounts(t)
  await live.input.start()
  await live.came('one 1', 'two 1', 'local 1')
  await live.input.stop()
  live.append('one/a.log', 'one 2\n')
  live.move('one/a.log', 'one/a.log.1')
  const { one } = mounts
  const list = one.list.bind(one)
  // single calls are answered
  let isWell = false
  one.list = (path) => (isWell ? list(path) : Promise.reject(systemError('EIO', 'scandir')))
  const second = await live.restart(t)
  await second.input.start()
  const before = one.calls.length
  await until(
    () => {
      second.aheadMs += 31_000
      return one.calls.length >= before + 3
    },
    { what: 'the mount is called about its place, again and again' },
  )
  isWell = true
  await second.came('one 2')
  assert.ok(!second.lines.includes('one 1'), 'it goes on where it was')
  assert.deepEqual(second.recorder.reported('lost'), [])
})

void test('starts although a mount hangs where a known file is sought, and gives no file up for it', async (t) => {
  const { live, mounts } = await withMounts(t)
  await live.input.start()
  await live.came('one 1', 'two 1', 'local 1')
  await live.input.stop()
  live.move('one/a.log', 'one/a.old')
  live.remove('local/a.log')
  const { one } = mounts
  const list = one.list.bind(one)
  // the first look is answered, the search is not
  let lists = 0
  one.list = (path) => {
    if (++lists === 2) one.hang()
    return list(path)
  }
  const second = await live.restart(t)
  await soon('the start', () => second.input.start())
  second.aheadMs = 60_000
  second.write('local/b.log', 'local 2\n')
  await second.came('local 2')
  second.write('local/c.log', 'local 3\n')
  await second.came('local 3')
  void second.input.freeze()
  await second.input.stop()
  one.answer()
})
