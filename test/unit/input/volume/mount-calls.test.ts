import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { MountCalls } from '../../../../src/input/volume/mount-calls.ts'
import type { Volume } from '../../../../src/input/volume/volume.ts'
import { HandClock } from '../../../support/hand-clock.ts'
import { recordEvents } from '../../../support/event-recorder.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount } from '../../../support/volumes.ts'

interface Far {
  readonly mount: RemoteMount
  readonly volume: Volume
  /** Makes a call for the facts of its root; {@link answers} counts the answers. */
  readonly ask: () => void
  readonly answers: () => number
}

/** Mounts on servers, `atOnce` calls at the same time at most, and a clock that is moved by hand. */
function mountCalls(t: TestContext, atOnce: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const clock = new HandClock()
  const recorder = recordEvents()
  const calls = new MountCalls({ atOnce, clock: clock.read, events: recorder.events })
  let devices = 0
  const far = (server = `own${devices}`): Far => {
    const device = `0:${++devices}`
    const mount = new RemoteMount(device)
    const volume = calls.volumeOn({ device, point: `/mnt/${devices}`, server }, mount)
    let answers = 0
    const ask = (): void => void Promise.resolve(volume.facts('/')).then(() => answers++)
    return { mount, volume, ask, answers: () => answers }
  }
  const pass = (milliseconds: number): void => {
    clock.advance(milliseconds)
    t.mock.timers.tick(milliseconds)
  }
  let seen = 0
  /** What was reported since the last call. */
  const reported = (): string[] => {
    const news = recorder.reported().slice(seen)
    seen = recorder.reported().length
    return news.map((event) => event.join(' '))
  }
  return { calls, far, pass, reported, many: (count: number) => Array.from({ length: count }, () => far()) }
}

/** Waits until everything has happened that does not depend on the clock. */
async function quiet(): Promise<void> {
  for (let round = 0; round < 200; round++) await loopTurn()
}

void test('makes one call to a mount at a time, also after one that failed', async (t) => {
  const { far } = mountCalls(t, 8)
  const { mount, volume } = far()
  assert.ok(volume.remote)
  const directory = freshDirectory(t)
  mount.hang()
  const answers = [
    Promise.resolve(volume.list(directory)),
    Promise.resolve(volume.facts(directory)),
    Promise.resolve(volume.open(join(directory, 'nothing'))).catch((error: unknown) => error instanceof Error),
    Promise.resolve(volume.facts(join(directory, 'nothing'))),
  ]
  mount.answer()
  const [names, facts, failed, nothing] = await Promise.all(answers)
  assert.deepEqual([names, failed, nothing], [[], true, null])
  assert.match(JSON.stringify(facts), /"kind":"directory"/)
  assert.equal(mount.mostPending, 1)
  assert.deepEqual(mount.calls, ['list', 'facts', 'open', 'facts'])
})

void test('rejects a call that throws at once, and makes the next one', async (t) => {
  const { calls } = mountCalls(t, 1)
  const mount = new RemoteMount('7')
  mount.facts = () => {
    throw new TypeError('a path with a zero byte')
  }
  const volume = calls.volumeOn({ device: '7', point: '/mnt/7', server: '7' }, mount)
  await assert.rejects(async () => volume.facts('\0'), TypeError)
  assert.deepEqual(await volume.list(freshDirectory(t)), [])
})

void test('has one queue for each device of a server', (t) => {
  const { calls } = mountCalls(t, 8)
  const mount = { device: '0:9', point: '/mnt/9', server: 'nas' }
  const volume = calls.volumeOn(mount)
  assert.equal(calls.volumeOn({ ...mount, point: '/mnt/bound' }), volume)
  assert.notEqual(calls.volumeOn({ ...mount, server: 'other' }), volume)
  assert.notEqual(calls.volumeOn({ ...mount, device: '0:10' }), volume)
})

void test('makes no more calls at a time than allowed, and calls mounts that answer', async (t) => {
  const { many, far } = mountCalls(t, 8)
  const hung = many(7)
  const well = far()
  for (const { mount } of hung) mount.hang()
  for (let round = 0; round < 5; round++) for (const { ask } of [...hung, well]) ask()
  await quiet()
  assert.deepEqual(
    hung.map(({ mount }) => mount.calls.length),
    hung.map(() => 1),
  )
  assert.equal(well.answers(), 5)
})

