import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import * as path from 'node:path'
import { test } from 'node:test'
import type { StoredGeneration } from '../../../../src/input/state/checkpoint.ts'
import { FakeDisk, systemError } from '../../../support/fake-disk.ts'
import { startAgent } from '../../../support/process.ts'
import { at, compact, entry, HandTimer, offsets, openState, settled } from '../../../support/state.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { until } from '../../../support/wait.ts'

const SNAPSHOT = '/state/state.1.json'
const JOURNAL = '/state/state.1.journal'

void test('starts a state, and knows at the next start when that was', async () => {
  const disk = new FakeDisk()
  const first = await openState({ disk, now: () => 1234 })
  assert.deepEqual([first.state.fresh, first.state.damaged, first.state.since], [true, false, 1234])
  // Dead at once, with nothing put: it was a first start all the same.
  const second = await openState({ disk: disk.afterPowerLoss(() => 0), now: () => 9999 })
  assert.deepEqual([second.state.fresh, second.state.damaged, second.state.since], [false, false, 1234])
  assert.deepEqual(second.told, [])
})

void test('gives back every field of an entry', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  const entries: StoredGeneration[] = [
    entry('plain'),
    entry('born', { bornMs: 1_763_766_000_456.75 }),
    entry('rotated', { place: '/var/log/pods/0.log.20261122-133000' }),
    entry('utf8', { path: Buffer.from('/var/log/größe-\u2028-日本.log').toString('latin1') }),
    entry('bytes', { path: '/var/log/\xff\xfe\n"\\\0.log', place: '/\xfe', inode: '18446744073709551615' }),
    entry('done', { finished: true, partition: -1, size: 0, fingerprint: { length: 0, hash: '' } }),
    entry('open', {
      position: {
        offset: 2 ** 53 - 1,
        open: [
          {
            stream: 'stderr',
            ranges: [
              { start: 1, end: 2 },
              { start: 5, end: 9 },
            ],
          },
        ],
        skipped: 17,
      },
    }),
  ]
  for (const one of entries) state.put(one)
  assert.equal(await state.flush(), true)
  const again = await openState({ disk: disk.afterKill() })
  assert.deepEqual([...again.state.entries.values()], entries)
  assert.deepEqual(
    disk
      .content(JOURNAL)
      .toString()
      .match(/pathHex/g),
    ['pathHex'],
  )
})

void test('writes together what changed since the last time, once an entry', async () => {
  const disk = new FakeDisk()
  const { state, told } = await openState({ disk })
  for (let offset = 0; offset < 1000; offset++) state.put(at('a', offset))
  state.put(entry('b'))
  state.remove('b')
  state.remove('unknown')
  const before = { ...disk.seen }
  assert.equal(await state.flush(), true)
  assert.equal(disk.content(JOURNAL).toString().split('\n').length - 1, 2)
  assert.deepEqual([disk.seen.writes - before.writes, disk.seen.syncs - before.syncs], [1, 1])
  assert.deepEqual(told.at(-1), ['checkpointWritten', 2, disk.content(JOURNAL).length, 0])
  assert.equal(await state.flush(), true)
  assert.equal(disk.seen.syncs - before.syncs, 1)
})

void test('loads the state of a journal cut at any byte, and tells what it cut', async () => {
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
    assert.deepEqual(again.told, torn > 0 ? [['stateTorn', JOURNAL, torn]] : [])
    assert.deepEqual([again.state.fresh, again.state.damaged], [false, false])
    // What is added now follows what was left, also where it is shorter than what was cut.
    again.state.put(at('d', 7))
    again.state.remove('d')
    await again.state.close()
    const third = await openState({ disk: cut })
    assert.deepEqual([offsets(third.state), third.told], [after[lines], []])
  }
})

void test('cuts a journal where a byte was altered, whichever it is', async () => {
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
    assert.equal(again.told[0]?.[0], 'stateTorn')
  }
})

void test('sets a snapshot aside that is cut at any byte, and takes the one before', async () => {
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
    assert.deepEqual(again.told[0]?.slice(0, 3), ['stateSetAside', '/state/state.2.json', aside])
    assert.deepEqual(cut.content(aside), whole.subarray(0, length))
  }
})

