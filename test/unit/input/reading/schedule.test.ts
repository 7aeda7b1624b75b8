import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { Schedule, type TurnEnd } from '../../../../src/input/reading/schedule.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { ROOM, TOPIC } from '../../../support/obstacles.ts'
import { paperFile } from '../../../support/reading.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { RemoteMount } from '../../../support/volumes.ts'

/** A schedule whose files have a backlog of turns; timers go off when the test says so. */
function withSchedule(t: TestContext, settings: { isPolled?: (file: LogFile) => boolean; pollMs?: number } = {}) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new HandClock()
  const turns: string[] = []
  const backlog = new Map<LogFile, number>()
  const answers = new Map<LogFile, TurnEnd | Promise<TurnEnd>>()
  let polls = 0
  const looked: boolean[] = []
  const schedule = new Schedule({
    clock: clock.read,
    pollMs: settings.pollMs ?? 5,
    turn(file) {
      turns.push(file.name)
      const answer = answers.get(file)
      if (answer !== undefined) return answer
      const left = (backlog.get(file) ?? 0) - 1
      backlog.set(file, left)
      return left > 0 ? 'more' : 'idle'
    },
    looked: (isOver) => void looked.push(isOver),
    isPolled: settings.isPolled ?? (() => false),
    polling: () => void polls++,
  })
  t.after(() => schedule.stop())
  return {
    schedule,
    clock,
    backlog,
    answers,
    polls: () => polls,
    /** The calls of `looked` since the last time. */
    looked: () => looked.splice(0),
    /** Files that had a turn since the last call, in order. */
    turns: () => turns.splice(0).join(' '),
    /** So many ms pass, in steps of one. */
    pass: async (milliseconds: number): Promise<void> => {
      for (let ms = 0; ms < milliseconds; ms++) {
        clock.advance(1)
        t.mock.timers.tick(1)
        await loopTurn()
        await loopTurn()
        for (let seen = -1; seen < turns.length; await loopTurn()) seen = turns.length
      }
    },
    quiet: async (): Promise<void> => {
      for (let turn = 0; turn < 100_000 && !schedule.quiet; turn++) await loopTurn()
    },
  }
}

const files = (...names: string[]): LogFile[] => names.map((name) => paperFile(name))

// -- what comes at the wrong moment -------------------------------------------------------------------------------------

void test('forgets a file that was lost while it had its turn', async (t) => {
  const { schedule, answers } = withSchedule(t)
  const [file] = files('a')
  assert.ok(file)
  file.seenSize.set(10)
  let answer = (_turn: TurnEnd): void => undefined
  answers.set(file, new Promise((resolve) => (answer = resolve)))
  schedule.wake(file)
  await loopTurn()
  file.life.forget()
  schedule.forget(file)
  answer('later')
  await loopTurn()
  assert.ok(schedule.quiet)
})

void test('wakes a file on a mount also when its obstacle goes twice at once', async (t) => {
  const { schedule, answers, turns } = withSchedule(t)
  const remote = paperFile('remote', { volume: new RemoteMount('7') })
  answers.set(remote, TOPIC)
  schedule.wake(remote)
  await loopTurn()
  turns()
  // at the first call the topic is still not there for it, at the second one it is
  schedule.topicChanged('logs')
  answers.delete(remote)
  schedule.topicChanged('logs')
  await loopTurn()
  assert.equal(turns(), 'remote remote')
  assert.equal(schedule.parkedFiles, 0)
})

// -- turns --------------------------------------------------------------------------------------------------------------

void test('lets files with a backlog take turns', async (t) => {
  const { schedule, backlog, turns, quiet } = withSchedule(t)
  const [a, b, c] = files('a', 'b', 'c')
  assert.ok(a && b && c)
  backlog.set(a, 5)
  backlog.set(b, 3)
  for (const file of [a, b]) schedule.wake(file)
  await loopTurn()
  schedule.wake(c)
  await quiet()
  assert.equal(turns(), 'a b a b a b c a a')
})

void test('gives the event loop its own after a few turns', async (t) => {
  const { schedule, backlog, turns, quiet } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  backlog.set(a, 40)
  schedule.wake(a)
  let most = 0
  let last = 0
  let seen = 0
  const count = (): void => {
    seen += turns().split(' ').filter(Boolean).length
    most = Math.max(most, seen - last)
    last = seen
    if (seen < 40) setImmediate(count)
  }
  setImmediate(count)
  await quiet()
  assert.ok(most <= 4, `${most} turns in a row`)
})

void test('wakes a file once, however often it is called', async (t) => {
  const { schedule, turns, quiet } = withSchedule(t)
  const [a, b] = files('a', 'b')
  assert.ok(a && b)
  for (let wake = 0; wake < 10; wake++) for (const file of [a, b]) schedule.wake(file)
  assert.ok(a.turn.queued)
  await quiet()
  assert.equal(turns(), 'a b')
  assert.ok(!a.turn.queued)
})

