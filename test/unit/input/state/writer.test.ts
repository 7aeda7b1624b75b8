import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { loopTurn } from '../../../support/loop-turn.ts'
import { at, offsets, openState } from '../../../support/state.ts'
import { systemError } from '../../../support/system-error.ts'

const SNAPSHOT = '/state/state.1.json'
const JOURNAL = '/state/state.1.journal'

void test('writes a snapshot when the journal has grown too long, and removes the files before it', async () => {
  const disk = new FakeDisk()
  const { state, reports } = await openState({ disk, journalMinBytes: 4000 })
  let most = 0
  for (let round = 1; round <= 200; round++) {
    state.put(at('a', round))
    state.put(at('b', round))
    assert.equal(await state.flush(), true)
    most = Math.max(most, disk.files().length)
    assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: round, b: round })
  }
  assert.equal(most, 2)
  assert.equal(disk.seen.open, 1)
  const snapshots = reports.filter(
    ([name, entries, bytes]) => name === 'checkpointWritten' && entries === 2 && bytes !== 0,
  )
  assert.equal(snapshots.length, 200)
  const size = disk.files().reduce((sum, file) => sum + disk.content(file).length, 0)
  assert.ok(size < 8000, `${size} bytes`)
})

void test('appends to neither journal when it is unknown which snapshot a restart will find', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk, journalMinBytes: 10 })
  state.put(at('a', 1))
  await state.flush()
  for (let round = 0; round < 20; round++) state.put(at(`b${round}`, 1))
  await state.flush()
  disk.refuse = (operation) => (operation === 'syncDirectory' ? systemError('EIO') : undefined)
  state.put(at('a', 2))
  assert.equal(await state.flush(), false)
  disk.refuse = () => undefined
  state.put(at('a', 3))
  assert.equal(await state.flush(), true)
  for (const kept of [0, 1, 2, 100]) {
    const { state: again } = await openState({ disk: disk.afterPowerLoss((max) => Math.min(kept, max)) })
    assert.equal(again.entries.get('a')?.position.offset, 3)
  }
})

void test('continues in its journal when there is no room for a snapshot', async () => {
  const disk = new FakeDisk()
  const { state, reports } = await openState({ disk, journalMinBytes: 1000 })
  disk.refuse = (operation, path) =>
    operation === 'write' && path.endsWith('.tmp') ? systemError('ENOSPC') : undefined
  for (let round = 1; round <= 60; round++) {
    state.put(at('a', round))
    assert.equal(await state.flush(), true)
  }
  assert.ok(reports.filter(([name]) => name === 'checkpointFailed').length < 30, 'it must not try again at every flush')
  assert.deepEqual(disk.files(), [JOURNAL, SNAPSHOT])
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 60 })
})

void test('takes changes, and writes a new file into the journal, while a slow disk syncs', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  const release = disk.holdSyncs()
  state.put(at('a', 1))
  const flushed = state.flush()
  await loopTurn()
  assert.equal(disk.seen.syncs > 0, true)
  // however long the disk takes
  for (let offset = 0; offset < 10_000; offset++) state.put(at('a', offset))
  state.put(at('new', 0))
  assert.equal(await state.written(), true)
  const killed = await openState({ disk: disk.afterKill() })
  assert.deepEqual(offsets(killed.state), { a: 9999, new: 0 })
  assert.equal(await Promise.race([flushed, loopTurn().then(() => 'not yet')]), 'not yet')
  release()
  assert.equal(await flushed, true)
})

void test('queues exactly one flush behind a running one, and never syncs twice at once', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk, journalMinBytes: 2000 })
  const before = disk.seen.syncs
  const release = disk.holdSyncs()
  const flushes: Promise<boolean>[] = []
  for (let round = 0; round < 50; round++) {
    state.put(at('a', round))
    flushes.push(state.flush())
    await loopTurn()
  }
  release()
  assert.deepEqual(new Set(await Promise.all(flushes)), new Set([true]))
  assert.equal(disk.seen.mostSyncsAtOnce, 1)
  // one for the first flush, one for all the others, and those of the snapshot that replaces the long journal
  assert.ok(disk.seen.syncs - before <= 5, `${disk.seen.syncs - before} syncs`)
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 49 })
})
