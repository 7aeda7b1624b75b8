import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ENTRY_CAPACITY, GUARD_BYTES, RESULT, SLACK } from '../../src/kernel/layout.ts'
import * as twin from '../support/twin/twin.ts'
import { hostileFile, hostileText } from '../support/hostile-text.ts'
import { seeded } from '../support/seed.ts'
import { ALL_COLUMNS, WatchedMemory } from '../support/watched-memory.ts'

const CHUNK = 16 * 1024
const watched = new WatchedMemory(CHUNK)
const { memory } = watched
const { chunk, kernel } = memory

/** Bytes around a text, which must not matter: newlines, quotes, continuation and leading bytes, NUL. */
const surroundings = fc.constantFrom(0x0a, 0x0d, 0x22, 0x80, 0xe2, 0xf0, 0x00, 0x41)
/** Where the chunk's bytes begin: at any alignment, or so that they end with the chunk. */
const places = fc.option(fc.integer({ min: 0, max: 70 }), { nil: null })

function put(bytes: Uint8Array, place: number | null, around: number): number {
  watched.flood({ from: chunk.pointer - GUARD_BYTES, to: chunk.pointer + CHUNK + SLACK }, around)
  const pointer = chunk.pointer + (place ?? CHUNK - bytes.length)
  memory.bytes.set(bytes, pointer)
  return pointer
}

test('findNewline finds the first newline, or the end', (t) => {
  fc.assert(
    fc.property(hostileFile, places, surroundings, fc.nat(20), (bytes, place, around, from) => {
      fc.pre(from <= bytes.length)
      const pointer = put(bytes, place, around)
      const at = watched.watch(
        () => kernel.findNewline(pointer + from, pointer + bytes.length),
        () => [],
      )
      assert.equal(at - pointer, twin.findNewline(bytes, from))
    }),
    seeded(t, 500),
  )
})

test('frameLines makes the entries that the twin makes', (t) => {
  const rules = fc.record({
    maxLine: fc.oneof(fc.constantFrom(1, 15, 16, 17, 64, 1000), fc.integer({ min: 1, max: 200 })),
    empty: fc.constantFrom('keep' as const, 'drop' as const),
    long: fc.constantFrom('cut' as const, 'drop' as const),
  })
  const where = fc.record({
    offset: fc
      .oneof(fc.nat(1000), fc.constantFrom(2 ** 32 - 5, 2 ** 32, 2 ** 52), fc.maxSafeNat())
      .map((n) => Math.min(n, 2 ** 53 - 65536)),
    timestampNs: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  })
  const searchedPart = fc.double({ min: 0, max: 1, noNaN: true })
  fc.assert(
    fc.property(
      hostileFile,
      rules,
      where,
      places,
      surroundings,
      searchedPart,
      (bytes, rules, where, place, around, part) => {
        const pointer = put(bytes, place, around)
        // stale cells of an earlier call must not show
        watched.flood(ALL_COLUMNS, 1)
        const searched = Math.floor(part * twin.findNewline(bytes))
        const flags = (rules.empty === 'drop' ? 1 : 0) | (rules.long === 'drop' ? 2 : 0)
        const count = watched.watch(
          () =>
            kernel.frameLines(pointer, bytes.length, searched, where.offset, rules.maxLine, flags, where.timestampNs),
          () => [ALL_COLUMNS],
        )
        const expected = twin.frameLines(bytes, rules, where)
        assert.equal(memory.result(RESULT.consumed), expected.consumed)
        assert.deepEqual(
          watched.getEntries(count),
          expected.entries.map((entry) => ({ ...entry, text: Buffer.from(entry.text) })),
        )
      },
    ),
    seeded(t, 1000),
  )
})

test('cutLength keeps what the twin keeps, and never splits a character of well-formed text', (t) => {
  const text = fc.oneof(
    hostileText,
    fc.string({ unit: 'binary', maxLength: 60 }).map((text) => Buffer.from(text)),
  )
  fc.assert(
    fc.property(
      text,
      fc.double({ min: 0, max: 1, noNaN: true }),
      places,
      surroundings,
      (bytes, part, place, around) => {
        const max = Math.floor(part * bytes.length)
        fc.pre(max < bytes.length)
        const pointer = put(bytes, place, around)
        const length = kernel.cutLength(pointer, max)
        assert.equal(length, twin.cutLength(bytes, max))
        assert.ok(length <= max && length > max - 4)
        const whole = bytes.toString()
        if (Buffer.from(whole).equals(bytes)) assert.ok(whole.startsWith(bytes.subarray(0, length).toString()))
      },
    ),
    seeded(t, 1000),
  )
})

test('a chunk with more lines than the columns have room for is framed in several calls', () => {
  const bytes = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? '\n' : 'x\n')).join(''))
  const starts: (number | undefined)[] = []
  const counts: number[] = []
  for (let from = 0; from < bytes.length; from += memory.result(RESULT.consumed)) {
    const pointer = put(bytes.subarray(from), 3, 0x0a)
    const count = kernel.frameLines(pointer, bytes.length - from, 0, from, 100, 0, 0n)
    starts.push(...watched.getEntries(count).map((entry) => entry.ranges[0]?.start))
    counts.push(count)
  }
  assert.deepEqual(counts, [ENTRY_CAPACITY, 5000 - ENTRY_CAPACITY])
  const lines = bytes.toString().split('\n').slice(0, -1)
  let at = 0
  assert.deepEqual(
    starts,
    lines.map((line) => (at += line.length + 1) - line.length - 1),
  )
})
