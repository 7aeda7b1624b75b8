import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MEDIUM, SMALL } from '../../../src/kernel/layout.ts'
import { BufferPool, type PooledBuffer, type SizeClass } from '../../../src/kernel/pool.ts'
import { seeded } from '../../support/seed.ts'

const LARGE = 4 * MEDIUM
const ADDRESS = 1 << 20

const poolOf = (large: number): BufferPool =>
  new BufferPool({ address: ADDRESS, bytes: large * LARGE + 777, largest: LARGE - 5 })

function taken(pool: BufferPool, sizeClass: SizeClass): PooledBuffer {
  const buffer = pool.take(sizeClass)
  assert.ok(buffer)
  return buffer
}

test('a large buffer splits into medium ones and those into small ones', () => {
  const pool = poolOf(1)
  const small = taken(pool, 'small')
  assert.deepEqual([small.address, small.bytes], [ADDRESS, SMALL])
  assert.equal(pool.take('large'), null)
  const mediums = [pool.take('medium'), pool.take('medium'), pool.take('medium'), pool.take('medium')]
  assert.deepEqual(
    mediums.map((buffer) => buffer?.address),
    [ADDRESS + MEDIUM, ADDRESS + 2 * MEDIUM, ADDRESS + 3 * MEDIUM, undefined],
  )
  for (let i = 1; i < MEDIUM / SMALL; i++) assert.equal(pool.take('small')?.address, ADDRESS + i * SMALL)
  assert.equal(pool.take('small'), null)
  assert.equal(pool.freeBytes, 0)
})

test('parts are joined when the last of them is released', () => {
  const pool = poolOf(1)
  const first = taken(pool, 'small')
  const others = Array.from({ length: LARGE / SMALL - 1 }, () => taken(pool, 'small'))
  for (const buffer of others) pool.release(buffer)
  assert.equal(pool.take('large'), null)
  pool.release(first)
  assert.equal(pool.take('large')?.address, ADDRESS)
})

test('the lowest address is given out first', () => {
  const pool = poolOf(3)
  const first = taken(pool, 'large')
  assert.equal(first.address, ADDRESS)
  assert.equal(pool.take('large')?.address, ADDRESS + LARGE)
  pool.release(first)
  assert.equal(pool.take('small')?.address, ADDRESS)
})

test('releasing a buffer twice throws, also if it has been joined to another meanwhile', () => {
  const pool = poolOf(1)
  const small = taken(pool, 'small')
  pool.release(small)
  assert.throws(() => pool.release(small))
  const large = taken(pool, 'large')
  assert.throws(() => pool.release(small))
  pool.release(large)
  assert.throws(() => pool.release(large))
  assert.equal(pool.freeBytes, pool.total)
})

test('a region too small for one large buffer is a RangeError', () => {
  assert.throws(() => new BufferPool({ address: 0, bytes: LARGE - 1, largest: LARGE }), RangeError)
  assert.throws(() => new BufferPool({ address: 0, bytes: -5, largest: 1 }), RangeError)
})

test('in any order of take and release, buffers never overlap and none is lost', (t) => {
  const step = fc.oneof(fc.constantFrom<SizeClass>('small', 'small', 'small', 'medium', 'large'), fc.nat(200))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const pool = poolOf(3)
      const held: PooledBuffer[] = []
      for (const step of steps) {
        if (typeof step === 'string') {
          const buffer = pool.take(step)
          if (buffer !== null) held.push(buffer)
          // if that many bytes are free and no block is split, there is a buffer
          else assert.ok(held.length > 0)
        } else for (const buffer of held.splice(step % Math.max(1, held.length), 1)) pool.release(buffer)
        assertApart(pool, held)
      }
      for (const buffer of held) pool.release(buffer)
      assert.deepEqual(
        [pool.take('large'), pool.take('large'), pool.take('large')].map((buffer) => buffer?.bytes),
        [LARGE, LARGE, LARGE],
      )
    }),
    seeded(t, 500),
  )
})

function assertApart(pool: BufferPool, held: readonly PooledBuffer[]): void {
  let end = ADDRESS
  for (const { address, bytes, sizeClass } of held.toSorted((a, b) => a.address - b.address)) {
    assert.equal(bytes, pool.sizes[sizeClass])
    assert.ok(address >= end)
    end = address + bytes
  }
  assert.ok(end <= ADDRESS + pool.total)
  assert.equal(pool.freeBytes, pool.total - held.reduce((sum, { bytes }) => sum + bytes, 0))
}