void test('sets a snapshot aside that has lost a line', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 1))
  await state.flush()
  const lossy = await compact(disk)
  const lines = lossy.content('/state/state.2.json').toString().split('\n')
  lossy.place('/state/state.2.json', Buffer.from([...lines.slice(0, 2), ...lines.slice(3)].join('\n')))
  const again = await openState({ disk: lossy })
  assert.deepEqual([again.state.entries.size, again.state.damaged], [0, true])
  assert.match(String(again.told[0]?.[3]), /not as many/)
})

void test('makes durable at start what a killed agent had only written', async () => {
  const disk = new FakeDisk()
  const first = await openState({ disk })
  first.state.put(at('a', 1))
  await first.state.flush()
  first.state.put(at('a', 2))
  disk.failingSyncs = 1
  await first.state.flush()
  // It dies when snapshot 2 has its name and the directory is not synced yet.
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

void test('starts over when no snapshot can be read, but never as if it were the first start', async () => {
  for (const content of ['', 'not ours\n', '\0'.repeat(5000), '{"version":1}\n']) {
    const disk = new FakeDisk()
    disk.place(SNAPSHOT, Buffer.from(content))
    disk.place(JOURNAL, Buffer.from('garbage'))
    const { state, told } = await openState({ disk, now: () => 777 })
    assert.deepEqual([state.entries.size, state.fresh, state.damaged, state.since], [0, false, true, 0])
    assert.deepEqual(
      told.map(([name]) => name),
      ['stateSetAside', 'stateSetAside', 'checkpointWritten'],
    )
    state.put(at('a', 1))
    await state.close()
    const again = await openState({ disk: disk.afterKill() })
    assert.deepEqual([offsets(again.state), again.state.damaged, again.state.since], [{ a: 1 }, false, 0])
    assert.equal(disk.content('/state/state.1.json.unreadable-777').toString(), content)
  }
})

void test('remembers the damage when it died before it could write a new snapshot', async () => {
  const disk = new FakeDisk()
  disk.place(SNAPSHOT, Buffer.from('not ours\n'))
  disk.capacity = 0
  const full = await openState({ disk })
  assert.deepEqual([full.state.fresh, full.state.damaged], [false, true])
  assert.equal(full.told.at(-1)?.[0], 'checkpointFailed')
  const again = await openState({ disk: disk.afterKill() })
  assert.deepEqual([again.state.fresh, again.state.damaged], [false, true])
})

void test('does not take a journal without its snapshot for a first start', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  await state.close()
  await disk.remove(SNAPSHOT)
  const again = await openState({ disk })
  assert.deepEqual([again.state.fresh, again.state.damaged], [false, true])
  // A start that died before its snapshot had a name leaves an empty journal.
  const halfway = new FakeDisk()
  halfway.place(JOURNAL, Buffer.alloc(0))
  halfway.place('/state/state.1.tmp', Buffer.from('half'))
  const first = await openState({ disk: halfway })
  assert.deepEqual([first.state.fresh, first.state.damaged], [true, false])
  assert.deepEqual(halfway.files(), ['/state/state.2.journal', '/state/state.2.json'])
})

void test('writes a snapshot when the journal has outgrown it, and removes what that made superfluous', async () => {
  const disk = new FakeDisk()
  const { state, told } = await openState({ disk, journalMinBytes: 4000 })
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
  const snapshots = told.filter(
    ([name, entries, bytes]) => name === 'checkpointWritten' && entries === 2 && bytes !== 0,
  )
  assert.equal(snapshots.length, 200)
  const size = disk.files().reduce((sum, file) => sum + disk.content(file).length, 0)
  assert.ok(size < 8000, `${size} bytes`)
})

void test('goes on after a full disk, with nothing but whole lines in the journal', async () => {
  const disk = new FakeDisk()
  const { state, told } = await openState({ disk })
  state.put(at('a', 1))
  await state.flush()
  disk.capacity = disk.content(SNAPSHOT).length + disk.content(JOURNAL).length + 900
  for (const id of ['a', 'b', 'c']) state.put(at(id, 2))
  assert.equal(await state.written(), false)
  assert.equal(await state.flush(), false)
  assert.match(String(told.at(-1)?.[1]), /ENOSPC/)
  disk.capacity = Infinity
  // This round is shorter than what the failed one left behind, and whole lines of that must not follow it.
  for (const id of ['b', 'c']) state.remove(id)
  state.put(at('a', 3))
  assert.equal(await state.flush(), true)
  const again = await openState({ disk: disk.afterPowerLoss(() => 0) })
  assert.deepEqual([offsets(again.state), again.told], [{ a: 3 }, []])
})

void test('reads lines whatever blocks they come in', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 4))
  await state.flush()
  for (disk.readLimit = 1; disk.readLimit < 1500; disk.readLimit = Math.ceil(disk.readLimit * 1.3)) {
    assert.deepEqual(offsets((await openState({ disk })).state), { a: 4, b: 4, c: 4 })
  }
})

