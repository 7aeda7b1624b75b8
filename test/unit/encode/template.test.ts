/** The records that the templates make, byte for byte; json.ts and raw.ts are tested here, too. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonTemplate } from '../../../src/encode/json.ts'
import { rawTemplate } from '../../../src/encode/raw.ts'
import { type DecodedRecord, decodeRecords } from '../../../src/encode/records.ts'
import { type Template, TemplateSlot } from '../../../src/encode/template.ts'
import type { RecordFacts } from '../../../src/flow.ts'
import { RESULT } from '../../../src/kernel/layout.ts'
import type { TwinEntry } from '../../support/twin/entry.ts'
import { WatchedMemory } from '../../support/watched-memory.ts'

const watched = new WatchedMemory(64 * 1024)
const { memory, pool } = watched
const slot = new TemplateSlot(memory)

const FACTS: RecordFacts = {
  file: { id: '5c1f00aa5c1f00aa5c1f00aa', path: Buffer.from('/var/log/größe "1".log').toString('latin1') },
  agent: { name: 'logagent', id: 'node-1' },
  fields: {},
}

const LINE: TwinEntry = {
  text: Buffer.from('GET /orders 200'),
  ranges: [{ start: 18_233, end: 18_397 }],
  timestampNs: 1_795_348_800_123_456_789n,
  stream: 'none',
  route: 0,
  truncated: false,
  verdict: 'ship',
}

function append(template: Template, entries: readonly Partial<TwinEntry>[], skipped = 0): DecodedRecord[] {
  const all = entries.map((entry) => ({ ...LINE, ...entry }))
  watched.putEntries(all, [])
  const append = slot.install(template)
  const count = append(0, all.length, 0, pool.from, pool.to, pool.to, 0, 1_795_348_800_000, 100_000, 0, skipped)
  assert.equal(count, all.length)
  return decodeRecords(memory.view(pool.from, memory.result(RESULT.out) - pool.from))
}

const valueOf = (record: DecodedRecord | undefined): string => Buffer.from(record?.value ?? []).toString()
const headersOf = (record: DecodedRecord | undefined): string[] =>
  (record?.headers ?? []).map(({ name, value }) => `${name}=${Buffer.from(value ?? []).toString()}`)

test('a json record has the fields of the contract, in its order', () => {
  const facts = {
    ...FACTS,
    kubernetes: { namespace: 'shop', pod: { name: 'web', uid: '0f' }, labels: { app: 'web' } },
    fields: { env: 'prod', weight: 1.5, canary: true },
  }
  const [record] = append(jsonTemplate(facts, null), [{ stream: 'stdout' }])
  assert.equal(
    valueOf(record),
    '{"@timestamp":"2026-11-22T12:00:00.123456789Z","message":"GET /orders 200","stream":"stdout",' +
      '"log":{"file":{"path":"/var/log/größe \\"1\\".log","id":"5c1f00aa5c1f00aa5c1f00aa"},"offset":18233,"bytes":164},' +
      '"kubernetes":{"namespace":"shop","pod":{"name":"web","uid":"0f"},"labels":{"app":"web"}},' +
      '"agent":{"name":"logagent","id":"node-1"},"fields":{"env":"prod","weight":1.5,"canary":true}}',
  )
  assert.deepEqual([record?.timestampDelta, record?.offsetDelta, record?.key, record?.headers], [123, 0, null, []])
})

test('a json record without stream, Kubernetes and fields leaves them out', () => {
  assert.equal(
    valueOf(append(jsonTemplate(FACTS, null), [{}])[0]),
    '{"@timestamp":"2026-11-22T12:00:00.123456789Z","message":"GET /orders 200",' +
      '"log":{"file":{"path":"/var/log/größe \\"1\\".log","id":"5c1f00aa5c1f00aa5c1f00aa"},"offset":18233,"bytes":164},' +
      '"agent":{"name":"logagent","id":"node-1"}}',
  )
})

test('a json record has the settled bytes before it, and a mark if its line was cut', () => {
  const [first, second] = append(jsonTemplate(FACTS, null), [{ truncated: true, stream: 'stderr' }, {}], 7)
  assert.match(
    valueOf(first),
    /"stream":"stderr","log":\{.*"offset":18233,"bytes":164,"skipped":7,"flags":\["truncated"\]\},"agent"/,
  )
  assert.doesNotMatch(valueOf(second), /skipped|flags|stream/)
})

test('a raw record is the line, with the metadata in headers', () => {
  const template = rawTemplate({ ...FACTS, fields: { env: 'prod', weight: 1.5 } }, Buffer.from('key'), 'otel')
  const [record] = append(template, [{ text: Buffer.from('c3280022', 'hex') }])
  assert.equal(Buffer.from(record?.value ?? []).toString('hex'), 'c3280022')
  assert.equal(Buffer.from(record?.key ?? []).toString(), 'key')
  assert.deepEqual(headersOf(record), [
    'log.file.path=/var/log/größe "1".log',
    'log.file.id=5c1f00aa5c1f00aa5c1f00aa',
    'fields.env=prod',
    'fields.weight=1.5',
    'log.offset=18233',
    'log.bytes=164',
  ])
})

test('a raw record has the settled bytes before it, its stream, and a mark if its line was cut', () => {
  const [record] = append(rawTemplate(FACTS, null, 'otel'), [{ truncated: true, stream: 'stdout' }], 4_294_967_296)
  assert.deepEqual(headersOf(record).slice(2), [
    'log.offset=18233',
    'log.bytes=164',
    'log.skipped=4294967296',
    'log.iostream=stdout',
    'log.flags=truncated',
  ])
})

test('a raw record without headers is only the line', () => {
  const [record] = append(rawTemplate(FACTS, null, 'none'), [{ truncated: true, stream: 'stdout' }], 5)
  assert.deepEqual([valueOf(record), record?.headers, record?.key], ['GET /orders 200', [], null])
})

test('a path that is not UTF-8 is written with replacement characters', () => {
  const facts = { ...FACTS, file: { ...FACTS.file, path: '/a\xff\xe2\x82b' } }
  assert.match(valueOf(append(jsonTemplate(facts, null), [{}])[0]), /"path":"\/a\ufffd\ufffdb"/)
  assert.equal(headersOf(append(rawTemplate(facts, null, 'otel'), [{}])[0])[0], 'log.file.path=/a\ufffd\ufffdb')
})

test('a template is copied when it changes, and only then', () => {
  const one = rawTemplate(FACTS, Buffer.from('one'), 'none')
  const two = rawTemplate(FACTS, null, 'none')
  for (const [template, key] of [
    [one, 'one'],
    [two, null],
    [one, 'one'],
  ] as const) {
    const [record] = append(template, [{}])
    assert.equal(record?.key === null ? null : Buffer.from(record?.key ?? []).toString(), key)
  }
})

test('metadata that does not fit is a RangeError, and the template before it is kept', () => {
  const small = rawTemplate(FACTS, Buffer.from('small'), 'none')
  append(small, [{}])
  const huge = rawTemplate({ ...FACTS, fields: { big: 'x'.repeat(slot.capacity) } }, null, 'otel')
  assert.throws(() => slot.install(huge), RangeError)
  const [record] = append(small, [{}])
  assert.equal(Buffer.from(record?.key ?? []).toString(), 'small')
})

test('decimal numbers of every length are whole', () => {
  for (let power = 0; power <= 15; power++) {
    for (const start of [10 ** power - 1, 10 ** power, 1_234_567_890_123_456 % 10 ** power]) {
      const bytes = Math.min(start, 2 ** 31)
      const entry = { ranges: [{ start, end: start + bytes }] }
      const raw = headersOf(append(rawTemplate(FACTS, null, 'otel'), [entry], start)[0])
      assert.deepEqual(raw.slice(2), [
        `log.offset=${start}`,
        `log.bytes=${bytes}`,
        ...(start > 0 ? [`log.skipped=${start}`] : []),
      ])
      const json = valueOf(append(jsonTemplate(FACTS, null), [entry], start)[0])
      assert.ok(json.includes(`"offset":${start},"bytes":${bytes}${start > 0 ? `,"skipped":${start}` : ''}}`))
    }
  }
})

test('a timestamp is right from 1970 to 2262, over leap years and changes within one call', () => {
  const days = [
    '1970-01-01',
    '1972-02-29',
    '1999-12-31',
    '2000-02-29',
    '2000-03-01',
    '2023-02-28',
    '2024-12-31',
    '2100-02-28',
    '2100-03-01',
    '2262-04-11',
  ]
  const times = ['00:00:00.000000000Z', '00:00:59.999999999Z', '23:47:16.000000001Z'].flatMap((time) =>
    days.map((day) => `${day}T${time}`),
  )
  const entries = times.map((time) => ({
    timestampNs: BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1_000_000n + BigInt(time.slice(20, 29)),
  }))
  for (const [i, record] of append(jsonTemplate(FACTS, null), entries).entries()) {
    assert.ok(valueOf(record).startsWith(`{"@timestamp":"${times[i]}"`), `line ${i}`)
    assert.equal(record.timestampDelta, Number((entries[i]?.timestampNs ?? 0n) / 1_000_000n) - 1_795_348_800_000)
  }
})
