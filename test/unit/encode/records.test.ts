import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { type DecodedRecord, decodeRecord, decodeRecords, encodeRecord } from '../../../src/encode/records.ts'
import { seeded } from '../../support/seed.ts'

const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const nullable = fc.option(bytes, { nil: null })
const records: fc.Arbitrary<DecodedRecord> = fc.record({
  timestampDelta: fc.maxSafeInteger(),
  offsetDelta: fc.nat(),
  key: nullable,
  value: nullable,
  headers: fc.array(fc.record({ name: fc.string({ unit: 'binary', maxLength: 20 }), value: nullable }), {
    maxLength: 4,
  }),
})

/** Buffers instead of arrays, so that they compare. */
function comparable(record: DecodedRecord): unknown {
  const buffer = (bytes: Uint8Array | null): Buffer | null => bytes && Buffer.from(bytes)
  const headers = record.headers.map(({ name, value }) => ({ name, value: buffer(value) }))
  return { ...record, key: buffer(record.key), value: buffer(record.value), headers }
}

test('a record is the same after encoding and decoding', (t) => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 4 }), (all) => {
      assert.deepEqual(decodeRecords(Buffer.concat(all.map(encodeRecord))).map(comparable), all.map(comparable))
    }),
    seeded(t, 300),
  )
})

test('a record has the layout of Kafka', () => {
  const record = {
    timestampDelta: -1,
    offsetDelta: 64,
    key: null,
    value: Buffer.from('ab'),
    headers: [{ name: 'h', value: null }],
  }
  // length | attributes | timestamp delta | offset delta | key length | value length, value | headers | name length,
  // name | value length
  assert.equal(encodeRecord(record).toString('hex'), '18 00 01 8001 01 046162 02 0268 01'.replaceAll(' ', ''))
})

test('bytes that are not one whole record are a RangeError', (t) => {
  const whole = encodeRecord({
    timestampDelta: 5,
    offsetDelta: 300,
    key: Buffer.from('k'),
    value: Buffer.alloc(70),
    headers: [{ name: 'n', value: null }],
  })
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => decodeRecord(whole.subarray(0, length)), RangeError, `${length} bytes`)
  }
  assert.throws(() => decodeRecord(Buffer.concat([whole, Buffer.of(0)])), RangeError)
  const tooShort = Buffer.from(whole)
  tooShort[0] = (tooShort[0] ?? 0) - 2
  assert.throws(() => decodeRecord(tooShort), RangeError)
  assert.throws(() => decodeRecord(Buffer.alloc(100_000, 0x80)), RangeError)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      try {
        decodeRecords(noise)
      } catch (error) {
        assert.ok(error instanceof RangeError)
      }
    }),
    seeded(t, 2000),
  )
})
