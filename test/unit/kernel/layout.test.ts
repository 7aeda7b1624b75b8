/** TypeScript's groups name the numbers that the kernel is compiled with, and nothing overlaps. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as layout from '../../../src/kernel/layout.ts'
import * as simd from '../../../src/kernel/simd/layout.ts'

const SIMD = join(import.meta.dirname, '../../../src/kernel/simd')

function assertSame(expected: Readonly<Record<string, number>>): void {
  const numbers = new Map<string, number>(Object.entries(simd))
  for (const [name, value] of Object.entries(expected)) assert.equal(numbers.get(name), value, name)
}

test('the kernel has no number of both sides but those of simd/layout.ts', () => {
  const names = new Set(Object.keys(simd))
  const repeated = readdirSync(SIMD)
    .filter((file) => file.endsWith('.ts') && file !== 'layout.ts')
    .flatMap((file) => {
      const source = readFileSync(join(SIMD, file), 'utf8')
      return Array.from(source.matchAll(/^(?:export )?const (\w+)\b/gm), ([, name = '']) => `${file}: ${name}`)
    })
    .filter((constant) => names.has(constant.split(': ')[1] ?? ''))
  assert.deepEqual(repeated, [])
})

test('addresses and columns', () => {
  const { COLUMNS, COLUMN, TABLES, TABLES_BYTES } = layout
  assertSame({
    RESULTS: layout.RESULTS,
    TEMPLATE: layout.TEMPLATE,
    TIMESTAMP_TEXT: layout.TIMESTAMP_TEXT,
    COLUMNS,
    ENTRY_CAPACITY: layout.ENTRY_CAPACITY,
    RANGE_CAPACITY: layout.RANGE_CAPACITY,
    SLACK: layout.SLACK,
    TEXT: COLUMNS + COLUMN.text,
    LENGTH: COLUMNS + COLUMN.length,
    RANGE_END: COLUMNS + COLUMN.rangeEnd,
    ROUTE: COLUMNS + COLUMN.route,
    TIMESTAMP: COLUMNS + COLUMN.timestamp,
    STREAM: COLUMNS + COLUMN.stream,
    FLAGS: COLUMNS + COLUMN.flags,
    VERDICT: COLUMNS + COLUMN.verdict,
    RANGE_START: COLUMNS + COLUMN.rangeStart,
    RANGE_STOP: COLUMNS + COLUMN.rangeStop,
    TABLES,
    TABLES_END: TABLES + TABLES_BYTES,
  })
})

test('verdicts, flags and streams', () => {
  assertSame({
    SHIP: layout.VERDICT.ship,
    SETTLE_EMPTY: layout.VERDICT.settleEmpty,
    SETTLE_TOO_LONG: layout.VERDICT.settleTooLong,
    SETTLE_TOO_LARGE: layout.VERDICT.settleTooLarge,
    TRUNCATED: layout.FLAG.truncated,
    NO_STREAM: layout.STREAM.none,
    STDOUT: layout.STREAM.stdout,
    STDERR: layout.STREAM.stderr,
  })
})

test('results', () => {
  // maxTimestamp is MAX_TIMESTAMP there
  const expected = Object.entries(layout.RESULT).map(([name, slot]) => [
    name.replace(/[A-Z]/g, '_$&').toUpperCase(),
    slot,
  ])
  assertSame(Object.fromEntries(expected))
  const source = readFileSync(join(SIMD, 'layout.ts'), 'utf8')
  const [, slots = ''] = /^\/\/ Slots of the results block[^\n]*\n(.*?)\n\n/ms.exec(source) ?? []
  assert.equal(slots.split('\n').length, expected.length)
})

test('segments of the template', () => {
  const { key, raw, json } = layout.SEGMENT
  assertSame({
    KEY: key,
    HEADERS: raw.headers,
    OFFSET_NAME: raw.offset,
    BYTES_NAME: raw.bytes,
    SKIPPED_NAME: raw.skipped,
    TRUNCATED_HEADER: raw.truncated,
    STDOUT_HEADER: raw.stdout,
    STDERR_HEADER: raw.stderr,
    HEADER_COUNT: raw.headerCount,
    HEAD: json.head,
    MESSAGE: json.message,
    STDOUT_FIELD: json.stdout,
    STDERR_FIELD: json.stderr,
    LOG: json.log,
    BYTES_FIELD: json.bytes,
    SKIPPED_FIELD: json.skipped,
    FLAGS_FIELD: json.flags,
    TAIL: json.tail,
  })
})

test('what lies between the columns and the tables does not overlap', () => {
  const { COLUMN, ENTRY_CAPACITY, RANGE_CAPACITY } = layout
  const columns: readonly (readonly [number, number])[] = [
    ...[COLUMN.text, COLUMN.length, COLUMN.rangeEnd, COLUMN.route].map((at) => [at, 4 * ENTRY_CAPACITY] as const),
    [COLUMN.timestamp, 8 * ENTRY_CAPACITY],
    ...[COLUMN.stream, COLUMN.flags, COLUMN.verdict].map((at) => [at, ENTRY_CAPACITY] as const),
    ...[COLUMN.rangeStart, COLUMN.rangeStop].map((at) => [at, 8 * RANGE_CAPACITY] as const),
  ]
  let end = 0
  for (const [at, bytes] of columns) {
    assert.ok(at >= end)
    assert.equal(at % 8 === 0 || bytes === ENTRY_CAPACITY, true)
    end = at + bytes
  }
  assert.equal(end, COLUMN.end)
  const inOrder = [
    8 * (layout.RESULT.maxTimestamp + 1) + layout.RESULTS,
    layout.TEMPLATE,
    layout.TEMPLATE + 8 * 16,
    layout.TIMESTAMP_TEXT,
    layout.TIMESTAMP_TEXT + 32,
    layout.COLUMNS,
  ]
  assert.deepEqual(
    inOrder,
    inOrder.toSorted((a, b) => a - b),
  )
})
