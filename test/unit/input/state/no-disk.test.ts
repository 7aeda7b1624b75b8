import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openCheckpoint } from '../../../../src/input/state/checkpoint.ts'
import { noDisk } from '../../../../src/input/state/no-disk.ts'
import { recordEvents } from '../../../support/event-recorder.ts'
import { entry } from '../../../support/state.ts'

void test('holds a state that is not kept, so that every start is the first', async () => {
  for (let start = 0; start < 2; start++) {
    const recorder = recordEvents()
    const state = await openCheckpoint({
      directory: '/',
      agentId: 'node-1',
      events: recorder.events,
      now: () => 1234,
      disk: noDisk(),
    })
    assert.deepEqual([state.fresh, state.damaged, state.since, state.entries.size], [true, false, 1234, 0])
    state.put(entry('a'))
    assert.ok(await state.written())
    assert.ok(await state.flush())
    assert.equal(state.entries.size, 1)
    assert.ok(await state.close())
    assert.deepEqual(recorder.reported('checkpointFailed'), [])
  }
})
