/**
 * Reading in pieces of any size, framing, encoding and filling batches of any size, against lines split the simple way:
 * whatever the borders are, each line becomes the record that it should, and every byte is in a record or counted as
 * skipped.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ChunkRecords } from '../../src/chunk-records.ts'
import { jsonTemplate } from '../../src/encode/json.ts'
import { rawTemplate } from '../../src/encode/raw.ts'
import { type DecodedRecord, decodeRecords } from '../../src/encode/records.ts'
import { TemplateSlot } from '../../src/encode/template.ts'
import type { Chunk } from '../../src/flow.ts'
import { Entries } from '../../src/frame/entries.ts'
import { type LineRules, frameLines } from '../../src/frame/lines.ts'
import { BatchMemory } from '../../src/output/producer/batch-memory.ts'
import { HEADER_BYTES, NO_PRODUCER } from '../../src/output/producer/batch.ts'
import { Lane } from '../../src/output/producer/lane.ts'
import { bytesOf } from '../../src/ranges.ts'
import { hostileText } from '../support/hostile-text.ts'
import { smallMemory } from '../support/made-file.ts'
import { seeded } from '../support/seed.ts'

const FACTS = { file: { id: 'f', path: '/a.log' }, agent: { name: 'logagent', id: 'a' }, fields: { env: 'prod' } }
const FILE = { id: 'f', inputId: 'i', path: '/a.log' }
const memory = smallMemory({ buffers: 4 })
const entries = new Entries(memory)
const slot = new TemplateSlot(memory)
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** What a json record holds, as far as it is compared. */
interface JsonRecord {
  readonly message: string
  readonly log: {
    readonly offset: number
    readonly bytes: number
    readonly skipped?: number
    readonly flags?: string[]
  }
}

/** A line as a reader of the topic sees it. */
interface Seen {
  readonly offset: number
  readonly bytes: number
  readonly skipped: number
  readonly truncated: boolean
  /** Text in json, bytes (latin1) in raw. */
  readonly value: string
}

interface Way {
  readonly encoding: 'json' | 'raw'
  readonly rules: LineRules
  readonly batchMaxBytes: number
  /** Where reads end, in parts of the file's length. */
  readonly borders: readonly number[]
}

/** The records of a file that is read up to each border in turn. */
function shipped(content: Buffer, { encoding, rules, batchMaxBytes, borders }: Way): { seen: Seen[]; settled: number } {
  const found: DecodedRecord[] = []
  let settled = 0
  const records = new ChunkRecords(entries, (_file, ranges) => void (settled += bytesOf(ranges)))
  const quota = new BatchMemory(memory.pool, () => undefined).quota()
  const topic = { topic: 'logs', partition: 0, memory, quota, mode: 'fire-and-forget', batchMaxBytes } as const
  const lane = new Lane({ ...topic, tooLarge: 'cut', onRepeats: () => undefined })
  const template = encoding === 'json' ? jsonTemplate(FACTS, null) : rawTemplate(FACTS, null, 'otel')
  const take = (): void => {
    const batch = lane.seal()
    if (batch === null) return
    const bytes = Buffer.concat(batch.stamp(NO_PRODUCER))
    assert.ok(bytes.length <= batchMaxBytes)
    found.push(...decodeRecords(bytes.subarray(HEADER_BYTES)))
    lane.remove(batch)
  }
  let next = 0
  let skipped = 0
  for (const border of borders) {
    const end = Math.floor(border * content.length)
    if (end <= next || content.subarray(next, end).lastIndexOf(10) < 0) continue
    const { pointer } = memory.chunk
    content.copy(memory.bytes, pointer, next, end)
    const chunk: Chunk = { ...{ file: FILE, pointer, length: end - next, offset: next, readAt: 1000 }, lineEnd: null, guardAt: () => 0 } // prettier-ignore
    frameLines(memory, chunk, rules, entries)
    records.begin(chunk, { skipped, affinity: 'always', append: slot.install(template) })
    while (records.first < records.end) {
      assert.ok(lane.makeRoom())
      lane.append(records, 0)
      if (records.first < records.end && !lane.enlarge()) take()
    }
    ;({ skipped } = records)
    next = entries.endOf(entries.count - 1)
  }
  take()
  lane.clear()
  return { seen: found.map(encoding === 'json' ? seenInJson : seenInRaw), settled }
}

