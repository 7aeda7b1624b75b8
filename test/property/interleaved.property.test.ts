/**
 * Lines whose parts lie between those of others, as the partial lines of two streams do, from the entries to the
 * watermark: when a record is stored, exactly the ranges of its line, and of what was settled before it, are finished.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { rawTemplate } from '../../src/encode/raw.ts'
import { TemplateSlot } from '../../src/encode/template.ts'
import { NO_GUARD } from '../../src/guard.ts'
import type { Extent, Range } from '../../src/flow.ts'
import { Entries } from '../../src/frame/entries.ts'
import { Watermark } from '../../src/input/files/watermark.ts'
import type { TwinEntry } from '../support/twin/entry.ts'
import { BatchMemory } from '../../src/output/producer/batch-memory.ts'
import type { EntriesToAppend } from '../../src/output/producer/entries-to-append.ts'
import { Lane } from '../../src/output/producer/lane.ts'
import { seeded } from '../support/seed.ts'
import { WatchedMemory } from '../support/watched-memory.ts'

const KIB = 1024
const watched = new WatchedMemory(64 * KIB, 256 * KIB)
const { memory } = watched
const slot = new TemplateSlot(memory)
const entries = new Entries(memory)
const FACTS = { file: { id: 'f', path: '/a' }, agent: { name: 'a', id: 'b' }, fields: {} }
const FILE = { id: 'f', inputId: 'i', path: '/a' }

interface Part {
  readonly bytes: number
  readonly line: number
}

/** Lines in the order of their last parts; the lines in `settled` have no record. */
function linesOf(parts: readonly Part[], settled: ReadonlySet<number>): TwinEntry[] {
  const lines = new Map<number, Range[]>()
  let at = 0
  for (const { bytes, line } of parts) {
    const ranges = lines.get(line) ?? []
    // the line that ends last comes last
    lines.delete(line)
    lines.set(line, [...ranges, { start: at, end: (at += bytes) }])
  }
  return Array.from(lines, ([line, ranges]) => ({
    text: Buffer.from(`line ${line}`),
    ranges,
    timestampNs: 0n,
    stream: 'none',
    route: 0,
    truncated: false,
    verdict: settled.has(line) ? 'empty' : 'ship',
  }))
}

const bytesIn = (ranges: readonly Range[]): number[] =>
  ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)).sort((a, b) => a - b)

/** The bytes that the first `records` records stand for: those of their lines, and what was settled before each. */
function bytesOfFirst(lines: readonly TwinEntry[], records: number): number[] {
  const upTo = lines.flatMap(({ verdict }, i) => (verdict === 'ship' ? [i + 1] : []))[records - 1] ?? 0
  return bytesIn(lines.slice(0, upTo).flatMap(({ ranges }) => ranges))
}

const part = fc.record({ bytes: fc.integer({ min: 1, max: 9 }), line: fc.nat(7) })

test('finishes exactly the ranges that each record stands for, however lines interleave and batches split', (t) => {
  const taken = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 8 })
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 24 }),
      fc.array(fc.nat(7)),
      taken,
      (parts, settled, steps) => {
        const lines = linesOf(parts, new Set(settled))
        watched.putEntries(lines, [])
        entries.count = lines.length
        entries.abut = false
        const mark = new Watermark({ offset: 0, skipped: 0, guard: 0 })
        const finished: Extent[] = []
        const finish = (ranges: readonly Extent[], outcome: 'stored' | 'settled'): void => {
          for (const range of ranges) {
            assert.ok(range.guard === range.end || range.guard === NO_GUARD, `${String(range.guard)} at ${range.end}`)
            mark.acknowledge(range, outcome, range.guard)
          }
          finished.push(...ranges)
        }
        const lane = new Lane({
          ...{ topic: 't', partition: 0, memory, mode: 'fire-and-forget', batchMaxBytes: 100_000, tooLarge: 'cut' },
          quota: new BatchMemory(memory.pool, () => undefined).quota(),
          onRepeats: () => undefined,
        })
        const trailing: Extent[] = []
        const what: EntriesToAppend = {
          file: FILE,
          append: slot.install(rawTemplate(FACTS, null, 'none')),
          ...{ first: 0, end: lines.length, timestamp: 0, skipped: 0, records: 0, affinity: 'always' },
          extentsOf: (first, end) => entries.rangesOf(first, end).map((range) => ({ ...range, guard: range.end })),
          guardAt: (offset) => offset,
          settled: (ranges) => void trailing.push(...ranges),
        }
        assert.ok(lane.makeRoom())
        lane.append(what, 0)
        assert.equal(what.first, lines.length)
        const batch = lane.seal()
        let gone = 0
        for (const step of [...steps, Infinity]) {
          if (batch === null || batch.records === 0) break
          const count = Math.min(step, batch.records)
          for (const { ranges } of batch.remove(count)) finish(ranges, 'stored')
          gone += count
          assert.deepEqual(bytesIn(finished), bytesOfFirst(lines, gone))
        }
        if (batch !== null) lane.remove(batch)
        finish(trailing, 'settled')
        lane.clear()
        const size = parts.reduce((sum, { bytes }) => sum + bytes, 0)
        assert.deepEqual(bytesIn(finished), bytesIn([{ start: 0, end: size }]))
        assert.equal(mark.offset, size)
      },
    ),
    seeded(t, 1000),
  )
})
