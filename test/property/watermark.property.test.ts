/** The watermark of a file against a byte-by-byte model: where its offset stands after receipts in any order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { NO_GUARD } from '../../src/guard.ts'
import { Watermark } from '../../src/input/files/watermark.ts'
import type { Outcome } from '../../src/input/files/watermark.ts'
import { seeded } from '../support/seed.ts'

const SIZE = 60

/** A watermark byte by byte: the outcome of each byte, and the first byte without one. */
class ByteModel {
  readonly #bytes = Array.from<Outcome | undefined>({ length: SIZE })
  readonly #receipts = { stored: Array.from<boolean>({ length: SIZE }), settled: Array.from<boolean>({ length: SIZE }) }
  offset: number
  skipped: number

  constructor(offset: number, skipped: number) {
    this.offset = offset
    this.skipped = skipped
  }

  acknowledge(start: number, end: number, outcome: Outcome): boolean {
    for (let byte = start; byte < end; byte++) if (this.#bytes[byte] !== 'stored') this.#bytes[byte] = outcome
    this.#receipts[outcome].fill(true, start, end)
    const from = this.offset
    while (this.#bytes[this.offset] !== undefined) {
      this.skipped = this.#bytes[this.offset] === 'stored' ? 0 : this.skipped + 1
      this.offset++
    }
    return this.offset > from
  }

  /** How many bytes directly below `to` are settled, down to `from` or to the last stored byte. */
  settledBelow(to: number, from: number): number {
    let bytes = 0
    while (to - bytes > from && this.#bytes[to - bytes - 1] === 'settled') bytes++
    return bytes
  }

  /** The outcome of the last byte before the offset. */
  get lastOutcome(): Outcome | undefined {
    return this.#bytes[this.offset - 1]
  }

  /** Runs of bytes beyond the offset with receipts of one outcome: nothing else has to be remembered. */
  get runs(): number {
    const begins = (bytes: readonly boolean[], at: number): boolean =>
      at >= this.offset && bytes[at] === true && bytes[at - 1] !== true
    return Object.values(this.#receipts).reduce(
      (sum, bytes) => sum + bytes.filter((_, at) => begins(bytes, at)).length,
      0,
    )
  }
}

const receipt = fc.record({
  start: fc.nat(SIZE - 1),
  length: fc.nat(12),
  outcome: fc.constantFrom<Outcome>('stored', 'settled'),
})

void test('stands where a byte-by-byte model does, whatever the order and overlap of receipts', (t) => {
  fc.assert(
    fc.property(fc.nat(10), fc.nat(5), fc.array(receipt, { maxLength: 60 }), (offset, skipped, receipts) => {
      const mark = new Watermark({ offset, skipped, guard: offset })
      const model = new ByteModel(offset, skipped)
      for (const { start, length, outcome } of receipts) {
        const end = Math.min(SIZE, start + length)
        const moved = mark.acknowledge({ start, end }, outcome, end)
        assert.equal(moved, model.acknowledge(start, end, outcome))
        assert.equal(mark.offset, model.offset)
        assert.equal(mark.skipped, model.skipped)
        // The guard of a receipt is its end here, and the offset stands only at ends.
        assert.equal(mark.guard, mark.offset)
        assert.equal(mark.pending, model.runs)
      }
    }),
    seeded(t, 3000),
  )
})

void test('stands only where a guard is known, and moves there once all bytes before it are finished', (t) => {
  const guarded = fc.record({
    start: fc.nat(SIZE - 1),
    length: fc.nat(12),
    outcome: fc.constantFrom<Outcome>('stored', 'settled'),
    isKnown: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.nat(10), fc.nat(5), fc.array(guarded, { maxLength: 60 }), (offset, skipped, receipts) => {
      const mark = new Watermark({ offset, skipped, guard: offset })
      const model = new ByteModel(offset, skipped)
      const known = { stored: new Set<number>(), settled: new Set<number>() }
      for (const { start, length, outcome, isKnown } of receipts) {
        const end = Math.min(SIZE, start + length)
        const before = { offset: mark.offset, skipped: mark.skipped }
        const moved = mark.acknowledge({ start, end }, outcome, isKnown ? end : NO_GUARD)
        model.acknowledge(start, end, outcome)
        if (isKnown && end > start) known[outcome].add(end)
        assert.equal(moved, mark.offset > before.offset)
        assert.equal(mark.guard, mark.offset)
        assert.ok(mark.offset <= model.offset, `at ${mark.offset}, and finished is only up to ${model.offset}`)
        const { lastOutcome } = model
        if (lastOutcome !== undefined && known[lastOutcome].has(model.offset)) assert.equal(mark.offset, model.offset)
        const settled = model.settledBelow(mark.offset, before.offset)
        const isAllSettled = settled === mark.offset - before.offset
        assert.equal(mark.skipped, isAllSettled ? before.skipped + settled : settled)
      }
    }),
    seeded(t, 3000),
  )
})

void test('stands at the end once everything is finished, in any order and however often', (t) => {
  const pieces = fc.uniqueArray(fc.integer({ min: 1, max: 999 }), { maxLength: 40 }).chain((cuts) => {
    const ends = [...cuts, 1000].sort((a, b) => a - b)
    const ranges = ends.map((end, at) => ({ start: ends[at - 1] ?? 0, end }))
    const again = fc.array(fc.constantFrom(...ranges), { maxLength: 10 })
    return again.chain((repeats) => {
      const all = [...ranges, ...repeats]
      return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
    })
  })
  fc.assert(
    fc.property(pieces, (ranges) => {
      const mark = new Watermark({ offset: 0, skipped: 0, guard: 0 })
      for (const range of ranges) mark.acknowledge(range, 'stored', range.end)
      assert.deepEqual([mark.offset, mark.guard, mark.pending], [1000, 1000, 0])
    }),
    seeded(t, 1000),
  )
})
