/** A state that another version of the program has written or will read, after an upgrade or a rollback. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { guardOf } from '../../../../src/guard.ts'
import type { StateVersions } from '../../../../src/input/state/header.ts'
import { FakeDisk } from '../../../support/fake-disk.ts'
import {
  at,
  compact,
  entry,
  headerOf,
  newerEntry,
  offsets,
  openState,
  stateFile,
  stateLines,
} from '../../../support/state.ts'

const SNAPSHOT = '/state/state.7.json'
const JOURNAL = '/state/state.7.journal'

/** A state of version 3 that programs of version 2 can read. */
function stateOfVersion3(): FakeDisk {
  const disk = new FakeDisk()
  const lines = [
    newerEntry('a', 1),
    newerEntry('b', 1, {}),
    { kind: 'volume', key: 'v', uuid: 1 },
    { kind: 'volume', key: 'w' },
  ]
  const pod = { kind: 'pod', key: 'uid-1', facts: { name: 'web' }, revision: 9 }
  disk.place(SNAPSHOT, stateFile(headerOf(3, 2), ...lines, pod, { end: 5 }))
  const changes = [
    newerEntry('c', 1),
    { kind: 'volume', key: 'v', uuid: 2 },
    { gone: 'w', kind: 'volume' },
    { gone: 'b' },
  ]
  disk.place(JOURNAL, stateFile(...changes))
  return disk
}

/** The versions of a later program. */
const VERSION_3: StateVersions = {
  current: 3,
  readableFrom: 2,
  migrations: new Map([
    [1, (entry) => entry],
    [2, (entry) => ({ ...entry, lifted: true })],
  ]),
}

void test('loads every position of version 1, and writes version 2 from then on', async () => {
  const disk = new FakeDisk()
  const directory = join(import.meta.dirname, '../../../fixtures/state-1')
  disk.place('/state/state.2.json', readFileSync(join(directory, 'snapshot.txt')))
  disk.place('/state/state.2.journal', readFileSync(join(directory, 'journal.txt')))
  const { state, reports } = await openState({ disk })
  assert.deepEqual([state.fresh, state.damaged, state.since], [false, false, 1_763_769_600_000])
  assert.deepEqual(reports, [['checkpointWritten', 3, disk.content('/state/state.3.json').length, 0]])
  const guard = guardOf(Buffer.from('the line before the position, which is known again by these bytes\n'))
  const open = [{ stream: 'stderr' as const, ranges: [{ start: 1, end: 2 }] }]
  const path = '/var/log/\xff\xfe.log'
  const empty = { path, place: path, size: 0, fingerprint: { length: 0, hash: '' }, guard: -1 }
  const expected = [
    { ...at('0a', 67 * 11), guard },
    entry('0c', empty),
    entry('0d', { position: { offset: 67, open, skipped: 17 }, guard }),
  ]
  assert.deepEqual([...state.entries.values()], expected)
  assert.deepEqual(disk.files(), ['/state/state.3.journal', '/state/state.3.json'])
  const [first] = stateLines(disk.content('/state/state.3.json'))
  assert.deepEqual([first?.['version'], first?.['readableFrom']], [2, 2])
  const again = await openState({ disk: disk.afterKill() })
  assert.deepEqual([[...again.state.entries.values()], again.reports], [expected, []])
})

void test('converts entries of an older version, in the snapshot and in the journal', async () => {
  const versions: StateVersions = {
    current: 3,
    readableFrom: 3,
    migrations: new Map([[2, (old) => ({ ...old, partition: 40, input: `${String(old['input'])}-lifted` })]]),
  }
  const disk = new FakeDisk()
  const old = await openState({ disk, now: () => 55 })
  old.state.put(entry('in-snapshot'))
  await old.state.flush()
  const compacted = await compact(disk)
  const { state: current } = await openState({ disk: compacted })
  current.put(entry('in-journal'))
  await current.flush()
  const lifted = await openState({ disk: compacted, versions })
  assert.deepEqual([lifted.state.since, lifted.state.damaged, lifted.state.entries.size], [55, false, 2])
  for (const { partition, inputId } of lifted.state.entries.values()) {
    assert.deepEqual([partition, inputId], [40, 'containers-lifted'])
  }
  // entries of the current version are not converted
  lifted.state.put(entry('new', { partition: 1 }))
  await lifted.state.close()
  const again = await openState({ disk: compacted, versions })
  assert.equal(again.state.entries.get('new')?.partition, 1)
})

