import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, compact, openState } from '../../../support/state.ts'

void test('keeps facts of pods over kills and snapshots until they are removed', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.putPod('uid-1', { name: 'web', labels: { app: 'größe' } })
  state.putPod('uid-2', { name: 'db' })
  assert.equal(await state.written(), true)
  const killed = disk.afterKill()
  const second = await openState({ disk: killed })
  assert.deepEqual(Object.fromEntries(second.state.pods), {
    'uid-1': { name: 'web', labels: { app: 'größe' } },
    'uid-2': { name: 'db' },
  })
  second.state.removePod('uid-1')
  second.state.removePod('never')
  second.state.putPod('uid-2', { name: 'db', ready: true })
  second.state.put(at('a', 1))
  await second.state.flush()
  const expected = { 'uid-2': { name: 'db', ready: true } }
  for (const found of [killed.afterPowerLoss(() => 0), (await compact(killed)).afterPowerLoss(() => 0)]) {
    assert.deepEqual(Object.fromEntries((await openState({ disk: found })).state.pods), expected)
  }
})
