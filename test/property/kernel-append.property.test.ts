import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type Appended, type AppendCall, append } from '../support/twin/twin.ts'
import type { TwinEntry } from '../support/twin/entry.ts'
import { decodeRecords, encodeRecord } from '../../src/encode/records.ts'
import {
  Appending,
  type FileTemplate,
  type Outcome,
  entryOf,
  hostileEntries,
  templates,
} from '../support/kernel-appends.ts'
import { hostileText, longText } from '../support/hostile-text.ts'
import { seeded } from '../support/seed.ts'

const CHUNK = 32 * 1024
const appending = new Appending(CHUNK)
const { watched } = appending
const { chunk } = watched.memory
const POOL = watched.pool.to - watched.pool.from

/** Values of the bytes outside the texts, which must not matter. */
const surroundings = fc.constantFrom(0x0a, 0x22, 0x80, 0xe2, 0xf0, 0x00, 0x41)
const gaps = fc.array(fc.nat(20), { minLength: 12, maxLength: 12 })

/** Sizes at which records, and then buffers, are exactly full. */
const limits = fc.oneof(
  { weight: 3, arbitrary: fc.constant(60_000) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 5000 }) },
  { weight: 2, arbitrary: fc.integer({ min: 150, max: 700 }) },
)
const calls: fc.Arbitrary<Omit<AppendCall, 'first' | 'end' | 'route'>> = fc
  .record({
    limit: limits,
    bufferEnd: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })),
    index: fc.oneof(fc.constantFrom(0, 0, 0, 60, 63, 64, 8190), fc.nat(9000)),
    baseTimestamp: fc.oneof(fc.constantFrom(1_795_348_800_000, 0, 9_223_372_036_854), fc.nat(2 ** 43)),
    maxRecord: limits,
    drop: fc.boolean(),
    skipped: fc.oneof(fc.constantFrom(0, 0, 1, 99_999_999, 100_000_000), fc.nat(2 ** 50)),
  })
  // some buffers end at their limit, some a little behind it
  .map((call) => ({
    ...call,
    bufferEnd: Math.min(POOL, call.limit + call.bufferEnd + (call.bufferEnd % 2 === 0 ? 0 : 8 * call.index)),
  }))

/** More bytes than any of the texts needs. */
const huge: AppendCall = {
  first: 0,
  end: 1,
  route: 0,
  limit: 60_000,
  bufferEnd: 65_000,
  index: 0,
  baseTimestamp: 0,
  maxRecord: 60_000,
  drop: false,
  skipped: 0,
}

const FACTS = { file: { id: 'f', path: '/a' }, agent: { name: 'a', id: 'b' }, fields: {} }

function put(entries: readonly TwinEntry[], gaps: readonly number[], around: number): void {
  watched.flood({ from: chunk.pointer - 64, to: chunk.pointer + CHUNK + 64 }, around)
  watched.putEntries(entries, gaps)
}

function assertSame(outcome: Outcome, expected: Appended): void {
  assert.equal(outcome.count, expected.records.length)
  assert.equal(outcome.bytes.toString('latin1'), Buffer.concat(expected.records).toString('latin1'))
  assert.deepEqual(outcome.sizes, expected.sizes)
  assert.deepEqual(outcome.settledBefore, expected.settledBefore)
  const { next, cut, cutBytes, tooLarge, tooLargeAt, invalid, settledLines, settledBytes, skipped } = expected
  assert.deepEqual([outcome.cutBytes, outcome.tooLarge, outcome.tooLargeAt], [cutBytes, tooLarge, tooLargeAt])
  assert.deepEqual(
    [outcome.next, outcome.cut, outcome.invalid, outcome.settledLines, outcome.settledBytes, outcome.skipped],
    [next, cut, invalid, settledLines, settledBytes, skipped],
  )
  assert.equal(
    outcome.consumed,
    expected.sizes.reduce((sum, size) => sum + size, 0),
  )
  if (expected.maxTimestamp !== null) assert.equal(outcome.maxTimestamp, expected.maxTimestamp)
}

function appendBoth(template: FileTemplate, entries: readonly TwinEntry[], call: AppendCall, end: number): void {
  const outcome = appending.call(appending.install(template), call, end)
  const noted = entries.map((entry) => ({ ...entry }))
  assertSame(outcome, append(noted, template, call))
  for (const [i, { truncated, verdict }] of watched.getEntries(entries.length).entries())
    assert.deepEqual([truncated, verdict], [noted[i]?.truncated, noted[i]?.verdict])
}

test('an append writes what the twin writes, and nothing anywhere else', (t) => {
  fc.assert(
    fc.property(
      hostileEntries,
      templates,
      calls,
      gaps,
      surroundings,
      fc.nat(100),
      (entries, template, call, gaps, around, end) => {
        put(entries, gaps, around)
        fc.pre(call.bufferEnd + end <= POOL)
        appendBoth(template, entries, { ...call, first: 0, end: entries.length, route: 0 }, end)
      },
    ),
    seeded(t, 1500),
  )
})

