import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, offsets, openState } from '../../../support/state.ts'
import { systemError } from '../../../support/system-error.ts'

const SNAPSHOT = '/state/state.1.json'
const JOURNAL = '/state/state.1.journal'

void test('loads a journal that is cut at any byte, and reports how much was torn', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const one of [at('a', 1), at('b', 1), at('a', 2)]) {
    state.put(one)
    await state.flush()
  }
  state.remove('b')
  state.put(at('c', 1))
  await state.close()
  const whole = disk.content(JOURNAL)
  const after = [{}, { a: 1 }, { a: 1, b: 1 }, { a: 2, b: 1 }, { a: 2 }, { a: 2, c: 1 }]
  for (let length = 0; length <= whole.length; length++) {
    const cut = disk.afterKill()
    cut.place(JOURNAL, whole.subarray(0, length))
    const lines = whole.toString('latin1', 0, length).split('\n').length - 1
    const torn = length - (lines === 0 ? 0 : whole.lastIndexOf('\n', length - 1) + 1)
    const again = await openState({ disk: cut })
    assert.deepEqual(offsets(again.state), after[lines], `cut at ${length}`)
    assert.deepEqual(again.reports, torn > 0 ? [['stateTorn', JOURNAL, torn]] : [])
    assert.deepEqual([again.state.fresh, again.state.damaged], [false, false])
    // new lines follow the lines that are left, also if they are shorter than what was cut
    again.state.put(at('d', 7))
    again.state.remove('d')
    await again.state.close()
    const third = await openState({ disk: cut })
    assert.deepEqual([offsets(third.state), third.reports], [after[lines], []])
  }
})

void test('cuts a journal at a line in which any byte was altered', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) {
    state.put(at(id, 1))
    await state.flush()
  }
  const whole = disk.content(JOURNAL)
  const after = [{}, { a: 1 }, { a: 1, b: 1 }]
  for (let byte = 0; byte < whole.length; byte++) {
    const altered = Buffer.from(whole)
    altered[byte]! ^= 1
    const damaged = disk.afterKill()
    damaged.place(JOURNAL, altered)
    const again = await openState({ disk: damaged })
    const line = whole.toString('latin1', 0, byte).split('\n').length - 1
    assert.deepEqual(offsets(again.state), after[line], `byte ${byte}`)
    assert.equal(again.reports[0]?.[0], 'stateTorn')
  }
})

void test('makes lines durable at a start that a killed agent had written but not synced', async () => {
  const disk = new FakeDisk()
  const first = await openState({ disk })
  first.state.put(at('a', 1))
  await first.state.flush()
  first.state.put(at('a', 2))
  disk.failingSyncs = 1
  await first.state.flush()
  // it dies when snapshot 2 has its name, before the directory is synced
  disk.refuse = (operation) => {
    if (operation === 'rename') disk.budget = 0
    return undefined
  }
  await Promise.race([first.state.flush(), disk.died])
  const killed = disk.afterKill()
  const second = await openState({ disk: killed })
  assert.deepEqual(offsets(second.state), { a: 2 })
  second.state.put(at('a', 3))
  assert.equal(await second.state.flush(), true)
  assert.deepEqual(offsets((await openState({ disk: killed.afterPowerLoss(() => 0) })).state), { a: 3 })
})

void test('begins again when no snapshot can be read, but not as a first start', async () => {
  for (const content of ['', 'not ours\n', '\0'.repeat(5000), '{"version":1}\n']) {
    const disk = new FakeDisk()
    disk.place(SNAPSHOT, Buffer.from(content))
    disk.place(JOURNAL, Buffer.from('garbage'))
    const { state, reports } = await openState({ disk, now: () => 777 })
    assert.deepEqual([state.entries.size, state.fresh, state.damaged, state.since], [0, false, true, 0])
    assert.deepEqual(
      reports.map(([name]) => name),
      ['stateSetAside', 'stateSetAside', 'checkpointWritten'],
    )
    state.put(at('a', 1))
    await state.close()
    const again = await openState({ disk: disk.afterKill() })
    assert.deepEqual([offsets(again.state), again.state.damaged, again.state.since], [{ a: 1 }, false, 0])
    assert.equal(disk.content('/state/state.1.json.unreadable-777').toString(), content)
  }
})

void test('still knows of the damage after it died before it could write a new snapshot', async () => {
  const disk = new FakeDisk()
  disk.place(SNAPSHOT, Buffer.from('not ours\n'))
  disk.capacity = 0
  const full = await openState({ disk })
  assert.deepEqual([full.state.fresh, full.state.damaged], [false, true])
  assert.equal(full.reports.at(-1)?.[0], 'checkpointFailed')
  const again = await openState({ disk: disk.afterKill() })
  assert.deepEqual([again.state.fresh, again.state.damaged], [false, true])
})

void test('does not count as a first start where a journal has lost its snapshot', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  await state.close()
  await disk.remove(SNAPSHOT)
  const again = await openState({ disk })
  assert.deepEqual([again.state.fresh, again.state.damaged], [false, true])
  // a start that dies before its snapshot has its name leaves an empty journal
  const halfway = new FakeDisk()
  halfway.place(JOURNAL, Buffer.alloc(0))
  halfway.place('/state/state.1.tmp', Buffer.from('half'))
  const first = await openState({ disk: halfway })
  assert.deepEqual([first.state.fresh, first.state.damaged], [true, false])
  assert.deepEqual(halfway.files(), ['/state/state.2.journal', '/state/state.2.json'])
})

void test('sets nothing aside where descriptors are short, since nothing is wrong with the state', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  assert.ok(await state.close())
  for (const code of ['EMFILE', 'ENFILE']) {
    disk.refuse = (asked) => (asked === 'read' ? systemError(code) : undefined)
    await assert.rejects(openState({ disk }), { code: 'state-unusable', message: new RegExp(code) })
  }
  disk.refuse = () => undefined
  const { state: again, reports } = await openState({ disk })
  assert.deepEqual([offsets(again), reports], [{ a: 1 }, []])
})
