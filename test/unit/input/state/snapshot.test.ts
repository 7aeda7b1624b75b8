import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, compact, offsets, openState } from '../../../support/state.ts'

void test('sets a snapshot aside that is cut at any byte, and loads the one before', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk, now: () => 55 })
  state.put(at('a', 1))
  await state.flush()
  const second = new FakeDisk()
  const later = await openState({ disk: second })
  for (const one of [at('a', 5), at('b', 5)]) later.state.put(one)
  await later.state.flush()
  const compacted = await compact(second)
  const whole = compacted.content('/state/state.2.json')
  for (let length = 0; length < whole.length; length++) {
    const cut = disk.afterKill()
    cut.place('/state/state.2.json', whole.subarray(0, length))
    cut.place('/state/state.2.journal', Buffer.alloc(0))
    const again = await openState({ disk: cut, now: () => 777 })
    assert.deepEqual(offsets(again.state), { a: 1 }, `cut at ${length}`)
    assert.deepEqual([again.state.fresh, again.state.damaged, again.state.since], [false, true, 55])
    const aside = '/state/state.2.json.unreadable-777'
    assert.deepEqual(again.reports[0]?.slice(0, 3), ['stateSetAside', '/state/state.2.json', aside])
    assert.deepEqual(cut.content(aside), whole.subarray(0, length))
  }
})

void test('sets a snapshot aside in which a line is missing', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 1))
  await state.flush()
  const lossy = await compact(disk)
  const lines = lossy.content('/state/state.2.json').toString().split('\n')
  lossy.place('/state/state.2.json', Buffer.from([...lines.slice(0, 2), ...lines.slice(3)].join('\n')))
  const again = await openState({ disk: lossy })
  assert.deepEqual([again.state.entries.size, again.state.damaged], [0, true])
  assert.match(String(again.reports[0]?.[3]), /as many lines as its end says/)
})
