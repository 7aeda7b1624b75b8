import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, offsets, openState } from '../../../support/state.ts'

const SNAPSHOT = '/state/state.1.json'
const JOURNAL = '/state/state.1.journal'

void test('continues after a full disk, with nothing but whole lines in the journal', async () => {
  const disk = new FakeDisk()
  const { state, reports } = await openState({ disk })
  state.put(at('a', 1))
  await state.flush()
  disk.capacity = disk.content(SNAPSHOT).length + disk.content(JOURNAL).length + 900
  for (const id of ['a', 'b', 'c']) state.put(at(id, 2))
  assert.equal(await state.written(), false)
  assert.equal(await state.flush(), false)
  assert.match(String(reports.at(-1)?.[1]), /ENOSPC/)
  disk.capacity = Infinity
  // this append is shorter than the lines that the failed one left behind, and none of these may follow it
  for (const id of ['b', 'c']) state.remove(id)
  state.put(at('a', 3))
  assert.equal(await state.flush(), true)
  const again = await openState({ disk: disk.afterPowerLoss(() => 0) })
  assert.deepEqual([offsets(again.state), again.reports], [{ a: 3 }, []])
})

void test('writes the rest of a line of which the disk took only a part', async () => {
  const disk = new FakeDisk()
  disk.writeLimit = 13
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 4))
  assert.equal(await state.flush(), true)
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 4, b: 4, c: 4 })
})

void test('never uses a journal again after a sync of it has failed', async () => {
  const disk = new FakeDisk()
  const { state, reports } = await openState({ disk })
  state.put(at('a', 1))
  disk.failingSyncs = 1
  assert.equal(await state.flush(), false)
  assert.match(String(reports.at(-1)?.[1]), /EIO/)
  // the next sync of the same file would succeed, although the kernel has dropped its bytes
  assert.equal(await state.flush(), true)
  assert.deepEqual(disk.files(), ['/state/state.2.journal', '/state/state.2.json'])
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 1 })
})
