import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { MEDIUM, SMALL } from '../../../../src/kernel/layout.ts'
import { BufferPool, type PooledBuffer, type SizeClass } from '../../../../src/kernel/pool.ts'
import { BatchMemory, type Quota } from '../../../../src/output/producer/batch-memory.ts'
import { seeded } from '../../../support/seed.ts'

const LARGE = 2 * MEDIUM

/** A pool of `count` large buffers, and `led` quotas that have a leader. */
function memoryOf(buffers: number, led: number) {
  const freed = { times: 0 }
  const pool = new BufferPool({ address: 0, bytes: buffers * LARGE, largest: LARGE })
  const memory = new BatchMemory(pool, () => void freed.times++)
  const quotas = Array.from({ length: led }, () => memory.quota())
  for (const quota of quotas) quota.leader = 1
  return { memory, pool, quotas, freed }
}

/** Take buffers until none is given. */
function takeAll(quota: Quota, sizeClass: SizeClass): PooledBuffer[] {
  const buffers: PooledBuffer[] = []
  for (let buffer = quota.take(sizeClass); buffer !== null; buffer = quota.take(sizeClass)) buffers.push(buffer)
  return buffers
}

describe('the memory for batches', () => {
  test('gives one lane a quarter at most', () => {
    const { pool, quotas } = memoryOf(8, 1)
    const buffers = takeAll(quotas[0]!, 'large')
    assert.equal(buffers.length, 2)
    assert.equal(quotas[0]!.heldBytes, pool.total / 4)
    assert.equal(quotas[0]!.take('small'), null)
    quotas[0]!.give(buffers[0]!)
    assert.equal(takeAll(quotas[0]!, 'small').length, LARGE / SMALL)
  })

  test('gives a lane that holds nothing else the largest, however small the pool is', () => {
    for (const count of [1, 2, 3]) {
      const { quotas } = memoryOf(count, 5)
      const small = quotas[0]!.take('small')!
      quotas[0]!.give(small)
      const large = quotas[0]!.take('large')
      assert.ok(large !== null, `of ${count}`)
    }
  })

  test('lets the only buffer of a lane grow in place of itself', () => {
    const { pool, quotas } = memoryOf(2, 1)
    const small = quotas[0]!.take('small')!
    assert.equal(quotas[0]!.take('large'), null, 'beside it')
    const large = quotas[0]!.take('large', { instead: small })
    assert.ok(large !== null)
    quotas[0]!.give(small)
    assert.equal(quotas[0]!.heldBytes, LARGE)
    quotas[0]!.give(large)
    assert.equal(pool.freeBytes, pool.total)
  })

  test('keeps one small buffer back for each lane that has a leader and holds nothing', () => {
    const { pool, quotas } = memoryOf(8, 40)
    for (const quota of quotas.slice(0, 8)) takeAll(quota, 'large')
    assert.ok(pool.freeBytes >= 32 * SMALL, `${pool.freeBytes} bytes are left`)
    for (const quota of quotas.slice(0, 8)) takeAll(quota, 'small')
    for (const quota of quotas.slice(8)) assert.ok(quota.take('small') !== null)
  })

  test('has a large buffer for a lane that comes after the others have taken all they may', () => {
    const { memory, quotas } = memoryOf(15, 5)
    for (const quota of quotas) takeAll(quota, 'large')
    for (const quota of quotas) takeAll(quota, 'small')
    const late = memory.quota()
    late.leader = 2
    assert.ok(late.take('large') !== null)
  })

  test('keeps nothing back for a lane without a leader, and reports room when a lane loses its leader', () => {
    const { memory, quotas, freed, pool } = memoryOf(4, 4)
    for (const quota of quotas.slice(0, 3)) takeAll(quota, 'small')
    const rest = pool.freeBytes - SMALL
    const other = memory.quota()
    other.leader = 1
    const held = takeAll(other, 'small')
    assert.ok(held.length * SMALL <= rest)
    memory.turnedAway()
    const before = quotas[0]!.take('small')
    assert.equal(before, null)
    quotas[3]!.leader = -1
    assert.equal(freed.times, 1)
  })

  test('gives out at least half of the pool, with more lanes than it has small buffers', () => {
    const { pool, quotas } = memoryOf(4, 1000)
    for (const quota of quotas.slice(0, 4)) takeAll(quota, 'medium')
    assert.equal(pool.freeBytes, pool.total / 2)
    let served = 0
    for (const quota of quotas.slice(4)) if (quota.take('small') !== null) served++
    assert.equal(served, pool.total / 2 / SMALL, 'the other half serves lanes that hold nothing')
    assert.equal(pool.freeBytes, 0)
  })

  test('leaves half of the pool to lanes whose records are stored', () => {
    const { pool, quotas } = memoryOf(16, 9)
    for (const quota of quotas.slice(0, 8)) {
      quota.stalled = true
      takeAll(quota, 'large')
    }
    assert.equal(pool.freeBytes, pool.total / 2)
    assert.ok(takeAll(quotas[8]!, 'large').length > 0)
    const late = quotas[7]!
    assert.equal(late.heldBytes, 0)
    assert.ok(late.take('small') !== null, 'the buffer that was kept back for it is its own')
    assert.equal(late.take('small'), null)
    late.stalled = false
    assert.ok(late.take('small') !== null)
  })

  for (const [brokers, part] of [
    [2, 2],
    [3, 3],
    [5, 3],
  ] as const) {
    test(`leaves the lanes of one broker of ${brokers} no more than a ${part === 2 ? 'half' : 'third'}`, () => {
      const { pool, quotas } = memoryOf(24, 4 * brokers)
      for (const [index, quota] of quotas.entries()) quota.leader = index % brokers
      const [mine, others] = [0, 1].map((leader) => quotas.filter((quota) => quota.leader === leader))
      for (const quota of mine!) takeAll(quota, 'large')
      const held = (): number => mine!.reduce((sum, quota) => sum + quota.heldBytes, 0)
      assert.equal(held(), pool.total / part)
      assert.ok(takeAll(others![0]!, 'medium').length > 0, 'a lane of another broker has room for a large record')
      // a broker that leads no lane any more does not count
      const [late] = mine!
      late!.leader = 1
      assert.ok(mine![2]!.take('medium') !== null)
    })
  }

  test('gives a lane that holds nothing what its next record needs, whatever the other lanes of its broker hold', () => {
    const { pool, quotas } = memoryOf(24, 8)
    for (const [index, quota] of quotas.entries()) quota.leader = index % 2
    for (const quota of [quotas[0]!, quotas[2]!]) takeAll(quota, 'large')
    const late = quotas[4]!
    assert.equal(late.take('large'), null)
    assert.equal(late.refusal, 'broker')
    assert.ok(late.take('large', { needed: true }) !== null)
    assert.equal(late.take('large', { needed: true }), null, 'that was one')
    assert.ok(pool.freeBytes > pool.total / 3)
  })

  test('gives a lane that holds nothing the largest buffer, however small the pool and the part of its broker are', () => {
    const { quotas } = memoryOf(2, 4)
    for (const [index, quota] of quotas.entries()) quota.leader = index
    assert.ok(quotas[0]!.take('large', { needed: true }) !== null)
  })

  test('reports room once after a refusal, as soon as a buffer is given back or a lane is not stalled any more', () => {
    const { memory, quotas, freed } = memoryOf(8, 2)
    const buffers = takeAll(quotas[0]!, 'large')
    quotas[0]!.give(buffers.pop()!)
    assert.equal(freed.times, 0, 'nobody waits')
    memory.turnedAway()
    memory.turnedAway()
    quotas[0]!.give(buffers.pop()!)
    assert.equal(freed.times, 1)
    quotas[1]!.stalled = true
    memory.turnedAway()
    quotas[1]!.stalled = false
    assert.equal(freed.times, 2)
  })

  test('counts a buffer that is handed to another lane', () => {
    const { quotas, pool } = memoryOf(8, 2)
    const [from, to] = [quotas[0]!, quotas[1]!]
    const buffer = from.take('large')!
    from.stalled = true
    from.hand(buffer, to)
    assert.deepEqual([from.heldBytes, to.heldBytes], [0, LARGE])
    to.give(buffer)
    assert.equal(pool.freeBytes, pool.total)
  })

  test('never starves a lane, whatever the others take and give', (t) => {
    const sizes = fc.constantFrom<SizeClass>('small', 'medium', 'large')
    const step = fc.oneof(
      fc.record({ take: sizes, who: fc.nat(11) }),
      fc.record({ give: fc.nat(), who: fc.nat(11) }),
      fc.record({ stalled: fc.boolean(), who: fc.nat(11) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: 'max' }), fc.integer({ min: 1, max: 4 }), (steps, brokers) => {
        const { pool, quotas } = memoryOf(6, 12)
        for (const [index, quota] of quotas.entries()) quota.leader = index % brokers
        const held = quotas.map((): PooledBuffer[] => [])
        for (const step of steps) {
          const quota = quotas[step.who]!
          const own = held[step.who]!
          if ('take' in step) {
            const first = quota.heldBytes === 0
            const buffer = quota.take(step.take)
            if (buffer !== null) own.push(buffer)
            else assert.ok(!first || step.take !== 'small', 'a lane with nothing got nothing')
            if (!first) assert.ok(quota.heldBytes <= pool.total / 4 || own.length === 1)
          } else if ('give' in step) {
            const [buffer] = own.splice(step.give % Math.max(1, own.length), 1)
            if (buffer !== undefined) quota.give(buffer)
          } else quota.stalled = step.stalled
          assert.equal(pool.freeBytes, pool.total - quotas.reduce((sum, quota) => sum + quota.heldBytes, 0))
        }
        for (const [who, quota] of quotas.entries()) for (const buffer of held[who]!) quota.give(buffer)
        assert.equal(pool.freeBytes, pool.total)
        for (const quota of quotas) quota.stalled = false
        assert.ok(quotas[0]!.take('large') !== null, 'everything is as it was')
      }),
      seeded(t, 300),
    )
  })
})
