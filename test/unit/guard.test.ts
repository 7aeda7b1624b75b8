import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { NO_GUARD, guardOf, guardText, parseGuard } from '../../src/guard.ts'
import { GUARD_BYTES } from '../../src/kernel/layout.ts'
import { seeded } from '../support/seed.ts'
import { testMemory } from '../support/reading.ts'

const memory = testMemory()

void test('is made of the last 64 bytes, or of all if there are fewer', () => {
  const bytes = Buffer.from(Array.from({ length: 200 }, (_, n) => (n * 37) & 255))
  assert.equal(guardOf(bytes), guardOf(bytes.subarray(200 - GUARD_BYTES)))
  assert.notEqual(guardOf(bytes), guardOf(bytes.subarray(201 - GUARD_BYTES)))
  assert.equal(guardOf(Buffer.alloc(0)), 0)
})

void test('differs if any bit differs', () => {
  const bytes = Buffer.alloc(GUARD_BYTES)
  const guards = new Set([guardOf(bytes)])
  for (let bit = 0; bit < 8 * GUARD_BYTES; bit++) {
    const other = Buffer.from(bytes)
    other[bit >> 3] = 1 << (bit & 7)
    guards.add(guardOf(other))
  }
  assert.equal(guards.size, 8 * GUARD_BYTES + 1)
})

void test('the kernel makes the same guard of bytes in its memory', (t) => {
  const { pointer } = memory.chunk
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: GUARD_BYTES }), fc.nat(100), (bytes, at) => {
      memory.bytes.set(bytes, pointer + at)
      assert.equal(memory.kernel.guardBefore(pointer + at + bytes.length, bytes.length), guardOf(bytes))
    }),
    seeded(t, 1000),
  )
})

void test('is the same after it was converted to text and back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: GUARD_BYTES }), (bytes) => {
      const guard = guardOf(bytes)
      assert.ok(Number.isSafeInteger(guard) && guard >= 0)
      assert.match(guardText(guard), /^[0-9a-f]{16}$/)
      assert.equal(parseGuard(guardText(guard)), guard)
    }),
    seeded(t, 1000),
  )
  assert.equal(parseGuard(guardText(NO_GUARD)), NO_GUARD)
})

void test('parses the text of the first version of the state, with two whole checksums', () => {
  const bytes = Buffer.from('GET /orders 200\n')
  const hex = (crc: number): string => crc.toString(16).padStart(8, '0')
  const text = hex(crc32(bytes)) + hex(crc32(Buffer.from(bytes).reverse()))
  assert.equal(parseGuard(text), guardOf(bytes))
})

for (const text of ['1', 'x'.repeat(16), '0'.repeat(15), '0'.repeat(17), 'A'.repeat(16)])
  void test(`refuses ${text}`, () => assert.equal(parseGuard(text), null))
