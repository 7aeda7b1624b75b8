import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import * as fc from 'fast-check'
import { encodeRecord } from '../../src/encode/records.ts'
import { RESULT } from '../../src/kernel/layout.ts'
import * as twin from '../support/twin/twin.ts'
import { seeded } from '../support/seed.ts'
import { WatchedMemory } from '../support/watched-memory.ts'

const CHUNK = 64 * 1024
const watched = new WatchedMemory(CHUNK)
const { memory, pool } = watched
const { chunk, kernel } = memory

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc.constantFrom(63, 64, 8191, 8192).map((length) => new Uint8Array(length)),
)
const nullable = fc.option(bytes, { nil: null })
const batch = fc
  .array(
    fc.record({
      timestampDelta: fc.oneof(fc.constantFrom(0, 63, 64, -64, -65, 2 ** 31), fc.maxSafeInteger()),
      key: nullable,
      value: nullable,
      headers: fc.array(fc.record({ name: fc.string({ maxLength: 70 }), value: nullable }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .chain((records) =>
    fc
      .constantFrom(0, 1, 60, 64, 8190, 8192, 2 ** 20)
      .map((first) => records.map((record, i) => encodeRecord({ ...record, offsetDelta: first + i }))),
  )
  .filter((records) => Buffer.concat(records).length < CHUNK)

test('skipRecords finds the end of any number of records', (t) => {
  fc.assert(
    fc.property(batch, fc.nat(40), (records, at) => {
      memory.bytes.set(Buffer.concat(records), chunk.pointer + at)
      let end = chunk.pointer + at
      for (let count = 0; count <= records.length; count++) {
        assert.equal(kernel.skipRecords(chunk.pointer + at, count), end)
        end += records[count]?.length ?? 0
      }
    }),
    seeded(t, 200),
  )
})

test('copyRecords numbers records from 0, elsewhere or in the same place, and writes nothing else', (t) => {
  fc.assert(
    fc.property(batch, fc.nat(40), fc.nat(8), fc.boolean(), (records, gap, skipped, inPlace) => {
      const count = Math.max(0, records.length - skipped)
      const left = records.slice(records.length - count)
      const all = Buffer.concat(records)
      const start = inPlace ? pool.to - all.length : chunk.pointer + gap
      memory.bytes.set(all, start)
      const from = kernel.skipRecords(start, records.length - count)
      // in place, over the skipped records at the very end of the memory; else before its end
      const to = inPlace ? start : pool.to - all.length
      const expected = Buffer.concat(twin.copyRecords(left))
      const end = watched.watch(
        () => kernel.copyRecords(from, count, to),
        () => [{ from: to, to: to + expected.length }],
      )
      assert.equal(end, from + Buffer.concat(left).length)
      assert.equal(memory.result(RESULT.out), to + expected.length)
      assert.ok(memory.view(to, expected.length).equals(expected))
    }),
    seeded(t, 500),
  )
})

test('copyRecords goes on where a number takes another byte', () => {
  const watched = new WatchedMemory(512 * 1024)
  const { memory } = watched
  const record = { timestampDelta: 0, key: null, value: Buffer.from('x'), headers: [] }
  const records = Array.from({ length: 8300 }, (_, i) => encodeRecord({ ...record, offsetDelta: 2 ** 20 + i }))
  memory.bytes.set(Buffer.concat(records), memory.chunk.pointer)
  memory.kernel.copyRecords(memory.chunk.pointer, records.length, memory.chunk.pointer)
  const copied = memory.view(memory.chunk.pointer, memory.result(RESULT.out) - memory.chunk.pointer)
  assert.ok(copied.equals(Buffer.concat(twin.copyRecords(records))))
})

/** Lengths around the one at which division begins, and around the end of a span of division. */
const LENGTHS = [
  0, 1, 3, 4, 15, 16, 31, 32, 33, 47, 48, 200, 1535, 1536, 1537, 1599, 1600, 4096, 4992, 4993, 5056, 9151, 20_000,
  60_000,
]

test('crc32c equals the native one, from any address and of any length', (t) => {
  const length = fc.oneof(fc.constantFrom(...LENGTHS), fc.nat(12_000))
  fc.assert(
    fc.property(length, fc.nat(64), fc.nat(0xffffffff), fc.integer(), (length, at, previous, seed) => {
      const view = memory.view(chunk.pointer + at, length)
      for (let i = 0, x = seed | 1; i < length; i++) view[i] = x = Math.imul(x, 1664525) + (x >>> 16)
      const crc = watched.watch(
        () => kernel.crc32c(chunk.pointer + at, length, previous),
        () => [],
      )
      assert.equal(crc >>> 0, nativeCrc32c(view, previous))
    }),
    seeded(t, 400),
  )
})

test('crc32c of parts, one after the other, equals that of the whole, and the twin agrees', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 4000, size: 'max' }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (bytes, part) => {
        memory.bytes.set(bytes, chunk.pointer)
        const first = Math.floor(part * bytes.length)
        const whole = kernel.crc32c(chunk.pointer, bytes.length, 0)
        const head = kernel.crc32c(chunk.pointer, first, 0)
        assert.equal(kernel.crc32c(chunk.pointer + first, bytes.length - first, head), whole)
        assert.equal(twin.crc32c(bytes.subarray(first), twin.crc32c(bytes.subarray(0, first))), whole >>> 0)
      },
    ),
    seeded(t, 100),
  )
})

test('crc32c reads to the last byte of the memory and not beyond', () => {
  for (const length of LENGTHS) {
    const view = memory.view(memory.bytes.length - length, length)
    assert.equal(kernel.crc32c(memory.bytes.length - length, length, 0) >>> 0, nativeCrc32c(view))
  }
})

test('crc32c gives the values of RFC 3720, appendix B.4', () => {
  const ascending = Uint8Array.from({ length: 32 }, (_, i) => i)
  const vectors: [Uint8Array, number][] = [
    [new Uint8Array(32), 0x8a9136aa],
    [new Uint8Array(32).fill(0xff), 0x62a8ab43],
    [ascending, 0x46dd794e],
    [ascending.toReversed(), 0x113fdb5c],
    [Buffer.from('123456789'), 0xe3069283],
  ]
  for (const [bytes, expected] of vectors) {
    memory.bytes.set(bytes, chunk.pointer)
    assert.equal(kernel.crc32c(chunk.pointer, bytes.length, 0) >>> 0, expected)
    assert.equal(twin.crc32c(bytes), expected)
  }
})
