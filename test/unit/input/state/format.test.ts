import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, offsets, openState } from '../../../support/state.ts'

void test('reads lines from blocks of any size', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 4))
  await state.flush()
  for (disk.readLimit = 1; disk.readLimit < 1500; disk.readLimit = Math.ceil(disk.readLimit * 1.3)) {
    assert.deepEqual(offsets((await openState({ disk })).state), { a: 4, b: 4, c: 4 })
  }
})