function seenInRaw({ value, headers }: DecodedRecord): Seen {
  const header = new Map(headers.map(({ name, value: bytes }) => [name, Buffer.from(bytes ?? []).toString()]))
  assert.equal(header.get('log.file.id'), 'f')
  return {
    offset: Number(header.get('log.offset')),
    bytes: Number(header.get('log.bytes')),
    skipped: Number(header.get('log.skipped') ?? 0),
    truncated: header.get('log.flags') === 'truncated',
    value: Buffer.from(value ?? []).toString('latin1'),
  }
}

function seenInJson({ value }: DecodedRecord): Seen {
  const { message, log }: JsonRecord = JSON.parse(Buffer.from(value ?? []).toString())
  const { offset, bytes, skipped = 0, flags = [] } = log
  return { offset, bytes, skipped, truncated: flags.includes('truncated'), value: message }
}

/** The same by splitting at newlines; a cut line has no value here, since {@link assertCut} checks where it is cut. */
function expected(content: Buffer, { rules, encoding }: Way): { seen: Seen[]; texts: Buffer[]; settled: number } {
  const seen: Seen[] = []
  const texts: Buffer[] = []
  let skipped = 0
  let settled = 0
  for (let start = 0; ;) {
    const newline = content.indexOf(10, start)
    if (newline < 0) return { seen, texts, settled }
    const bytes = newline + 1 - start
    const hasReturn = newline > start && content[newline - 1] === 13
    const text = content.subarray(start, hasReturn ? newline - 1 : newline)
    const isLong = text.length > rules.maxLineBytes
    if ((text.length === 0 && rules.emptyLines === 'drop') || (isLong && rules.longLines === 'drop')) {
      skipped += bytes
      settled += bytes
    } else {
      const value = encoding === 'json' ? decoder.decode(text) : text.toString('latin1')
      seen.push({ offset: start, bytes, skipped, truncated: isLong, value: isLong ? '' : value })
      texts.push(text)
      skipped = 0
    }
    start = newline + 1
  }
}

function assertCut({ value }: Seen, text: Buffer, { encoding, rules }: Way): void {
  const lengths = [0, 1, 2, 3].map((less) => rules.maxLineBytes - less)
  const cuts = lengths.map((length) => text.subarray(0, Math.max(0, length)))
  const shown = cuts.map((cut) => (encoding === 'json' ? decoder.decode(cut) : cut.toString('latin1')))
  assert.ok(shown.includes(value), `${JSON.stringify(value)} is not the beginning of ${text.toString('latin1')}`)
}

const lines = fc.array(
  fc.tuple(
    hostileText.map((text) => Buffer.from(text.filter((byte) => byte !== 10))),
    fc.constantFrom('\n', '\n', '\n', '\r\n'),
  ),
  { maxLength: 30 },
)
const way: fc.Arbitrary<Way> = fc.record({
  encoding: fc.constantFrom('json', 'raw'),
  rules: fc.record({
    emptyLines: fc.constantFrom('keep', 'drop'),
    maxLineBytes: fc.constantFrom(1, 10, 63, 64, 65, 100, 1000),
    longLines: fc.constantFrom('cut', 'drop'),
  }),
  batchMaxBytes: fc.integer({ min: 12_000, max: 60_000 }),
  borders: fc
    .array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 })
    .map((borders) => [...borders.toSorted((a, b) => a - b), 1]),
})

test('makes the right record of each line, whatever the borders of reads and batches', (t) => {
  fc.assert(
    fc.property(lines, way, (parts, how) => {
      const content = Buffer.concat(parts.flatMap(([text, end]) => [text, Buffer.from(end)]))
      const { seen, settled } = shipped(content, how)
      const model = expected(content, how)
      for (const [index, one] of seen.entries()) if (one.truncated) assertCut(one, model.texts[index]!, how)
      assert.deepEqual(
        seen.map((one) => (one.truncated ? { ...one, value: '' } : one)),
        model.seen,
      )
      assert.ok(settled <= model.settled, 'only bytes of lines without a record are settled without one')
    }),
    seeded(t, 400),
  )
})