void test('does not wake files that cannot go on', async (t) => {
  const { schedule, turns, quiet } = withSchedule(t)
  const fresh = paperFile('fresh', { admitted: false })
  const [finished, detached, parked] = files('finished', 'detached', 'parked')
  assert.ok(finished && detached && parked)
  finished.life.finish()
  detached.life.detach()
  parked.turn.parked = true
  for (const file of [fresh, finished, detached, parked]) schedule.wake(file)
  await quiet()
  assert.equal(turns(), '')
})

void test('keeps the order of thousands', async (t) => {
  const { schedule, backlog, turns, quiet } = withSchedule(t)
  const names = Array.from({ length: 3000 }, (_, n) => String(n))
  for (const file of files(...names)) {
    backlog.set(file, 2)
    schedule.wake(file)
  }
  await quiet()
  assert.equal(turns(), [...names, ...names].join(' '))
})

// -- parking -------------------------------------------------------------------------------------------------------------

void test('parks a file that cannot go on, and resumes one whose obstacle is gone', async (t) => {
  const { schedule, answers, turns, quiet } = withSchedule(t)
  const [room, topic, ahead] = files('room', 'topic', 'ahead')
  assert.ok(room && topic && ahead)
  answers.set(room, ROOM).set(topic, TOPIC).set(ahead, 'unacknowledged')
  for (const file of [room, topic, ahead]) schedule.wake(file)
  await loopTurn()
  await loopTurn()
  assert.equal(turns(), 'room topic ahead')
  assert.deepEqual([schedule.parkedFiles, room.parked, ahead.parked], [3, true, true])
  for (const file of [room, topic, ahead]) assert.ok(!schedule.wake(file))
  answers.clear()
  schedule.topicChanged('logs')
  await loopTurn()
  await loopTurn()
  assert.equal(turns(), 'room topic', 'a topic is all there is of it, its partitions too')
  schedule.unblock(ROOM)
  assert.ok(!schedule.quiet, 'one still waits')
  schedule.acknowledged(ahead)
  await quiet()
  assert.equal(turns(), 'ahead')
  assert.equal(schedule.parkedFiles, 0)
})

void test('lets a file that waits for room wait, however much of it is acknowledged', async (t) => {
  const { schedule, answers, turns } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  answers.set(a, ROOM)
  schedule.wake(a)
  await loopTurn()
  await loopTurn()
  turns()
  schedule.acknowledged(a)
  await loopTurn()
  assert.equal(turns(), '')
  assert.ok(a.parked)
})

void test('lets one parked file go on by itself', async (t) => {
  const { schedule, answers, turns, quiet } = withSchedule(t)
  const [a, b] = files('a', 'b')
  assert.ok(a && b)
  for (const file of [a, b]) {
    answers.set(file, ROOM)
    schedule.wake(file)
  }
  await loopTurn()
  await loopTurn()
  turns()
  answers.clear()
  schedule.resume(b)
  await loopTurn()
  assert.equal(turns(), 'b')
  schedule.unblock(ROOM)
  await quiet()
  assert.equal(turns(), 'a')
})

void test('forgets a file that is let go while it is parked, and takes it back when it grows', async (t) => {
  const { schedule, answers, turns, quiet } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  answers.set(a, TOPIC)
  schedule.wake(a)
  await loopTurn()
  await loopTurn()
  schedule.forget(a)
  a.life.finish()
  assert.ok(schedule.quiet)
  turns()
  schedule.topicChanged('logs')
  await quiet()
  assert.equal(turns(), '')
  answers.clear()
  a.life.revive()
  schedule.wake(a)
  await quiet()
  assert.equal(turns(), 'a')
})

// -- what the stages behind it hear ---------------------------------------------------------------------------------------

void test('says when all files have had their turns, and after every round when not', async (t) => {
  const { schedule, backlog, looked, quiet } = withSchedule(t)
  const [a, b] = files('a', 'b')
  assert.ok(a && b)
  for (const file of [a, b]) schedule.wake(file)
  await quiet()
  assert.deepEqual(looked(), [true])
  backlog.set(a, 9)
  schedule.wake(a)
  await quiet()
  assert.deepEqual(looked(), [false, false, true])
})

void test('says so too after a turn that took its time', async (t) => {
  const { schedule, answers, looked } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  answers.set(a, Promise.resolve('idle'))
  schedule.wake(a)
  await loopTurn()
  await loopTurn()
  assert.equal(looked().at(-1), true)
})

// -- polling -------------------------------------------------------------------------------------------------------------

void test('goes on polling a file that was idle and that no watch speaks for', async (t) => {
  const { schedule, turns, pass } = withSchedule(t, { isPolled: () => true })
  const [a] = files('a')
  assert.ok(a)
  schedule.wake(a)
  await pass(1000)
  assert.ok(turns().split(' ').length >= 3)
})

