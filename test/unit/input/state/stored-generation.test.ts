import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { at, compact, entry, headerOf, newerEntry, openState, stateFile, stateLines } from '../../../support/state.ts'

const SNAPSHOT = '/state/state.1.json'
const JOURNAL = '/state/state.1.journal'

void test('loads every member of an entry as it was written', async () => {
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

void test('keeps the format of a file, also one that only a newer program knows, until its own is found', async () => {
  const disk = new FakeDisk()
  disk.place(SNAPSHOT, stateFile(headerOf(3, 2), newerEntry('a', 1, { format: 'journald' }), { end: 1 }))
  const first = await openState({ disk })
  const [found] = first.state.entries.values()
  assert.deepEqual([found?.format, found?.unknown], [undefined, { format: 'journald' }])
  first.state.put(found!)
  first.state.put(entry('b', { format: 'cri' }))
  await first.state.flush()
  const killed = disk.afterKill()
  const second = await openState({ disk: killed })
  assert.deepEqual(second.state.entries.get('a'), found)
  assert.deepEqual(second.state.entries.get('b'), entry('b', { format: 'cri' }))
  second.state.put({ ...found!, format: 'docker' })
  await second.state.flush()
  const third = await openState({ disk: killed.afterKill() })
  assert.deepEqual(third.state.entries.get('a'), { ...entry('a'), ...at('a', 1), format: 'docker' })
})

void test('keeps unknown members that are named like those of every object', async () => {
  const disk = new FakeDisk()
  const members: object = JSON.parse('{"__proto__":{"id":"x"},"constructor":1}')
  disk.place(SNAPSHOT, stateFile(headerOf(3, 2), newerEntry('a', 1, members), { end: 1 }))
  disk.place(JOURNAL, stateFile())
  const lines = stateLines((await compact(disk)).content('/state/state.2.json'))
  assert.deepEqual(Object.entries(lines[1]!).slice(-2), Object.entries(members))
})

void test('keeps no unknown members of an entry that has none', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  state.put(at('a', 1))
  await state.close()
  const { state: again } = await openState({ disk })
  const [found] = again.entries.values()
  assert.deepEqual(Object.keys(found!), Object.keys(at('a', 1)))
})