void test('takes short writes for what they are', async () => {
  const disk = new FakeDisk()
  disk.writeLimit = 13
  const { state } = await openState({ disk })
  for (const id of ['a', 'b', 'c']) state.put(at(id, 4))
  assert.equal(await state.flush(), true)
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 4, b: 4, c: 4 })
})

void test('never believes a journal again whose sync has failed', async () => {
  const disk = new FakeDisk()
  const { state, told } = await openState({ disk })
  state.put(at('a', 1))
  disk.failingSyncs = 1
  assert.equal(await state.flush(), false)
  assert.match(String(told.at(-1)?.[1]), /EIO/)
  // The kernel would say yes to the next sync of the same file, whose bytes it has dropped.
  assert.equal(await state.flush(), true)
  assert.deepEqual(disk.files(), ['/state/state.2.journal', '/state/state.2.json'])
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 1 })
})

void test('appends to neither journal when it cannot know which snapshot is found', async () => {
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

void test('goes on in its journal when there is no room for a snapshot', async () => {
  const disk = new FakeDisk()
  const { state, told } = await openState({ disk, journalMinBytes: 1000 })
  disk.refuse = (operation, path) =>
    operation === 'write' && path.endsWith('.tmp') ? systemError('ENOSPC') : undefined
  for (let round = 1; round <= 60; round++) {
    state.put(at('a', round))
    assert.equal(await state.flush(), true)
  }
  assert.ok(told.filter(([name]) => name === 'checkpointFailed').length < 30, 'it tries again at every flush')
  assert.deepEqual(disk.files(), [JOURNAL, SNAPSHOT])
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 60 })
})

void test('puts, and takes a new file into the journal, while a slow disk syncs', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  const release = disk.holdSyncs()
  state.put(at('a', 1))
  const flushed = state.flush()
  await settled()
  assert.equal(disk.seen.syncs > 0, true)
  // Hours later, as far as the agent is concerned: the disk has not answered.
  for (let offset = 0; offset < 10_000; offset++) state.put(at('a', offset))
  state.put(at('new', 0))
  assert.equal(await state.written(), true)
  const killed = await openState({ disk: disk.afterKill() })
  assert.deepEqual(offsets(killed.state), { a: 9999, new: 0 })
  assert.equal(await Promise.race([flushed, settled().then(() => 'not yet')]), 'not yet')
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
    await settled()
  }
  release()
  assert.deepEqual(new Set(await Promise.all(flushes)), new Set([true]))
  assert.equal(disk.seen.mostSyncsAtOnce, 1)
  // One for the first flush, one for all the others, and those of the snapshot that the journal called for meanwhile.
  assert.ok(disk.seen.syncs - before <= 5, `${disk.seen.syncs - before} syncs`)
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 49 })
})

