import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EntrySource, StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { FakeDisk } from '../../../support/fake-disk.ts'
import { systemError } from '../../../support/system-error.ts'
import { entry, openState } from '../../../support/state.ts'

const JOURNAL = '/state/state.1.journal'

/** A source whose entry a test changes. */
class Source implements EntrySource {
  stored: StoredGeneration
  isOpen = false

  constructor(id: string) {
    this.stored = entry(id)
  }

  get id(): string {
    return this.stored.id
  }

  change(change: Partial<StoredGeneration>): void {
    this.stored = { ...this.stored, ...change }
  }

  move(offset: number): void {
    this.change({
      position: { offset, open: [], skipped: 3 },
      guard: offset + 1,
      size: 2 * offset,
      mtimeMs: offset + 0.25,
    })
  }

  toStored(): StoredGeneration {
    return this.stored
  }

  lasting(): readonly unknown[] | null {
    const { place, fingerprint, partition, finished } = this.stored
    return this.isOpen ? null : [place, fingerprint, partition, finished]
  }

  moved(): ReturnType<NonNullable<EntrySource['moved']>> {
    const { position, guard, size, mtimeMs } = this.stored
    return { offset: position.offset, skipped: position.skipped, guard, size, mtimeMs }
  }
}

async function openWithSource(journalMinBytes?: number) {
  const disk = new FakeDisk()
  const { state } = await openState({ disk, ...(journalMinBytes === undefined ? {} : { journalMinBytes }) })
  const source = new Source('a')
  const flush = async (): Promise<void> => {
    state.touch(source)
    await state.flush()
  }
  /** For each line of a journal, whether it is short. */
  const short = (name = JOURNAL): boolean[] =>
    disk
      .content(name)
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.includes('"moved"'))
  /** Asserts that a restart after a kill loads the source's entry. */
  const assertKept = async (): Promise<void> => {
    const again = await openState({ disk: disk.afterKill() })
    assert.deepEqual(again.reports, [])
    assert.deepEqual([...again.state.entries.values()], [source.stored])
  }
  return { disk, state, source, flush, short, assertKept }
}

void test('writes an entry whole at first, and short while only its position moves', async () => {
  const { source, flush, short, assertKept } = await openWithSource()
  for (const offset of [10, 20, 2 ** 40]) {
    source.move(offset)
    await flush()
    await assertKept()
  }
  assert.deepEqual(short(), [false, true, true])
})

for (const [what, change] of Object.entries({
  'its place': { place: '/elsewhere' },
  'its fingerprint': { fingerprint: { length: 8, hash: 'f' } },
  'its partition': { partition: 7 },
  'whether it is finished': { finished: true },
})) {
  void test(`writes an entry whole again when ${what} changes`, async () => {
    const { source, flush, short, assertKept } = await openWithSource()
    await flush()
    source.change(change)
    await flush()
    source.move(99)
    await flush()
    await assertKept()
    assert.deepEqual(short(), [false, false, true])
  })
}

void test('writes an entry whole while it has open pieces', async () => {
  const { source, flush, short, assertKept } = await openWithSource()
  await flush()
  source.isOpen = true
  source.change({ position: { offset: 9, open: [{ stream: 'stdout', ranges: [{ start: 1, end: 5 }] }], skipped: 0 } })
  await flush()
  await assertKept()
  source.isOpen = false
  source.move(20)
  await flush()
  await flush()
  await assertKept()
  assert.deepEqual(short(), [false, false, false, true])
})

void test('writes an entry whole again after it was removed', async () => {
  const { state, flush, short, assertKept } = await openWithSource()
  await flush()
  state.remove('a')
  await state.flush()
  await flush()
  await assertKept()
  assert.deepEqual(short(), [false, false, false])
})

void test('writes an entry whole again after another one was put in its place', async () => {
  const { state, source, flush, short, assertKept } = await openWithSource()
  await flush()
  state.put({ ...source.stored, place: '/elsewhere' })
  await state.flush()
  await flush()
  await assertKept()
  assert.deepEqual(short(), [false, false, false])
})

void test('writes an entry whole once in each journal, and after lines that could not be written', async () => {
  const { disk, source, flush, short, assertKept } = await openWithSource(700)
  for (let offset = 1; offset < 40; offset++) {
    source.move(offset)
    if (offset % 5 === 0) {
      disk.refuse = (operation) => (operation === 'write' ? systemError('ENOSPC') : undefined)
      await flush()
      disk.refuse = () => undefined
    }
    await flush()
    await assertKept()
    const [journal = ''] = disk.files().filter((name) => name.endsWith('.journal'))
    if (disk.content(journal).length > 0) assert.equal(short(journal)[0], false, 'the first line of a journal is whole')
  }
  assert.ok(
    disk.files().every((name) => name !== JOURNAL),
    'there were several journals',
  )
})
