import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'

const violation = { code: 'protocol-violation' }

describe('the primitives of the wire', () => {
  test('reads what it writes, across any growth of the buffer', () => {
    const value = fc.oneof(
      fc.record({ type: fc.constant('int16' as const), value: fc.integer({ min: -32768, max: 32767 }) }),
      fc.record({ type: fc.constant('int32' as const), value: fc.integer() }),
      fc.record({ type: fc.constant('int64' as const), value: fc.maxSafeInteger() }),
      fc.record({ type: fc.constant('unsignedVarint' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
      fc.record({
        type: fc.constant('compactNullableString' as const),
        value: fc.option(fc.string({ unit: 'binary' })),
      }),
    )
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.nat(32), (values, capacity) => {
        const writer = new Writer(capacity)
        const pieces: Buffer[] = []
        for (const [index, { type, value }] of values.entries()) {
          if (type === 'compactNullableString') writer.compactNullableString(value)
          else writer[type](value)
          if (index % 3 === 0) pieces.push(writer.cut())
        }
        const reader = new ResponseReader(Buffer.concat([...pieces, writer.cut()]))
        for (const { type, value } of values) {
          const read = reader[type]()
          assert.equal(read, typeof value === 'string' ? Buffer.from(value).toString() : value)
        }
        reader.end()
      }),
    )
  })

  test('writes numbers in the bytes that the protocol page gives', () => {
    const writer = new Writer()
    writer.unsignedVarint(300)
    writer.int64(-1)
    writer.compactString('é')
    writer.string('ab')
    writer.uuid('0123456789abcdef0123456789abcdef')
    assert.equal(writer.cut().toString('hex'), `ac02${'f'.repeat(16)}03c3a900026162${'0123456789abcdef'.repeat(2)}`)
  })

  test('keeps what was cut when it goes on', () => {
    const writer = new Writer(4)
    writer.int32(1)
    const first = writer.cut()
    for (let i = 0; i < 100; i++) writer.int32(2)
    assert.equal(first.readInt32BE(), 1)
    assert.equal(writer.cut().length, 400)
  })

  test('refuses a varint beyond 32 bits, and one without an end', () => {
    assert.throws(() => new ResponseReader(Buffer.from([255, 255, 255, 255, 16])).unsignedVarint(), violation)
    assert.throws(() => new ResponseReader(Buffer.from([128, 128, 128, 128, 128, 0])).unsignedVarint(), violation)
    assert.equal(new ResponseReader(Buffer.from([255, 255, 255, 255, 15])).unsignedVarint(), 2 ** 32 - 1)
  })

  test('refuses an array that cannot fit, before anything is allocated for it', () => {
    assert.throws(() => new ResponseReader(Buffer.from([255, 255, 255, 255, 15, 0, 0])).compactArray(1), violation)
    assert.throws(() => new ResponseReader(Buffer.from([0])).compactArray(1), violation, 'null')
    assert.throws(() => new ResponseReader(Buffer.from([0x7f, 255, 255, 255])).array(1), violation)
    assert.throws(() => new ResponseReader(Buffer.from([255, 255, 255, 255])).array(1), violation, 'negative')
  })

  test('refuses a 64-bit number that a JavaScript number cannot hold', () => {
    assert.throws(() => new ResponseReader(Buffer.from([0x7f, 0, 0, 0, 0, 0, 0, 0])).int64(), violation)
  })

  test('skips tagged fields, however many', () => {
    const reader = new ResponseReader(Buffer.from([2, 0, 3, 1, 2, 3, 200, 1, 1, 9, 42]))
    reader.skipTaggedFields()
    assert.equal(reader.left, 1)
    assert.throws(() => new ResponseReader(Buffer.from([1, 0, 255, 255, 255, 255, 15])).skipTaggedFields(), violation)
  })
})