void test('wakes up only while something has to be written, and again after a failure', async () => {
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
  await settled()
  state.put(at('a', 2))
  assert.equal(timer.isArmed, false, 'a disk slower than the interval must not get a queue of ticks')
  release()
  await settled()
  assert.equal(timer.isArmed, true)
  disk.capacity = 0
  timer.fire()
  await settled()
  assert.equal(timer.isArmed, true)
  disk.capacity = Infinity
  timer.fire()
  await settled()
  assert.equal(timer.isArmed, false)
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 2, b: 1 })
  // Written but not synced is not done either.
  state.put(at('a', 3))
  await state.written()
  timer.fire()
  await settled()
  assert.deepEqual(offsets((await openState({ disk: disk.afterPowerLoss(() => 0) })).state), { a: 3, b: 1 })
})

void test('writes what is left when it is closed, and nothing after', async () => {
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

void test('writes nothing any more once it is abandoned, and waits for what the disk is doing', async () => {
  for (const journalMinBytes of [10, 100_000]) {
    const disk = new FakeDisk()
    const timer = new HandTimer()
    const { state, told } = await openState({ disk, after: timer.after, journalMinBytes })
    state.start(1000)
    state.put(at('a', 1))
    await state.flush()
    // the next turn syncs its journal, or is in the middle of a snapshot
    for (let round = 0; round < 20; round++) state.put(at(`b${round}`, 1))
    await state.written()
    const release = disk.holdSyncs()
    state.put(at('a', 2))
    timer.fire()
    await settled()
    assert.ok(disk.seen.syncs > 0)
    state.put(at('a', 3))
    const changes: string[] = []
    disk.refuse = (operation) => void changes.push(operation)
    const reports = told.length
    const abandoned = state.abandon()
    state.put(at('a', 4))
    assert.equal(await Promise.race([abandoned, settled().then(() => 'waits')]), 'waits')
    release()
    await abandoned
    await settled()
    // the sync that the disk was held up in comes to its end, and nothing else
    assert.deepEqual(changes, ['sync'])
    assert.deepEqual([timer.isArmed, disk.seen.open], [false, 0])
    assert.ok(told.slice(reports).every(([name]) => name !== 'checkpointFailed'))
    assert.deepEqual([await state.written(), await state.flush(), await state.close()], [false, false, false])
    const again = await openState({ disk: disk.afterKill() })
    assert.equal(again.state.entries.get('a')?.position.offset, journalMinBytes === 10 ? 1 : 2)
  }
})

void test('says at the end when the last flush failed', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  disk.failingSyncs = 1
  assert.equal(await state.close(), false)
})

void test('refuses a directory it cannot use', async (t) => {
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

void test('sets nothing aside for want of a descriptor: nothing is wrong with the state', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  assert.ok(await state.close())
  for (const code of ['EMFILE', 'ENFILE']) {
    disk.refuse = (asked) => (asked === 'read' ? systemError(code) : undefined)
    await assert.rejects(openState({ disk }), { code: 'state-unusable', message: new RegExp(code) })
  }
  disk.refuse = () => undefined
  const { state: again, told } = await openState({ disk })
  assert.deepEqual([offsets(again), told], [{ a: 1 }, []])
})

void test('keeps its state on a real disk', async (t) => {
  const directory = `${freshDirectory(t)}/not/there/yet`
  const first = await openState({ directory, journalMinBytes: 2000 })
  for (let round = 0; round < 50; round++) {
    first.state.put(at(`f${round % 7}`, round))
    if (round % 5 === 0) first.state.remove('f3')
    assert.equal(await first.state.flush(), true)
  }
  const expected = offsets(first.state)
  assert.equal(await first.state.close(), true)
  const second = await openState({ directory })
  assert.deepEqual(offsets(second.state), expected)
  assert.deepEqual(second.told, [])
  await second.state.close()
  assert.equal(readdirSync(directory).length, 2)
})

void test('loses nothing it has said is written when its process is killed', async (t) => {
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
    const { state, told } = await openState({ directory })
    assert.deepEqual([state.entries.size, state.damaged], [20, false])
    for (const { id, position } of state.entries.values()) {
      assert.ok(position.offset >= last && position.offset <= last + 2, `${id}: ${position.offset}, said was ${last}`)
    }
    assert.ok(told.every(([name]) => name === 'stateTorn'))
    last = Math.max(...Object.values(offsets(state)))
    await state.close()
  }
})