void test('tries a file again later that could not be opened, watched or not, and is not quiet before', async (t) => {
  const { schedule, answers, turns, pass } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  a.seenSize.set(10)
  answers.set(a, 'later')
  schedule.wake(a)
  await pass(1100)
  const tries = turns().split(' ').length
  assert.ok(tries >= 3 && tries <= 6, `${tries}`)
  assert.ok(!schedule.quiet)
  answers.clear()
  await pass(500)
  assert.ok(schedule.quiet)
  turns()
  await pass(1000)
  assert.equal(turns(), '')
})

void test('wakes no file while there is nothing to poll', async (t) => {
  const { schedule, pass, polls } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  schedule.wake(a)
  await pass(1000)
  assert.equal(polls(), 0)
})

// -- mounts that hang ----------------------------------------------------------------------------------------------------

void test('gives each mount turns of its own: one that hangs stops no other', async (t) => {
  const { schedule, answers, backlog, turns, pass } = withSchedule(t)
  const mount = new RemoteMount('7')
  const hung = paperFile('hung', { volume: mount, device: '7' })
  const behind = paperFile('behind', { volume: mount, device: '7' })
  const other = paperFile('other', { volume: mount, device: '8' })
  const [local] = files('local')
  assert.ok(local)
  let answer: (turn: TurnEnd) => void = () => undefined
  answers.set(hung, new Promise((resolve) => (answer = resolve)))
  for (const file of [behind, other, local]) backlog.set(file, 3)
  for (const file of [hung, behind, other, local]) schedule.wake(file)
  await pass(10)
  const names = turns().split(' ')
  assert.deepEqual(names.toSorted(), ['hung', 'local', 'local', 'local', 'other', 'other', 'other'])
  assert.ok(!schedule.quiet)
  answers.delete(hung)
  answer('idle')
  await pass(10)
  assert.equal(turns(), 'behind behind behind')
  assert.ok(schedule.quiet)
})

void test('keeps no local file from the room for which one on a mount that hangs was woken first', async (t) => {
  const { schedule, answers, turns, pass } = withSchedule(t)
  const mount = new RemoteMount('7')
  const [hung, behind] = ['hung', 'behind'].map((name) => paperFile(name, { volume: mount, device: '7' }))
  const [local] = files('local')
  assert.ok(hung && behind && local)
  for (const file of [hung, behind, local]) {
    answers.set(file, ROOM)
    schedule.wake(file)
  }
  await pass(5)
  turns()
  answers.clear()
  answers.set(hung, new Promise<TurnEnd>(() => undefined))
  schedule.unblock(ROOM)
  await pass(5)
  assert.equal(turns(), 'hung local')
})

void test('has one turn at a time for each mount', async (t) => {
  const { schedule, answers, turns, pass } = withSchedule(t)
  const mount = new RemoteMount('7')
  const [a, b] = ['a', 'b'].map((name) => paperFile(name, { volume: mount, device: '7' }))
  assert.ok(a && b)
  let end: (turn: TurnEnd) => void = () => undefined
  answers.set(a, new Promise((resolve) => (end = resolve)))
  schedule.wake(a)
  schedule.wake(b)
  schedule.wake(a)
  await pass(5)
  assert.equal(turns(), 'a')
  answers.clear()
  end('more')
  await pass(5)
  assert.equal(turns(), 'b a')
})

// -- the end -------------------------------------------------------------------------------------------------------------

void test('ends although a mount hangs', async (t) => {
  const { schedule, answers, turns, pass } = withSchedule(t)
  const hung = paperFile('hung', { volume: new RemoteMount('7'), device: '7' })
  answers.set(hung, new Promise<TurnEnd>(() => undefined))
  schedule.wake(hung)
  await pass(5)
  assert.equal(turns(), 'hung')
  await schedule.stop()
})

void test('waits at the end for the turn of a local file that is under way', async (t) => {
  const { schedule, answers, pass } = withSchedule(t)
  const [a] = files('a')
  assert.ok(a)
  let end: (turn: TurnEnd) => void = () => undefined
  answers.set(a, new Promise((resolve) => (end = resolve)))
  schedule.wake(a)
  await pass(5)
  let stopped = false
  const stopping = schedule.stop().then(() => (stopped = true))
  await pass(5)
  assert.ok(!stopped)
  end('more')
  await stopping
})

void test('gives no more turns once it is stopped', async (t) => {
  const { schedule, backlog, turns, pass } = withSchedule(t, { isPolled: () => true })
  const [a, b] = files('a', 'b')
  assert.ok(a && b)
  backlog.set(a, 1_000_000)
  schedule.wake(a)
  schedule.poll(b)
  await loopTurn()
  turns()
  await schedule.stop()
  schedule.wake(b)
  schedule.unblock(ROOM)
  await pass(500)
  assert.equal(turns(), '')
})
