import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MEDIUM } from '../../../../src/kernel/layout.ts'
import { BufferPool, type PooledBuffer } from '../../../../src/kernel/pool.ts'
import { BatchMemory } from '../../../../src/output/producer/batch-memory.ts'
import { ReadMemory } from '../../../../src/output/producer/read-memory.ts'

/** Medium buffers in a large one. */
const PIECES = 8
const LARGE = PIECES * MEDIUM

function scene(buffers: number) {
  const freed = { times: 0 }
  const pool = new BufferPool({ address: 0, bytes: buffers * LARGE, largest: LARGE })
  const memory = new BatchMemory(pool, () => void freed.times++)
  return { pool, memory, freed, reads: new ReadMemory(memory) }
}

function takeAll(reads: ReadMemory, largest = false): PooledBuffer[] {
  const buffers: PooledBuffer[] = []
  for (let buffer = reads.take(largest); buffer !== null; buffer = reads.take(largest)) buffers.push(buffer)
  return buffers
}

void test('reads have a quarter of the pool together, in pieces that do not overlap', () => {
  const { pool, reads } = scene(16)
  const pieces = takeAll(reads)
  assert.equal(pieces.length, 4 * PIECES)
  assert.equal(pool.freeBytes, (pool.total * 3) / 4)
  const addresses = pieces.map(({ address }) => address).sort((a, b) => a - b)
  assert.ok(addresses.every((address, index) => address === index * MEDIUM))
  assert.ok(pieces.every(({ bytes }) => bytes === MEDIUM))
  for (const piece of pieces.reverse()) reads.give(piece)
  assert.equal(pool.freeBytes, pool.total)
})

void test('eight reads that hang keep one large buffer, and the rest of the pool is joined again', () => {
  const { pool, reads } = scene(7)
  const smalls: PooledBuffer[] = []
  const hung: PooledBuffer[] = []
  for (let n = 0; n < 8; n++) {
    const [piece, other] = [reads.take(false), reads.take(false)]
    assert.ok(piece)
    hung.push(piece)
    if (other !== null) reads.give(other)
    for (let m = 0; m < 20; m++) smalls.push(pool.take('small')!)
  }
  for (const small of smalls) pool.release(small)
  assert.equal(hung.length, PIECES)
  const larges = Array.from({ length: 7 }, () => pool.take('large')).filter((buffer) => buffer !== null)
  assert.equal(larges.length, 6)
})

void test('a lone read touches the same memory again and again', () => {
  const { reads } = scene(7)
  const addresses = new Set<number>()
  for (let n = 0; n < 10; n++) {
    const piece = reads.take(false)
    assert.ok(piece)
    addresses.add(piece.address)
    reads.give(piece)
  }
  assert.equal(addresses.size, 1)
})

void test('a long line is read into a whole buffer, also while all pieces are lent', () => {
  const { pool, reads } = scene(7)
  assert.equal(takeAll(reads).length, PIECES)
  const whole = reads.take(true)
  assert.equal(whole?.bytes, LARGE)
  assert.equal(reads.take(true), null)
  assert.ok(whole)
  reads.give(whole)
  assert.equal(pool.freeBytes, pool.total - LARGE)
  assert.ok(reads.take(true))
})

void test('while many long reads hang, others get their buffer', () => {
  const { reads } = scene(7)
  assert.equal(takeAll(reads, true).length, 1)
  assert.equal(takeAll(reads).length, PIECES)
})

void test('half of the pool is left to batches, however small it is', () => {
  for (const buffers of [2, 3, 4, 5, 16]) {
    const { pool, reads, memory } = scene(buffers)
    takeAll(reads, true)
    takeAll(reads)
    assert.ok(pool.freeBytes >= pool.total / 2, `of ${buffers}`)
    const lane = memory.quota()
    lane.leader = 1
    assert.ok(lane.take('large'), `of ${buffers}`)
  }
})

void test('buffers that are kept back for lanes that hold nothing are not lent', () => {
  const { pool, reads, memory } = scene(4)
  const lanes = Array.from({ length: 40 }, () => memory.quota())
  for (const lane of lanes) lane.leader = 1
  const others = Array.from({ length: 3 }, () => pool.take('large')!)
  assert.equal(reads.take(false), null)
  assert.ok(lanes.every((lane) => lane.take('small') !== null))
  for (const buffer of others) pool.release(buffer)
  assert.ok(reads.take(false))
})

void test('after a refusal, room is reported when a read has returned, or a batch is stored', () => {
  const { reads, memory, freed } = scene(7)
  const [one, ...others] = takeAll(reads)
  const lane = memory.quota()
  const batch = lane.take('small')
  assert.ok(one && batch)
  reads.give(one)
  assert.equal(freed.times, 1)
  assert.ok(reads.take(false))
  assert.equal(reads.take(false), null)
  lane.give(batch)
  assert.equal(freed.times, 2)
  for (const piece of others) reads.give(piece)
  assert.equal(freed.times, 2, 'nobody waits any more')
  assert.throws(() => reads.give(others[0]!), /twice/)
})
