import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasState, setStateAside } from '../../../../src/input/state/set-aside.ts'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { systemError } from '../../../support/system-error.ts'
import { at, compact, offsets, openState } from '../../../support/state.ts'

async function stateOf(position: number): Promise<FakeDisk> {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', position))
  await state.close()
  return disk
}

void test('renames every state file, and changes nothing in it', async () => {
  const disk = await stateOf(1)
  disk.place('/state/state.9.tmp', Buffer.from('half'))
  disk.place('/state/state.1.json.unreadable-5', Buffer.from('older'))
  disk.place('/state/lock.3', Buffer.alloc(0))
  const contents = ['json', 'journal'].map((kind) => disk.content(`/state/state.1.${kind}`))
  assert.equal(await hasState(disk, '/state'), true)
  assert.deepEqual(await setStateAside(disk, '/state', 77), [
    { from: '/state/state.1.json', to: '/state/state.1.json.set-aside-77' },
    { from: '/state/state.1.journal', to: '/state/state.1.journal.set-aside-77' },
  ])
  assert.deepEqual(
    ['json', 'journal'].map((kind) => disk.content(`/state/state.1.${kind}.set-aside-77`)),
    contents,
  )
  assert.equal(disk.files().length, 5)
  assert.equal(await hasState(disk, '/state'), false)
  assert.deepEqual(await setStateAside(disk, '/state', 78), [])
})

void test('finds no state in a directory that does not exist, and throws other errors', async () => {
  const disk = await stateOf(1)
  disk.refuse = () => systemError('ENOENT')
  assert.equal(await hasState(disk, '/state'), false)
  disk.refuse = () => systemError('EACCES')
  await assert.rejects(hasState(disk, '/state'), { code: 'EACCES' })
})

void test('makes the next start no first start, and keeps numbers from being used twice', async () => {
  const disk = await stateOf(1)
  await setStateAside(disk, '/state', 77)
  const { state, reports } = await openState({ disk: disk.afterPowerLoss(() => 0), now: () => 5000 })
  assert.deepEqual([state.fresh, state.damaged, state.since, state.entries.size], [false, true, 0, 0])
  assert.deepEqual(
    reports.map(([name]) => name),
    ['checkpointWritten'],
  )
  const lost = disk.afterPowerLoss(() => 0)
  await openState({ disk: lost })
  // files that were set aside stay when snapshots come and go
  const files = (await compact(await putOne(lost))).files()
  assert.deepEqual(files, [
    '/state/state.1.journal.set-aside-77',
    '/state/state.1.json.set-aside-77',
    '/state/state.3.journal',
    '/state/state.3.json',
  ])
})

void test('leaves the newest state or none when it is killed halfway', async () => {
  for (let budget = 0; ; budget++) {
    const disk = await stateOf(2)
    // a snapshot that could not be removed: its positions are older
    disk.place('/state/state.0.json', (await stateOf(1)).content('/state/state.1.json'))
    disk.budget = budget
    const ended = await Promise.race([setStateAside(disk, '/state', 77).then(() => true), disk.died])
    for (const left of [disk.afterKill(), disk.afterPowerLoss(() => 0), disk.afterPowerLoss((max) => max)]) {
      const { state } = await openState({ disk: left })
      assert.equal(state.fresh, false)
      if (state.entries.size > 0) assert.deepEqual([offsets(state), ended], [{ a: 2 }, undefined])
      else assert.deepEqual([state.damaged, state.since], [true, 0])
    }
    if (ended === true) {
      assert.ok(budget > 3)
      break
    }
  }
})

async function putOne(disk: FakeDisk): Promise<FakeDisk> {
  const { state } = await openState({ disk })
  state.put(at('b', 1))
  await state.close()
  return disk
}