void test('loads a newer version that is declared readable, and continues in its journal', async () => {
  const disk = stateOfVersion3()
  const { state, reports } = await openState({ disk })
  assert.deepEqual([offsets(state), reports], [{ a: 1, c: 1 }, []])
  assert.deepEqual([state.fresh, state.damaged, state.since], [false, false, 55])
  state.put({ ...state.entries.get('a')!, position: { offset: 2, open: [], skipped: 0 } })
  state.putPod('uid-1', { name: 'web-2' })
  state.putPod('uid-2', {})
  state.put(at('d', 1))
  assert.equal(await state.close(), true)
  assert.deepEqual(disk.files(), [JOURNAL, SNAPSHOT])
  assert.deepEqual(stateLines(disk.content(JOURNAL)).slice(4), [
    newerEntry('a', 2),
    newerEntry('d', 1, {}),
    { kind: 'pod', key: 'uid-1', facts: { name: 'web-2' }, revision: 9 },
    { kind: 'pod', key: 'uid-2', facts: {} },
  ])
})

void test('keeps members and lines that it does not know in its snapshots, for the newer program', async () => {
  const compacted = await compact(stateOfVersion3())
  const lines = stateLines(compacted.content('/state/state.8.json'))
  assert.deepEqual(lines, [
    headerOf(3, 2),
    newerEntry('a', 1),
    newerEntry('c', 1),
    { kind: 'volume', key: 'v', uuid: 2 },
    { kind: 'pod', key: 'uid-1', facts: { name: 'web' }, revision: 9 },
    { end: 4 },
  ])
  const { state } = await openState({ disk: compacted, versions: VERSION_3 })
  // the entries have the newer program's own version: they are not converted, and it continues in the same journal
  assert.deepEqual([...state.entries.values()].map(({ unknown }) => unknown?.['lifted']), [undefined, undefined]) // prettier-ignore
  assert.deepEqual(compacted.files(), ['/state/state.8.journal', '/state/state.8.json'])
})

void test('declares in a new snapshot that older programs cannot read what it adds', async () => {
  const disk = new FakeDisk()
  disk.place(SNAPSHOT, stateFile(headerOf(3, 1), newerEntry('a', 1), { end: 1 }))
  disk.place(JOURNAL, stateFile())
  const { state } = await openState({ disk })
  assert.deepEqual(offsets(state), { a: 1 })
  assert.deepEqual(stateLines(disk.content('/state/state.8.json'))[0], headerOf(3, 2))
})

void test('refuses a newer version that it cannot read, and leaves every byte as it was', async () => {
  const whole = stateFile(headerOf(4, 3), newerEntry('a', 1), { kind: 'volume', key: 'v' }, { end: 2 })
  // a snapshot that is torn behind its header is still of another version
  for (const snapshot of [whole, whole.subarray(0, -3)]) {
    const disk = new FakeDisk()
    disk.place('/state/state.6.json', stateFile(headerOf(2, 2), { end: 0 }))
    disk.place(SNAPSHOT, snapshot)
    disk.place(JOURNAL, stateFile({ torn: 'perhaps' }))
    // a damaged snapshot is found before it
    disk.place('/state/state.8.json', Buffer.from('garbage'))
    disk.place('/state/state.8.journal', Buffer.alloc(0))
    const files = disk.files().map((path) => [path, disk.content(path).toString()])
    const changes: string[] = []
    disk.refuse = (operation) => void (['list', 'read', 'createDirectory'].includes(operation) || changes.push(operation)) // prettier-ignore
    await assert.rejects(openState({ disk }), {
      code: 'state-unusable',
      message:
        'the state in /state was written in version 4, for logagent with version 3 or newer; this logagent reads up to version 2. ' +
        'Nothing in it was changed. Run the newer logagent again, or give up the positions with "logagent state set-aside": ' +
        'every file is then read again from its beginning',
    })
    assert.deepEqual([disk.files().map((path) => [path, disk.content(path).toString()]), changes], [files, []])
  }
})

void test('refuses an older version that it no longer reads, and leaves every byte as it was', async () => {
  const disk = new FakeDisk()
  const { state } = await openState({ disk })
  await state.close()
  const files = disk.files()
  const versions = { current: 4, readableFrom: 4, migrations: new Map() }
  const message = /version 2, which this logagent no longer reads\. .* Run an older logagent again, or .*set-aside/
  await assert.rejects(openState({ disk, versions }), { code: 'state-unusable', message })
  assert.deepEqual(disk.files(), files)
})

void test('treats a header that contradicts itself as damaged', async () => {
  for (const wrong of [
    headerOf(2, 3),
    { ...headerOf(2, 2), readableFrom: 'x' },
    { ...headerOf(2, 2), version: null },
  ]) {
    const disk = new FakeDisk()
    disk.place(SNAPSHOT, stateFile(wrong, { end: 0 }))
    const { state, reports } = await openState({ disk })
    assert.deepEqual([state.damaged, reports[0]?.[0]], [true, 'stateSetAside'])
  }
})