void test('never has too many calls under way, and ends each call once its mount answers', async (t) => {
  const { many } = mountCalls(t, 3)
  const mounts = many(10)
  for (const { mount } of mounts) mount.hang()
  for (let round = 0; round < 4; round++) for (const { ask } of mounts) ask()
  await quiet()
  const pending = (): number => mounts.reduce((sum, { mount }) => sum + mount.pending, 0)
  assert.equal(pending(), 3)
  let most = 0
  for (const { mount } of mounts) {
    mount.answer()
    await quiet()
    most = Math.max(most, pending())
  }
  assert.ok(most <= 3, `${most}`)
  assert.deepEqual(
    mounts.map(({ answers }) => answers()),
    mounts.map(() => 4),
  )
})

void test('calls waiting mounts in turn, however many calls one of them has', async (t) => {
  const { many } = mountCalls(t, 1)
  const [first, second, third] = many(3)
  assert.ok(first && second && third)
  const order: number[] = []
  for (const [index, { mount }] of [first, second, third].entries()) {
    const facts = mount.facts.bind(mount)
    mount.facts = (path) => {
      order.push(index)
      return facts(path)
    }
  }
  for (let i = 0; i < 4; i++) first.ask()
  for (const { ask } of [second, third, second]) ask()
  await quiet()
  assert.deepEqual(order, [0, 1, 2, 0, 1, 0, 0])
})

void test('gives a server that is gone a quarter of the calls, and reports each of its mounts', async (t) => {
  const { far, pass, reported } = mountCalls(t, 8)
  const hung = Array.from({ length: 30 }, () => far('nas'))
  const well = Array.from({ length: 30 }, () => far('other'))
  for (const { mount } of hung) mount.hang()
  for (let round = 0; round < 3; round++) for (const { ask } of [...hung, ...well]) ask()
  await quiet()
  assert.equal(
    hung.reduce((sum, { mount }) => sum + mount.pending, 0),
    2,
  )
  assert.ok(well.every(({ answers }) => answers() === 3))
  for (let second = 0; second < 10; second++) pass(1000)
  assert.deepEqual(
    reported(),
    hung.map((_, index) => `mountHangs /mnt/${index + 1}`),
  )
})

void test('reports a mount that does not answer once, and when it answers', async (t) => {
  const { far, pass, reported } = mountCalls(t, 8)
  const [hung, well] = [far(), far()]
  hung.mount.hang()
  for (let second = 0; second < 60; second++) {
    hung.ask()
    well.ask()
    await quiet()
    pass(1000)
    if (second === 3) assert.deepEqual(reported(), [], 'it has some seconds')
    if (second === 5) assert.deepEqual(reported(), ['mountHangs /mnt/1'])
  }
  assert.deepEqual(reported(), [])
  hung.mount.answer()
  await quiet()
  assert.deepEqual(reported(), ['mountAnswers /mnt/1'])
  hung.mount.hang()
  hung.ask()
  pass(3000)
  well.mount.hang()
  well.ask()
  pass(3000)
  assert.deepEqual(reported(), ['mountHangs /mnt/1'])
  pass(3000)
  assert.deepEqual(reported(), ['mountHangs /mnt/2'])
})

void test('reports a mount that waits for others that hang, and when it was called after all', async (t) => {
  const { many, far, pass, reported } = mountCalls(t, 2)
  const hung = many(2)
  const waiting = far()
  for (const { mount, ask } of hung) {
    mount.hang()
    ask()
  }
  waiting.ask()
  for (let second = 0; second < 10; second++) pass(1000)
  assert.deepEqual(reported(), ['mountHangs /mnt/1', 'mountHangs /mnt/2', 'mountWaits /mnt/3'])
  assert.equal(waiting.answers(), 0)
  hung[0]?.mount.answer()
  await quiet()
  assert.equal(waiting.answers(), 1)
  assert.deepEqual(reported(), ['mountAnswers /mnt/1', 'mountAnswers /mnt/3'])
})

void test('reports the present mount point of a device that was mounted elsewhere before', async (t) => {
  const { calls, pass, reported } = mountCalls(t, 2)
  const mount = new RemoteMount('7')
  const where = { device: '7', point: '/mnt/old', server: '7' }
  const volume = calls.volumeOn(where, mount)
  await volume.list(freshDirectory(t))
  await quiet()
  calls.volumeOn({ ...where, point: '/mnt/new' })
  mount.hang()
  void Promise.resolve(volume.facts('/'))
  // the mount point does not change during a call
  calls.volumeOn({ ...where, point: '/mnt/bound' })
  pass(6000)
  assert.deepEqual(reported(), ['mountHangs /mnt/new'])
})
