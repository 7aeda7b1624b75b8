import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkRecords } from '../../src/chunk-records.ts'
import { rawTemplate } from '../../src/encode/raw.ts'
import { TemplateSlot } from '../../src/encode/template.ts'
import type { Chunk, Extent } from '../../src/flow.ts'
import { Entries } from '../../src/frame/entries.ts'
import { frameLines } from '../../src/frame/lines.ts'
import { smallMemory } from '../support/made-file.ts'

const FILE = { id: 'a', inputId: 'web', path: '/a.log' }
const FACTS = { file: FILE, agent: { name: 'test', id: 'test' }, fields: {} }

/** The records of a chunk with these bytes that begins at file offset 100. Its guards are twice their offsets. */
function recordsOf(text: string): { records: ChunkRecords; entries: Entries; settled: Extent[]; chunk: Chunk } {
  const memory = smallMemory()
  const entries = new Entries(memory)
  const { pointer } = memory.chunk
  const length = memory.bytes.write(text, pointer)
  const chunk = {
    ...{ file: FILE, pointer, length, offset: 100, readAt: 1500.7, lineEnd: null },
    guardAt: (offset: number): number => 2 * offset,
  }
  frameLines(memory, chunk, { emptyLines: 'keep', maxLineBytes: 1024, longLines: 'cut' }, entries)
  const settled: Extent[] = []
  const records = new ChunkRecords(entries, (_file, ranges) => void settled.push(...ranges))
  const append = new TemplateSlot(memory).install(rawTemplate(FACTS, null, 'none'))
  records.begin(chunk, { skipped: 7, affinity: 'while-led', append })
  return { records, entries, settled, chunk }
}

void test('the records of a chunk begin at its first entry, with the bytes that were skipped before', () => {
  const { records, chunk } = recordsOf('one\ntwo\n')
  const { first, end, skipped, timestamp, affinity, file } = records
  assert.deepEqual({ first, end, skipped }, { first: 0, end: 2, skipped: 7 })
  assert.deepEqual({ timestamp, affinity, file }, { timestamp: 1500, affinity: 'while-led', file: FILE })
  records.first = records.records = 2
  records.begin(chunk, { skipped: 0, affinity: 'always', append: records.append })
  assert.deepEqual([records.first, records.records, records.skipped, records.affinity], [0, 0, 0, 'always'])
})

void test('entries that abut have one extent, with the guard of its end', () => {
  const { records } = recordsOf('one\ntwo\nthree\n')
  assert.deepEqual(records.extentsOf(1, 3), [{ start: 104, end: 114, guard: 228 }])
  assert.deepEqual(records.extentsOf(1, 1), [])
})

void test('entries that lie apart have an extent for each range', () => {
  const { records, entries } = recordsOf('one\ntwo\nthree\n')
  entries.abut = false
  entries.rangesOf = () => [
    { start: 100, end: 104 },
    { start: 108, end: 114 },
  ]
  assert.deepEqual(records.extentsOf(0, 3), [
    { start: 100, end: 104, guard: 208 },
    { start: 108, end: 114, guard: 228 },
  ])
})

void test('settled entries are reported with their ranges', () => {
  const { records, settled } = recordsOf('one\n')
  records.settled(records.extentsOf(0, 1))
  assert.deepEqual(settled, [{ start: 100, end: 104, guard: 208 }])
})

void test('before a chunk is begun there is nothing to append', () => {
  const records = new ChunkRecords(new Entries(smallMemory()), () => undefined)
  assert.throws(() => records.chunk, /no chunk was begun/)
  assert.throws(() => records.append, /no chunk was begun/)
})
