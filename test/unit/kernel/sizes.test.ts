import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { LinearMemory } from '../../../src/kernel/memory.ts'
import { leastBufferBytes, memorySizes } from '../../../src/kernel/sizes.ts'
import { seeded } from '../../support/seed.ts'

const MiB = 2 ** 20

test('the least size is enough, and a page less is not', (t) => {
  const needs = fc.record({
    maxLineBytes: fc.integer({ min: 1, max: 16 * MiB }),
    batchMaxBytes: fc.integer({ min: 1024, max: 8 * MiB }),
    compressed: fc.boolean(),
  })
  fc.assert(
    fc.property(needs, (needs) => {
      const least = leastBufferBytes(needs)
      const { pool, chunk } = new LinearMemory(memorySizes(least, needs))
      assert.ok(chunk.length > needs.maxLineBytes)
      assert.ok(pool.sizes.large >= needs.batchMaxBytes)
      assert.ok(pool.take('large') !== null && pool.take('large') !== null, 'two of the largest')
      const less = memorySizes(least - (needs.compressed ? 2 : 1) * 65_536, needs)
      assert.ok(new LinearMemory(less).pool.total < 2 * pool.sizes.large)
    }),
    seeded(t, 60),
  )
})

test('the defaults leave most of the memory to batches', () => {
  const needs = { maxLineBytes: 256 * 1024, batchMaxBytes: 1_000_000, compressed: false }
  const { total, largest } = memorySizes(16 * MiB, needs)
  const { pool } = new LinearMemory({ ...memorySizes(16 * MiB, needs) })
  assert.ok(pool.total > 0.85 * total, `${pool.total} of ${total}`)
  assert.ok(pool.sizes.large >= largest)
})
