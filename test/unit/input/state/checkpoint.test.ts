import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { startAgent } from '../../../support/process.ts'
import { at, entry, HandTimer, offsets, openState } from '../../../support/state.ts'
import { systemError } from '../../../support/system-error.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'

const JOURNAL = '/state/state.1.journal'

void test('begins a state, and the next start knows when that was', async () => {
  const disk = new FakeDisk()
  const first = await openState({ disk, now: () => 1234 })
  assert.deepEqual([first.state.fresh, first.state.damaged, first.state.since], [true, false, 1234])
  // it dies at once, before anything is put, and that was the first start all the same
  const second = await openState({ disk: disk.afterPowerLoss(() => 0), now: () => 9999 })
  assert.deepEqual([second.state.fresh, second.state.damaged, second.state.since], [false, false, 1234])
  assert.deepEqual(second.reports, [])
})

void test('writes all changes since the last flush together, each entry once', async () => {
  const disk = new FakeDisk()
  const { state, reports } = await openState({ disk })
  for (let offset = 0; offset < 1000; offset++) state.put(at('a', offset))
  state.put(entry('b'))
  state.remove('b')
  state.remove('unknown')
  const before = { ...disk.seen }
  assert.equal(await state.flush(), true)
  assert.equal(disk.content(JOURNAL).toString().split('\n').length - 1, 2)
  assert.deepEqual([disk.seen.writes - before.writes, disk.seen.syncs - before.syncs], [1, 1])
  assert.deepEqual(reports.at(-1), ['checkpointWritten', 2, disk.content(JOURNAL).length, 0])
  assert.equal(await state.flush(), true)
  assert.equal(disk.seen.syncs - before.syncs, 1)
})

void test('sets its timer only while there is something to write, and again after a failure', async () => {
  const disk = new FakeDisk()
  const timer = new HandTimer()
  const { state } = await openState({ disk, after: timer.after })
  state.start(1000)
  assert.equal(timer.isArmed, false)
  state.put(at('a', 1))
  state.put(at('b', 1))
  assert.equal(timer.armed, 1)
  const release = disk.holdSyncs()
  timer.fire()
  await loopTurn()
  state.put(at('a', 2))
  assert.equal(timer.isArmed, false, 'ticks must not queue up on a slow disk')
  release()
  await loopTurn()
  assert.equal(timer.isArmed, true)
  disk.capacity = 0
  timer.fire()
  await loopTurn()
  assert.equal(timer.isArmed, true)
  disk.capacity = Infinity
  timer.fire()
  await loopTurn()
  assert.equal(timer.isArmed, false)
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 2, b: 1 })
  // lines that are written and not synced are still to be flushed
  state.put(at('a', 3))
  await state.written()
  timer.fire()
  await loopTurn()
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 3, b: 1 })
})

void test('writes what is left when it is closed, and nothing afterwards', async () => {
  const disk = new FakeDisk()
  const timer = new HandTimer()
  const { state } = await openState({ disk, after: timer.after })
  state.start(1000)
  state.put(at('a', 1))
  assert.equal(await state.close(), true)
  assert.equal(await state.close(), true)
  assert.deepEqual([timer.isArmed, disk.seen.open], [false, 0])
  state.put(at('a', 2))
  assert.deepEqual([timer.isArmed, await state.written(), await state.flush()], [false, false, false])
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 1 })
})

void test('writes nothing after it was abandoned, and waits for the calls under way', async () => {
  for (const journalMinBytes of [10, 100_000]) {
    const disk = new FakeDisk()
    const timer = new HandTimer()
    const { state, reports } = await openState({ disk, after: timer.after, journalMinBytes })
    state.start(1000)
    state.put(at('a', 1))
    await state.flush()
    // the next flush syncs its journal, or writes a snapshot
    for (let round = 0; round < 20; round++) state.put(at(`b${round}`, 1))
    await state.written()
    const release = disk.holdSyncs()
    state.put(at('a', 2))
    timer.fire()
    await loopTurn()
    assert.ok(disk.seen.syncs > 0)
    state.put(at('a', 3))
    const changes: string[] = []
    disk.refuse = (operation) => void changes.push(operation)
    const before = reports.length
    const abandoned = state.abandon()
    state.put(at('a', 4))
    assert.equal(await Promise.race([abandoned, loopTurn().then(() => 'waits')]), 'waits')
    release()
    await abandoned
    await loopTurn()
    // the sync under way ends, and nothing else happens
    assert.deepEqual(changes, ['sync'])
    assert.deepEqual([timer.isArmed, disk.seen.open], [false, 0])
    assert.ok(reports.slice(before).every(([name]) => name !== 'checkpointFailed'))
    assert.deepEqual([await state.written(), await state.flush(), await state.close()], [false, false, false])
    const again = await openState({ disk: disk.afterKill() })
    assert.equal(again.state.entries.get('a')?.position.offset, journalMinBytes === 10 ? 1 : 2)
  }
})

void test('resolves with false at the end if the last flush failed', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  disk.failingSyncs = 1
  assert.equal(await state.close(), false)
})

void test('refuses a directory that it cannot use', async (t) => {
  for (const operation of ['createDirectory', 'list', 'create', 'rename', 'syncDirectory']) {
    const disk = new FakeDisk()
    disk.refuse = (asked) => (asked === operation ? systemError('EROFS') : undefined)
    await assert.rejects(openState({ disk }), { code: 'state-unusable', message: /\/state cannot be used: EROFS/ })
  }
  const disk = new FakeDisk()
  await openState({ disk })
  for (const operation of ['read', 'resume']) {
    disk.refuse = (asked) => (asked === operation ? systemError('EACCES') : undefined)
    await assert.rejects(openState({ disk }), { code: 'state-unusable' })
  }
  const file = `${freshDirectory(t)}/file`
  writeFileSync(file, '')
  await assert.rejects(openState({ directory: file }), { code: 'state-unusable' })
})

void test('loses nothing of what it said was written when its process is killed', async (t) => {
  const directory = freshDirectory(t)
  const program = path.join(import.meta.dirname, '../../../support/programs/state-keeper.ts')
  let last = 0
  for (let round = 0; round < 5; round++) {
    const keeper = startAgent(t, { from: program, args: [directory] })
    const from = last
    const said = (): number => Number(keeper.output().toString().trimEnd().split('\n').at(-1))
    await until(() => said() > from + 150 * (round + 1), { what: 'the keeper writes', every: 1 })
    await keeper.kill()
    last = said()
    const { state, reports } = await openState({ directory })
    assert.deepEqual([state.entries.size, state.damaged], [20, false])
    for (const { id, position } of state.entries.values()) {
      assert.ok(position.offset >= last && position.offset <= last + 2, `${id}: ${position.offset}, said was ${last}`)
    }
    assert.ok(reports.every(([name]) => name === 'stateTorn'))
    last = Math.max(...Object.values(offsets(state)))
    await state.close()
  }
})
