import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { VarintReader, sized, varint } from '../../../src/encode/varint.ts'
import * as twin from '../../support/twin/twin.ts'
import { varintFixtures } from '../../support/fixtures.ts'
import { seeded } from '../../support/seed.ts'

test('varints are the bytes that Kafka writes', () => {
  for (const kind of ['zigzag32', 'zigzag64'] as const) {
    for (const { value, bytes } of varintFixtures(kind)) {
      if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < BigInt(Number.MIN_SAFE_INTEGER)) continue
      assert.ok(varint(Number(value)).equals(bytes), `${kind} ${value}`)
      assert.ok(twin.varint(Number(value)).equals(bytes), `the twin, ${kind} ${value}`)
      const reader = new VarintReader(bytes)
      assert.equal(reader.varint(), Number(value))
      assert.equal(reader.at, bytes.length)
    }
  }
})

test('every varint that Kafka writes is read, to the precision of a number', () => {
  for (const { value, bytes } of varintFixtures('zigzag64'))
    assert.equal(new VarintReader(bytes).varint(), Number(value))
})

test('a varint read back is the number written', (t) => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (n) => assert.equal(new VarintReader(varint(n)).varint(), n)),
    seeded(t, 1000),
  )
})

test('sized bytes distinguish null from empty', () => {
  assert.equal(sized(null).toString('hex'), '01')
  assert.equal(sized(Buffer.alloc(0)).toString('hex'), '00')
  const reader = new VarintReader(Buffer.concat([sized(null), sized(Buffer.from('x')), sized(Buffer.alloc(0))]))
  assert.deepEqual([reader.sized(), reader.sized()?.length, reader.sized()?.length], [null, 1, 0])
})

test('a varint that does not end, or announces more bytes than there are, is a RangeError', () => {
  assert.throws(() => new VarintReader(Buffer.alloc(0)).varint(), RangeError)
  assert.throws(() => new VarintReader(Buffer.alloc(9, 0xff)).varint(), RangeError)
  assert.throws(() => new VarintReader(Buffer.alloc(11, 0xff)).varint(), RangeError)
  assert.throws(() => new VarintReader(Buffer.from([4, 0])).sized(), RangeError)
})
