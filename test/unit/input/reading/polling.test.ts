import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Polling } from '../../../../src/input/reading/polling.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { paperFile } from '../../../support/reading.ts'
import { loopTurn } from '../../../support/loop-turn.ts'

const POLL_MS = 100

/** Files that are written to at a steady rate, and how often they are looked at; time passes when the test says so. */
function withPolling(t: TestContext, settings: { pollMs?: number; isPolled?: (file: LogFile) => boolean } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new HandClock()
  const looks: string[] = []
  /** Of each file, at a time. */
  const sizes = new Map<LogFile, (now: number) => number>()
  let beats = 0
  const polling = new Polling({
    clock: clock.read,
    pollMs: settings.pollMs ?? POLL_MS,
    isPolled: settings.isPolled ?? (() => true),
    wake(file) {
      looks.push(file.name)
      const size = sizes.get(file)?.(clock.read()) ?? 0
      if (size === file.next) return
      file.cursor.next = size
      file.life.noteActivity(clock.read())
    },
    takeTurns: () => void beats++,
    polling: () => undefined,
  })
  t.after(() => polling.stop())
  const pass = async (milliseconds: number): Promise<void> => {
    for (let ms = 0; ms < milliseconds; ms++) {
      clock.advance(1)
      t.mock.timers.tick(1)
      await loopTurn()
    }
  }
  return {
    polling,
    clock,
    pass,
    /** A polled file that is written to. */
    written: (name: string, bytesPerSecond: number): LogFile => {
      const file = paperFile(name)
      file.cursor.next = 0
      file.life.noteActivity(clock.read())
      const from = clock.read()
      sizes.set(file, (now) => Math.floor((bytesPerSecond * (now - from)) / 1000))
      polling.poll(file)
      return file
    },
    stopWriting: (file: LogFile): void => {
      const { next } = file
      sizes.set(file, () => next)
    },
    /** How often each was looked at since the last call. */
    looks: (): Record<string, number> => {
      const counts: Record<string, number> = {}
      for (const name of looks.splice(0)) counts[name] = (counts[name] ?? 0) + 1
      return counts
    },
    beats: () => beats,
  }
}

// -- files with an event -------------------------------------------------------------------------------------------------

void test('a file with an event is looked at at once, and then once a beat, whatever happens to it', async (t) => {
  const { polling, pass, looks, beats } = withPolling(t)
  const file = paperFile('a')
  polling.notice(file)
  await pass(2)
  assert.deepEqual(looks(), { a: 1 })
  for (let ms = 0; ms < 1000; ms++) {
    polling.notice(file)
    await pass(1)
  }
  const { a = 0 } = looks()
  assert.ok(a >= 9 && a <= 11, `${a} looks`)
  assert.ok(beats() <= 12)
})

void test('files with events within a beat are looked at together', async (t) => {
  const { polling, pass, looks, beats } = withPolling(t)
  polling.notice(paperFile('first'))
  await pass(2)
  const before = beats()
  for (const name of ['a', 'b', 'c']) {
    polling.notice(paperFile(name))
    await pass(20)
  }
  assert.deepEqual(looks(), { first: 1 })
  await pass(100)
  assert.deepEqual(looks(), { a: 1, b: 1, c: 1 })
  assert.equal(beats(), before + 1)
})

void test('after a pause a lone line is not kept waiting', async (t) => {
  const { polling, pass, looks } = withPolling(t)
  const file = paperFile('a')
  for (let n = 0; n < 5; n++) {
    polling.notice(file)
    await pass(2)
    assert.deepEqual(looks(), { a: 1 })
    await pass(POLL_MS)
  }
})

void test('nothing wakes up while nothing is to be looked at', async (t) => {
  const { polling, pass, beats } = withPolling(t)
  polling.notice(paperFile('a'))
  await pass(5)
  const before = beats()
  await pass(5000)
  assert.equal(beats(), before)
})

// -- what no watch speaks for ----------------------------------------------------------------------------------------------

