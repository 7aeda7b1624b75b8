/** Random entries, templates and limits for the kernel's appenders, and a call of an appender in watched memory. */
import * as fc from 'fast-check'
import { jsonTemplate } from '../../src/encode/json.ts'
import { rawTemplate } from '../../src/encode/raw.ts'
import { TemplateSlot } from '../../src/encode/template.ts'
import type { RecordFacts } from '../../src/flow.ts'
import type { Append } from '../../src/kernel/kernel.ts'
import { RESULT, SLACK } from '../../src/kernel/layout.ts'
import type { AppendCall, TwinTemplate } from './twin/twin.ts'
import type { TwinEntry } from './twin/entry.ts'
import { hostileText } from './hostile-text.ts'
import { FLAGS_AND_VERDICTS, WatchedMemory } from './watched-memory.ts'

// -- entries ----------------------------------------------------------------------------------------------------------

const LATEST = 2n ** 63n - 1n
const NOON = 1_795_348_800_000_000_000n

const timestamps = fc.oneof(
  fc.constantFrom(NOON, NOON, NOON + 1n, NOON + 64_000_000n, NOON - 65_000_000n),
  fc.constantFrom(0n, 951_782_399_999_999_999n, 951_782_400_000_000_000n, 4_107_542_399_999_999_999n, LATEST),
  fc.bigInt({ min: 0n, max: LATEST }),
)

/** Sizes of ranges: small ones, those around powers of ten, and large ones. */
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.nat(3000) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(8), fc.nat(1)).map(([power, less]) => 10 ** power - less) },
  { weight: 1, arbitrary: fc.nat(2 ** 26) },
)
/** The ranges of an entry: in small files and beyond 4 GiB, some of them far apart. */
const ranges = fc
  .array(fc.tuple(fc.oneof(fc.constant(0), fc.nat(5000)), sizes), { minLength: 1, maxLength: 3 })
  .chain((parts) =>
    fc
      .oneof(fc.nat(10_000), fc.nat(10_000_000), fc.constantFrom(2 ** 32 - 1, 99_999_999, 1e8, 1e12), fc.nat(2 ** 50))
      .map((start) => {
        let end = start
        return parts.map(([gap, size]) => ({ start: (end += gap), end: (end += size) }))
      }),
  )

export const entryOf = (text: fc.Arbitrary<Buffer>): fc.Arbitrary<TwinEntry> =>
  fc.record({
    text,
    ranges,
    timestampNs: timestamps,
    stream: fc.constantFrom('none' as const, 'none' as const, 'stdout' as const, 'stderr' as const),
    route: fc.constantFrom(0, 0, 0, 1),
    truncated: fc.constantFrom(false, false, false, true),
    verdict: fc.constantFrom('ship' as const, 'ship' as const, 'ship' as const, 'empty' as const, 'too-long' as const),
  })

export const hostileEntries = fc.array(entryOf(hostileText), { maxLength: 12 })

// -- templates --------------------------------------------------------------------------------------------------------

const words = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('größe', '日本"', 'a\\b', '\n', '', '🦊', 'x'.repeat(70)),
)
const keys = fc.oneof(
  fc.constant(null),
  fc
    .constantFrom('', 'k', 'k'.repeat(15), 'k'.repeat(16), 'k'.repeat(63), 'k'.repeat(64), 'k'.repeat(300))
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
)

/** A template for both the kernel and its twin. */
export interface FileTemplate extends TwinTemplate {
  readonly facts: RecordFacts
}

export const templates: fc.Arbitrary<FileTemplate> = fc.record({
  encoding: fc.constantFrom('json' as const, 'raw' as const),
  headers: fc.constantFrom('otel' as const, 'otel' as const, 'none' as const),
  key: keys,
  facts: fc
    .record({
      file: fc.record({
        id: fc.stringMatching(/^[0-9a-f]{24}$/),
        path: fc.uint8Array({ maxLength: 90 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      }),
      agent: fc.record({ name: fc.constant('logagent'), id: words }),
      fields: fc.oneof(
        fc.constant({}),
        fc.dictionary(words, fc.oneof(words, fc.integer(), fc.boolean()), { maxKeys: 4 }),
        // more headers than one byte counts
        fc.constant(Object.fromEntries(Array.from({ length: 66 }, (_, i) => [`f${i}`, i]))),
      ),
      kubernetes: fc.option(fc.constantFrom({ namespace: 'shop', pod: { name: 'web "1"' } }), { nil: undefined }),
    })
    .map(({ kubernetes, ...facts }) => (kubernetes === undefined ? facts : { ...facts, kubernetes })),
})

// -- a call -----------------------------------------------------------------------------------------------------------

/** The results of a call, from the results block. */
export interface Outcome {
  readonly bytes: Buffer
  readonly count: number
  readonly sizes: readonly number[]
  readonly settledBefore: readonly number[]
  readonly next: number
  readonly consumed: number
  readonly invalid: number
  readonly cut: number
  readonly cutBytes: number
  readonly tooLarge: number
  readonly tooLargeAt: number
  readonly settledLines: number
  readonly settledBytes: number
  readonly skipped: number
  readonly maxTimestamp: number
}

export class Appending {
  readonly watched: WatchedMemory
  readonly #slot: TemplateSlot

  constructor(chunk: number, buffer?: number) {
    this.watched = new WatchedMemory(chunk, buffer)
    this.#slot = new TemplateSlot(this.watched.memory)
  }

  install({ encoding, facts, key, headers }: FileTemplate): Append {
    return this.#slot.install(encoding === 'json' ? jsonTemplate(facts, key) : rawTemplate(facts, key, headers))
  }

  /**
   * Makes one call, in a buffer that ends `end` bytes before the memory does. Throws if a byte changes that must not
   * change: before or behind the buffer, or in the sizes of earlier records.
   */
  call(append: Append, what: AppendCall, end = 0): Outcome {
    const { memory, pool } = this.watched
    const bufferEnd = pool.to - end
    const out = bufferEnd - what.bufferEnd
    const count = this.watched.watch(
      () =>
        append(
          what.first,
          what.end,
          what.route,
          out,
          out + what.limit,
          bufferEnd,
          what.index,
          what.baseTimestamp,
          what.maxRecord,
          what.drop ? 1 : 0,
          what.skipped,
        ),
      () => {
        const cells = bufferEnd - 8 * (what.index + memory.result(RESULT.records))
        // the call may have tried a record without room behind the last one
        const free = { from: out, to: Math.max(out, Math.min(out + what.limit + SLACK, cells)) }
        return [FLAGS_AND_VERDICTS, free, { from: cells, to: bufferEnd - 8 * what.index }]
      },
    )
    const column = (at: 0 | 4): number[] =>
      Array.from({ length: count }, (_, i) => memory.bytes.readUInt32LE(bufferEnd - 8 * (what.index + i + 1) + at))
    return {
      bytes: Buffer.from(memory.view(out, memory.result(RESULT.out) - out)),
      count,
      sizes: column(0),
      settledBefore: column(4),
      next: memory.result(RESULT.next),
      consumed: memory.result(RESULT.consumed),
      invalid: memory.result(RESULT.invalid),
      cut: memory.result(RESULT.cut),
      cutBytes: memory.result(RESULT.cutBytes),
      tooLarge: memory.result(RESULT.oversize),
      tooLargeAt: memory.result(RESULT.oversizeAt),
      settledLines: memory.result(RESULT.settledLines),
      settledBytes: memory.result(RESULT.settledBytes),
      skipped: memory.result(RESULT.skipped),
      maxTimestamp: memory.result(RESULT.maxTimestamp),
    }
  }
}
