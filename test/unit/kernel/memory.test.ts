import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GUARD_BYTES, SLACK, TABLES, TABLES_BYTES } from '../../../src/kernel/layout.ts'
import { LinearMemory } from '../../../src/kernel/memory.ts'
import { MEDIUM, SMALL } from '../../../src/kernel/layout.ts'

const MIB = 1024 * 1024
const SIZES = [
  { total: 16 * MIB, chunk: 320 * 1024, largest: 1_016_384 },
  { total: 16 * MIB + 12_345, chunk: 65_537, largest: 1 },
  { total: 5 * MIB, chunk: 70_001, largest: 2 * MIB },
  { total: 2 * MIB, chunk: 64 * 1024, largest: 300_000 },
]

test('regions are in order, with slack between them, and all within the memory', () => {
  for (const sizes of SIZES) {
    const { bytes, templateText, chunk, pool } = new LinearMemory(sizes)
    assert.ok(bytes.length <= sizes.total && bytes.length > sizes.total - 65536)
    assert.ok(templateText.pointer >= TABLES + TABLES_BYTES)
    assert.ok(templateText.pointer + templateText.length + SLACK + GUARD_BYTES <= chunk.pointer)
    assert.ok(chunk.length >= sizes.chunk)
    const taken = Array.from({ length: 200 }, () => pool.take('large')).filter((buffer) => buffer !== null)
    assert.equal(
      taken.reduce((sum, buffer) => sum + buffer.bytes, 0),
      pool.total,
    )
    assert.ok(Math.min(...taken.map(({ address }) => address)) >= chunk.pointer + chunk.length + SLACK)
    assert.ok(Math.max(...taken.map(({ address, bytes }) => address + bytes)) <= bytes.length)
  }
})

test('most of the memory is the pool', () => {
  const { pool } = new LinearMemory({ total: 16 * MIB, chunk: 320 * 1024, largest: 1_016_384 })
  assert.ok(pool.total >= 14 * MIB)
})

test('a buffer holds the largest possible record, with its size and the slack', () => {
  const batchMaxBytes = 1_000_000
  const { pool } = new LinearMemory({ total: 16 * MIB, chunk: 1, largest: batchMaxBytes + 16 * 1024 })
  assert.ok(pool.sizes.large >= batchMaxBytes + SLACK + 4)
  assert.deepEqual([pool.sizes.small, pool.sizes.medium], [SMALL, MEDIUM])
})

test('a memory too small for one buffer is a RangeError', () => {
  assert.throws(() => new LinearMemory({ total: MIB, chunk: 320 * 1024, largest: MIB }), RangeError)
  assert.throws(() => new LinearMemory({ total: 2 * MIB, chunk: 16 * MIB, largest: MIB }), RangeError)
})

test('two memories are independent', () => {
  const [one, two] = [new LinearMemory(SIZES[0]!), new LinearMemory(SIZES[0]!)]
  one.view(one.chunk.pointer, 6).write('a\nb\nc\n')
  assert.equal(one.kernel.frameLines(one.chunk.pointer, 6, 0, 0, 100, 0, 0n), 3)
  assert.equal(two.kernel.frameLines(two.chunk.pointer, 6, 0, 0, 100, 0, 0n), 0)
})