void test('a busy file is looked at at every beat, a slow one as well where they are few', async (t) => {
  const { written, pass, looks } = withPolling(t)
  written('busy', 200_000)
  for (let n = 0; n < 10; n++) written(`slow ${n}`, 2000)
  await pass(2000)
  looks()
  await pass(2000)
  for (const [name, count] of Object.entries(looks())) assert.ok(count >= 18 && count <= 21, `${name}: ${count}`)
})

for (const [slow, least, most] of [
  [12, 9, 11],
  [30, 3, 4.5],
  [300, 0.9, 1.1],
  [3000, 0.9, 1.1],
] as const) {
  void test(`${slow} slow files: each is looked at ${most} times a second at most, and a busy one ten times`, async (t) => {
    const { written, pass, looks } = withPolling(t)
    for (let n = 0; n < slow; n++) written(`slow ${n}`, 2000)
    written('busy', 200_000)
    await pass(3000)
    looks()
    await pass(3000)
    const { busy = 0, ...others } = looks()
    const each = Object.values(others).reduce((sum, count) => sum + count, 0) / slow / 3
    assert.ok(each >= least && each <= most, `${each} looks at each a second`)
    assert.ok(busy >= 27 && busy <= 31, `${busy} looks at the busy one`)
  })
}

void test('a setting of short beats holds for a few slow files', async (t) => {
  const { written, pass, looks } = withPolling(t, { pollMs: 5 })
  for (let n = 0; n < 8; n++) written(`slow ${n}`, 2000)
  await pass(1000)
  looks()
  await pass(1000)
  for (const [name, count] of Object.entries(looks())) assert.ok(count >= 150 && count <= 201, `${name}: ${count}`)
})

void test('a file that nothing comes to any more is looked at less often, and often again when something does', async (t) => {
  const { written, stopWriting, pass, looks } = withPolling(t)
  const file = written('a', 200_000)
  await pass(1000)
  stopWriting(file)
  await pass(3000)
  looks()
  await pass(2000)
  const { a: cold = 0 } = looks()
  assert.ok(cold >= 7 && cold <= 9, `${cold} looks at the cold one`)
  file.life.noteActivity(Infinity)
  await pass(1000)
  const { a: warm = 0 } = looks()
  assert.ok(warm >= 8, `${warm} looks`)
})

void test('no more than a thousand cold files are looked at in a second, each in its turn', async (t) => {
  const { polling, pass, looks } = withPolling(t)
  for (let n = 0; n < 3000; n++) {
    const file = paperFile(String(n))
    file.life.noteActivity(-Infinity)
    polling.poll(file)
  }
  await pass(1000)
  const first = looks()
  const count = Object.values(first).reduce((sum, looked) => sum + looked, 0)
  assert.ok(count >= 750 && count <= 1100, `${count}`)
  await pass(2300)
  assert.equal(new Set([...Object.keys(first), ...Object.keys(looks())]).size, 3000)
})

void test('a file that a watch speaks for again is looked at once more, and then forgotten', async (t) => {
  const { polling, pass, looks, beats } = withPolling(t, { isPolled: () => false })
  const file = paperFile('a')
  file.life.noteActivity(-Infinity)
  polling.poll(file)
  await pass(1000)
  assert.deepEqual(looks(), { a: 1 })
  const before = beats()
  await pass(1000)
  assert.equal(beats(), before)
})

void test('a file that is let go is not looked at any more', async (t) => {
  const { polling, written, pass, looks } = withPolling(t)
  const file = written('a', 2000)
  polling.notice(file)
  polling.forget(file)
  await pass(1000)
  assert.deepEqual(looks(), {})
})

void test('no more beats come once it is stopped', async (t) => {
  const { polling, written, pass, looks } = withPolling(t)
  const file = written('a', 2000)
  polling.stop()
  polling.notice(file)
  await pass(1000)
  assert.deepEqual(looks(), {})
})
