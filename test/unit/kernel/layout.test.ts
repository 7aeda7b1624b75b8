/** The kernel's two sides have the same numbers: those of the AssemblyScript side are read from its source. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import * as layout from '../../../src/kernel/layout.ts'

const SIMD = join(import.meta.dirname, '../../../src/kernel/simd')

/** The constants of a file, `export` or not, with their types stripped; they refer to no other file. */
function constantsOf(file: string): ReadonlyMap<string, number> {
  const constants = new Map<string, number>()
  const source = readFileSync(join(SIMD, file), 'utf8')
  for (const [, name = '', expression = ''] of source.matchAll(/^(?:export )?const (\w+): \w+ = ([^/\n]+)/gm)) {
    const terms = expression.trim().split(' + ')
    const factors = terms.map((term) => term.split(' * ').map((word) => constants.get(word) ?? Number(word)))
    const value = factors.reduce((sum, product) => sum + product.reduce((a, b) => a * b, 1), 0)
    assert.ok(!Number.isNaN(value), `${file}: ${name} = ${expression}`)
    constants.set(name, value)
  }
  assert.ok(constants.size > 0, `${file} has constants`)
  return constants
}

function assertSame(actual: ReadonlyMap<string, number>, expected: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(expected)) assert.equal(actual.get(name), value, name)
}

test('addresses and columns', () => {
  const { COLUMNS, COLUMN, TABLES, TABLES_BYTES } = layout
  assertSame(constantsOf('layout.ts'), {
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
    LANE: COLUMNS + COLUMN.lane,
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
  assertSame(constantsOf('entries.ts'), {
    SHIP: layout.VERDICT.ship,
    SETTLE_EMPTY: layout.VERDICT.settleEmpty,
    SETTLE_TOO_LONG: layout.VERDICT.settleTooLong,
    SETTLE_TOO_LARGE: layout.VERDICT.settleTooLarge,
    TRUNCATED: layout.FLAG.truncated,
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
  const constants = constantsOf('results.ts')
  assertSame(constants, Object.fromEntries(expected))
  assert.equal(constants.size, expected.length)
})

test('segments of the template', () => {
  const { key, raw, json } = layout.SEGMENT
  assertSame(constantsOf('template.ts'), {
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
    BYTES: json.bytes,
    SKIPPED_FIELD: json.skipped,
    FLAGS: json.flags,
    TAIL: json.tail,
  })
})

test('what lies between the columns and the tables does not overlap', () => {
  const { COLUMN, ENTRY_CAPACITY, RANGE_CAPACITY } = layout
  const columns: readonly (readonly [number, number])[] = [
    ...[COLUMN.text, COLUMN.length, COLUMN.rangeEnd, COLUMN.lane].map((at) => [at, 4 * ENTRY_CAPACITY] as const),
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