test('a text is escaped and cut as the twin does it, whatever room there is for it', (t) => {
  const template = fc.constantFrom<FileTemplate['encoding']>('json', 'json', 'raw').map((encoding): FileTemplate => ({
    encoding,
    facts: FACTS,
    key: null,
    headers: 'otel',
  }))
  const roomBeyond = fc.oneof(fc.integer({ min: -30, max: 40 }), fc.integer({ min: 0, max: 400 }))
  fc.assert(
    fc.property(
      entryOf(fc.oneof({ weight: 30, arbitrary: hostileText }, { weight: 1, arbitrary: longText })),
      template,
      roomBeyond,
      roomBeyond,
      surroundings,
      fc.nat(40),
      (entry, template, room, most, around, gap) => {
        const one = [{ ...entry, verdict: 'ship' as const, route: 0 }]
        put(one, [gap], around)
        const frame = Buffer.concat(
          append([{ ...one[0]!, text: Buffer.alloc(0) }], template, { ...huge, skipped: 0 }).records,
        ).length
        const limit = Math.max(0, frame + room)
        appendBoth(
          template,
          one,
          { ...huge, limit, bufferEnd: limit + 68, maxRecord: Math.max(0, frame + most), skipped: 0 },
          0,
        )
      },
    ),
    seeded(t, 2000),
  )
})
test('a value whose length takes another number of bytes than was guessed is moved', () => {
  const large = new Appending(1100 * 1024, 18 * 128 * 1024)
  const check = (text: Buffer, maxRecord: number, encoding: 'json' | 'raw' = 'json'): void => {
    const template: FileTemplate = { encoding, facts: FACTS, key: Buffer.from('key'), headers: 'none' }
    const entry: TwinEntry = {
      text,
      ranges: [{ start: 0, end: text.length + 1 }],
      timestampNs: 0n,
      stream: 'none',
      route: 0,
      truncated: false,
      verdict: 'ship',
    }
    const [where, limit] = text.length > 20_000 ? [large, 2 ** 21] : [appending, 60_000]
    where.watched.putEntries([entry], [])
    const call = { ...huge, limit, bufferEnd: limit + 68, maxRecord }
    const outcome = where.call(where.install(template), call)
    const { records } = append([{ ...entry }], template, call)
    assert.ok(outcome.bytes.equals(Buffer.concat(records)), `${text.length} bytes of ${text[0]} in ${maxRecord}`)
  }
  for (let less = 0; less < 400; less += 7) {
    // a third byte from 8 KiB on, a fourth from 1 MiB on; each byte of text becomes one byte, or two
    for (const byte of ['x', '"']) {
      for (const length of [8192, 4096]) check(Buffer.alloc(length - less, byte), 60_000)
      check(Buffer.alloc(12_000, byte), 8500 - less)
    }
    if (less % 5 === 0) check(Buffer.alloc(524_288 - less, '"'), 2 ** 21)
  }
  for (let less = -1; less < 16; less++) {
    for (const border of [64, 8192, 1_048_576])
      check(Buffer.alloc(border - less), border > 20_000 ? 2 ** 21 : 60_000, 'raw')
  }
})

test('a record keeps the record contract, as other decoders than the twin read it', (t) => {
  fc.assert(
    fc.property(hostileEntries, templates, gaps, surroundings, (entries, template, gaps, around) => {
      put(entries, gaps, around)
      const outcome = appending.call(appending.install(template), { ...huge, end: entries.length })
      const shipped = entries.filter((entry) => entry.route === 0 && entry.verdict === 'ship')
      const records = decodeRecords(outcome.bytes)
      assert.equal(records.length, shipped.length)
      // canonical varints, and the lengths right: encoding again gives the same
      assert.ok(Buffer.concat(records.map(encodeRecord)).equals(outcome.bytes))
      for (const [i, record] of records.entries()) {
        const entry = shipped[i]
        assert.ok(entry)
        assert.equal(record.offsetDelta, i)
        assert.equal(record.timestampDelta, Number(entry.timestampNs / 1_000_000n))
        assert.deepEqual(record.key && Buffer.from(record.key), template.key)
        const value = Buffer.from(record.value ?? [])
        if (template.encoding === 'raw') assert.ok(value.equals(entry.text))
        else assertJson(value, entry)
      }
    }),
    seeded(t, 500),
  )
})

function assertJson(value: Buffer, entry: TwinEntry): void {
  // fatal, because the value itself is well-formed
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value)
  const object: { message: string; '@timestamp': string; log: { offset: number } } = JSON.parse(text)
  assert.equal(object.message, new TextDecoder('utf-8', { ignoreBOM: true }).decode(entry.text))
  assert.equal(object.log.offset, entry.ranges[0]?.start)
  assert.equal(BigInt(Date.parse(object['@timestamp'])), entry.timestampNs / 1_000_000n)
}

test('over many batches every entry ends in a record or is settled, in order, and the sizes add up', (t) => {
  const call = fc.record({
    limit: fc.integer({ min: 300, max: 3000 }),
    maxRecord: fc.integer({ min: 250, max: 3000 }),
    drop: fc.boolean(),
  })
  fc.assert(
    fc.property(hostileEntries, templates, call, gaps, (entries, template, { limit, maxRecord, drop }, gaps) => {
      const most = Math.min(limit, maxRecord)
      put(entries, gaps, 0x22)
      const install = appending.install(template)
      let first = 0
      let [skipped, sum, records, settled] = [0, 0, 0, 0]
      for (let calls = 0; first < entries.length; calls++) {
        assert.ok(calls <= entries.length, 'an empty buffer with room for a whole record takes or settles an entry')
        const what = {
          first,
          end: entries.length,
          route: 0,
          limit,
          bufferEnd: limit + 100,
          index: 0,
          baseTimestamp: 0,
          maxRecord: most,
          drop,
          skipped,
        }
        const outcome = appending.call(install, what)
        const trailing = outcome.skipped - (outcome.count === 0 ? skipped : 0)
        sum += outcome.consumed + trailing
        records += outcome.count
        settled += outcome.settledLines
        skipped = outcome.skipped
        first = outcome.next
      }
      const mine = entries.filter((entry) => entry.route === 0)
      assert.equal(records + settled, mine.length)
      assert.equal(
        sum,
        mine.reduce((all, { ranges }) => all + ranges.reduce((size, { start, end }) => size + end - start, 0), 0),
      )
    }),
    seeded(t, 300),
  )
})
