import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { cutRecord } from '../../../src/encode/cut-record.ts'
import { type DecodedRecord, decodeRecord, encodeRecord } from '../../../src/encode/records.ts'
import type { CutRecord } from '../../../src/flow.ts'
import { hostileText } from '../../support/hostile-text.ts'
import { seeded } from '../../support/seed.ts'

const BARE = { timestampDelta: 12, offsetDelta: 3, key: Buffer.from('key') }
const METADATA = { agent: { name: 'logagent', id: 'node "1"' }, fields: { größe: '日本' } }

function jsonRecord(message: string, flags?: readonly string[]): Buffer {
  const log = { file: { path: '/a.log', id: '5c1f' }, offset: 2 ** 40, bytes: 100, ...(flags && { flags }) }
  const value = Buffer.from(
    JSON.stringify({ '@timestamp': '2026-11-22T12:00:00.000000000Z', message, log, ...METADATA }),
  )
  return encodeRecord({ ...BARE, value, headers: [] })
}

const HEADERS = [
  { name: 'log.file.path', value: Buffer.from('/a.log') },
  { name: 'log.offset', value: Buffer.from('7') },
]

function rawRecord(value: Uint8Array, headers: DecodedRecord['headers'] = HEADERS): Buffer {
  return encodeRecord({ ...BARE, value, headers })
}

/** The result for a record that can be cut. */
function decodeCut(cut: CutRecord | null): DecodedRecord {
  assert.ok(cut !== null)
  return decodeRecord(cut.bytes)
}

const text = fc.oneof(
  fc.string({ maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  hostileText.map((bytes) => bytes.toString()),
)
const part = fc.double({ min: 0, max: 1, noNaN: true })
const nameOf = (header: { name: string }): string => header.name

test('a json record that is cut fits, is marked, and is otherwise unchanged', (t) => {
  fc.assert(
    fc.property(text, part, (message, part) => {
      const record = jsonRecord(message)
      const most = Math.floor(part * record.length)
      const cut = cutRecord(record, most)
      if (cut === null) {
        // not even an empty message would fit
        assert.ok(message === '' || jsonRecord('', ['truncated']).length > most)
        return
      }
      assert.ok(cut.bytes.length <= most)
      const { value, ...rest } = decodeRecord(cut.bytes)
      assert.deepEqual({ ...rest, key: Buffer.from(rest.key ?? []) }, { ...BARE, headers: [] })
      const object = JSON.parse(
        new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value ?? new Uint8Array(0)),
      )
      assert.ok(message.startsWith(object.message) && object.message.length < message.length)
      assert.equal(cut.cutBytes, Buffer.byteLength(message.slice(object.message.length)))
      assert.ok(cut.wasWhole)
      assert.deepEqual(object.log, {
        file: { path: '/a.log', id: '5c1f' },
        offset: 2 ** 40,
        bytes: 100,
        flags: ['truncated'],
      })
      assert.deepEqual({ agent: object.agent, fields: object.fields }, METADATA)
      // as much is kept as fits: one character more would not
      const more = message.slice(0, object.message.length + 1).isWellFormed() ? 1 : 2
      const longer = message.slice(0, object.message.length + more)
      if (longer !== message) assert.ok(jsonRecord(longer, ['truncated']).length > most)
    }),
    seeded(t, 500),
  )
})

test('a raw record that is cut fits, is marked, and no character of it is split', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        text.map((text) => Buffer.from(text)),
        hostileText,
      ),
      part,
      (value, part) => {
        const record = rawRecord(value)
        const most = Math.floor(part * record.length)
        const cut = cutRecord(record, most)
        const mark = { name: 'log.flags', value: Buffer.from('truncated') }
        if (cut === null) {
          assert.ok(rawRecord(Buffer.alloc(0), [...HEADERS, mark]).length > most)
          return
        }
        assert.ok(cut.bytes.length <= most)
        const decoded = decodeRecord(cut.bytes)
        const kept = Buffer.from(decoded.value ?? [])
        assert.ok(value.subarray(0, kept.length).equals(kept))
        assert.deepEqual([cut.cutBytes, cut.wasWhole], [value.length - kept.length, true])
        assert.deepEqual(decoded.headers.map(nameOf), ['log.file.path', 'log.offset', 'log.flags'])
        if (Buffer.from(value.toString()).equals(value)) assert.ok(value.toString().startsWith(kept.toString()))
        assert.ok(
          rawRecord(value.subarray(0, kept.length + 4), [...HEADERS, mark]).length > most ||
            kept.length + 4 >= value.length,
        )
      },
    ),
    seeded(t, 500),
  )
})

test('a record that was cut before is marked once', () => {
  const raw = rawRecord(Buffer.alloc(100, 97), [...HEADERS, { name: 'log.flags', value: Buffer.from('truncated') }])
  const cut = cutRecord(raw, 120)
  assert.deepEqual(decodeCut(cut).headers.map(nameOf), ['log.file.path', 'log.offset', 'log.flags'])
  const cutJson = cutRecord(jsonRecord('a'.repeat(500), ['truncated']), 400)
  assert.deepEqual([cut?.wasWhole, cutJson?.wasWhole], [false, false])
  const json = decodeCut(cutJson)
  assert.deepEqual(JSON.parse(Buffer.from(json.value ?? []).toString()).log.flags, ['truncated'])
})

test('a line without headers has no place for a mark', () => {
  const cut = decodeCut(cutRecord(rawRecord(Buffer.alloc(100, 97), []), 50))
  assert.deepEqual([cut.value?.length, cut.headers], [40, []])
})

test('a raw line that looks like a json record keeps its bytes', () => {
  const lines = [
    '{"@timestamp":"now","message":"x","agent":{}}',
    '{"@timestamp":"now","message":"x","agent":{},"log":[]}',
    '{"@timestamp":"now","message":7,"agent":{},"log":{}}',
    '{"@timestamp":"now"',
    `{"@timestamp":"now","message":"${'x'.repeat(50)}","agent":{},"log":{}, "n": 1e400}`,
  ]
  for (const line of lines) {
    for (const headers of [HEADERS, []]) {
      // without headers the last one cannot be distinguished from a json record, and is cut like one
      if (headers.length === 0 && line === lines.at(-1)) continue
      const record = rawRecord(Buffer.from(`${line}${' '.repeat(100)}`), headers)
      const cut = decodeCut(cutRecord(record, record.length - 60))
      assert.ok(`${line}${' '.repeat(100)}`.startsWith(Buffer.from(cut.value ?? []).toString()))
    }
  }
  const illFormed = Buffer.concat([
    Buffer.from('{"@timestamp":"","agent":{},"log":{},"message":"'),
    Buffer.of(0xff),
    Buffer.from('"}'),
  ])
  const cut = decodeCut(cutRecord(rawRecord(illFormed, []), illFormed.length + 8))
  assert.ok(illFormed.subarray(0, cut.value?.length).equals(cut.value ?? new Uint8Array(0)))
})

test('a record without a value cannot be cut', () => {
  assert.equal(cutRecord(encodeRecord({ ...BARE, value: null, headers: [] }), 5), null)
})
