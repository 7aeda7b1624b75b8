import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { BatchMemory } from '../../../../src/output/producer/batch-memory.ts'
import { Appended } from '../../../../src/output/producer/entries-to-append.ts'
import { Lane } from '../../../../src/output/producer/lane.ts'
import { MadeFile, smallMemory, valuesOf } from '../../../support/made-file.ts'
import type { LinearMemory } from '../../../../src/kernel/memory.ts'

const KIB = 1024

function laneOn(memory: LinearMemory, { batchMaxBytes = 200 * KIB } = {}): Lane {
  const quota = new BatchMemory(memory.pool, () => undefined).quota()
  return new Lane({
    ...{ topic: 't', partition: 0, memory, quota, mode: 'idempotent', batchMaxBytes },
    tooLarge: 'cut',
    onRepeats: () => undefined,
  })
}

const classOf = (lane: Lane): string | undefined => lane.open?.buffer.sizeClass

/** Append as the producer does, until all is taken or there is no memory. Returns the values by sealed batch. */
function fill(lane: Lane, file: MadeFile): string[][] {
  const sealed: string[][] = []
  while (file.waiting > 0 && lane.makeRoom()) {
    file.appendTo(lane, 5)
    if (file.waiting > 0 && !lane.enlarge()) sealed.push(seal(lane))
  }
  return sealed
}

function seal(lane: Lane): string[] {
  const batch = lane.seal()!
  batch.sending = batch.records
  return valuesOf(
    batch.payload().length > 0
      ? Buffer.concat(batch.stamp({ producerId: 1, epoch: 0, sequence: 0 }))
      : Buffer.alloc(61),
  )
}

let memory: LinearMemory
beforeEach(() => (memory = smallMemory({ largest: 200 * KIB })))
afterEach(() => assert.equal(memory.pool.freeBytes, memory.pool.total, 'memory was not given back'))

describe('a lane', () => {
  test('appends the entries in order, and says which it took', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write('one', '', 'two', '')
    assert.ok(lane.makeRoom())
    const what = file.appendRequest()
    assert.deepEqual(lane.append(what, 5), Object.assign(new Appended(), { records: 2, bytes: 9 }))
    assert.deepEqual([what.first, what.skipped, what.records], [4, 1, 2])
    assert.deepEqual(file.receipts, [{ start: 9, end: 10, records: 0, outcome: 'settled' }])
    assert.equal(lane.open?.openedAt, 5)
    assert.equal(lane.idle, false)
    assert.deepEqual(seal(lane), ['one', 'two'])
    lane.clear()
  })

  test('stays idle with nothing but settled bytes', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write('', '')
    lane.makeRoom()
    const what = file.appendRequest()
    lane.append(what, 5)
    assert.equal(what.skipped, 2)
    assert.ok(lane.idle)
    assert.equal(lane.seal(), null)
    lane.releaseEmpty()
    assert.equal(lane.quota.heldBytes, 0)
  })

  test('grows a batch through all classes of buffers, and begins the next one where this one ended', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    const lines = Array.from({ length: 3000 }, (_, index) => `${index} ${'x'.repeat(90)}`)
    file.write(...lines)
    const sealed = fill(lane, file)
    assert.equal(classOf(lane), 'large')
    const rest = seal(lane)
    assert.deepEqual([...sealed.flat(), ...rest], lines)
    assert.equal(sealed.length, 1)
    assert.equal(lane.queue[0]!.buffer.sizeClass, 'large')
    assert.ok(lane.queue[0]!.bytes <= 200 * KIB && lane.queue[0]!.bytes > 199 * KIB)
    lane.remove(lane.queue[0]!)
    lane.makeRoom()
    assert.equal(classOf(lane), 'medium', 'the last one was only half full')
    lane.clear()
  })

  test('seals a smaller batch where it may not have a larger buffer', () => {
    const lane = laneOn(memory)
    const others = Array.from({ length: 7 }, () => memory.pool.take('large')!)
    const last = Array.from({ length: 15 }, () => memory.pool.take('small')!)
    const file = new MadeFile(memory, 'a')
    file.write(...Array.from({ length: 300 }, () => 'x'.repeat(90)))
    const sealed = fill(lane, file)
    assert.equal(lane.queue[0]?.buffer.sizeClass, 'small')
    assert.ok(sealed.length === 1 && lane.open === null, 'and waits for memory')
    for (const buffer of [...others, ...last]) memory.pool.release(buffer)
    fill(lane, file)
    assert.equal(file.waiting, 0)
    lane.clear()
  })

  test('finds a buffer for a record that fits in no smaller one, and waits for one of that size', () => {
    const lane = laneOn(memory)
    const others = Array.from({ length: 8 }, () => memory.pool.take('large')!)
    memory.pool.release(others.pop()!)
    const small = memory.pool.take('small')!
    const file = new MadeFile(memory, 'a')
    file.write('y'.repeat(150 * KIB))
    assert.deepEqual(fill(lane, file), [])
    assert.equal(lane.open, null, 'it holds nothing meanwhile')
    assert.equal(lane.makeRoom(), false, 'a medium one would do no good')
    memory.pool.release(small)
    assert.deepEqual(fill(lane, file), [])
    assert.equal(file.waiting, 0)
    assert.equal(seal(lane)[0]?.length, 150 * KIB)
    lane.remove(lane.queue[0]!)
    const last = memory.pool.take('large')!
    const rest = memory.pool.take('small')
    assert.equal(rest, null)
    memory.pool.release(others.pop()!)
    others.push(...Array.from({ length: 15 }, () => memory.pool.take('small')!), last)
    assert.ok(lane.makeRoom(), 'afterwards a smaller one will do again')
    assert.equal(classOf(lane), 'small')
    lane.clear()
    for (const buffer of others) memory.pool.release(buffer)
  })

  test('waits for a buffer of the right size while it has records, too', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write(...Array.from({ length: 1900 }, () => 'x'.repeat(90)))
    fill(lane, file)
    lane.seal()
    const others = Array.from({ length: 6 }, () => memory.pool.take('large')!)
    others.push(memory.pool.take('medium')!)
    assert.equal(lane.makeRoom(), false, 'there are smaller ones')
    lane.remove(lane.queue[0]!)
    assert.ok(lane.makeRoom())
    assert.equal(classOf(lane), 'large')
    lane.releaseEmpty()
    others.push(memory.pool.take('large')!)
    assert.ok(lane.makeRoom(), 'with nothing else it takes what there is')
    assert.equal(classOf(lane), 'medium')
    lane.clear()
    for (const buffer of others) memory.pool.release(buffer)
  })

  test('fills a whole batch in a pool that has only two', () => {
    const tiny = smallMemory({ largest: 200 * KIB, buffers: 2 })
    const lane = laneOn(tiny)
    const file = new MadeFile(tiny, 'a')
    file.write(...Array.from({ length: 1900 }, () => 'x'.repeat(90)))
    assert.deepEqual(fill(lane, file), [])
    assert.equal(classOf(lane), 'large')
    lane.clear()
    assert.equal(tiny.pool.freeBytes, tiny.pool.total)
  })

  test('puts a record that is larger than the rest of a batch into the next one', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    const lines = ['a'.repeat(120 * KIB), 'b'.repeat(120 * KIB), 'c'.repeat(10)]
    file.write(...lines)
    const sealed = fill(lane, file)
    assert.deepEqual([...sealed, seal(lane)], [[lines[0]], [lines[1], lines[2]]])
    lane.clear()
  })

  test('cuts a record that fits in no batch', () => {
    const lane = laneOn(memory, { batchMaxBytes: 20 * KIB })
    const file = new MadeFile(memory, 'a')
    file.write('d'.repeat(30 * KIB), 'next')
    const sealed = [...fill(lane, file), seal(lane)]
    assert.equal(sealed.flat().length, 2)
    assert.ok(sealed.flat()[0]!.length < 20 * KIB && sealed.flat()[0]!.length > 19 * KIB)
    assert.ok(lane.queue.every((batch) => batch.bytes <= 20 * KIB))
    lane.clear()
  })

  test('fills batches to the limit it has learned, but tries a larger record alone, as it is', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write('first')
    lane.makeRoom()
    file.appendTo(lane, 5)
    const batch = lane.open!
    seal(lane)
    lane.limit.refused({ batch, bytes: 4000, next: 2000, now: 5 })
    const lines = [
      ...Array.from({ length: 30 }, () => 'e'.repeat(200)),
      'f'.repeat(5000),
      'g',
      '',
      'h'.repeat(90 * KIB),
      'i',
    ]
    file.write(...lines)
    const sealed = [...fill(lane, file), seal(lane)]
    assert.deepEqual(
      sealed.flat(),
      lines.filter((line) => line !== ''),
    )
    for (const values of sealed) {
      const bytes = values.reduce((sum, value) => sum + value.length + 10, 61)
      assert.ok(bytes <= 2100 || values.length === 1, `${values.length} records in ${bytes} bytes`)
    }
    lane.clear()
  })

  test('sends a batch that is larger than a limit learned meanwhile in parts from the beginning', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write(...Array.from({ length: 100 }, () => 'e'.repeat(100)))
    fill(lane, file)
    const { bytes } = lane.open!
    lane.limit.refused({ batch: lane.open!, bytes, next: 61 + (bytes - 61) / 4, now: 5 })
    assert.equal(lane.seal()!.sending, 25)
    lane.clear()
  })

  test('is bound to its partition while records that were sent have no response', () => {
    const lane = laneOn(memory)
    const file = new MadeFile(memory, 'a')
    file.write('x')
    fill(lane, file)
    const batch = lane.seal()!
    batch.ready = true
    assert.equal(lane.bound, false)
    lane.sequence.adopt({ id: 1, epoch: 0 })
    lane.sequence.send(batch)
    assert.equal(lane.bound, true)
    lane.sequence.failed(batch, lane.queue, { maybeStored: false, refused: 'nothing' })
    assert.equal(lane.bound, false, 'it is known not to be stored')
    lane.sequence.send(batch)
    lane.sequence.failed(batch, lane.queue, { maybeStored: true, refused: 'nothing' })
    assert.equal(lane.bound, true)
    lane.clear()
  })

  test('keeps a batch on its partition as long as one of its records has to stay', () => {
    for (const affinity of ['while-led', 'while-there', 'always'] as const) {
      const lane = laneOn(memory)
      const [free, bound] = [new MadeFile(memory, 'a'), new MadeFile(memory, 'b', { affinity })]
      bound.write('x')
      free.write('y')
      fill(lane, bound)
      fill(lane, free)
      assert.equal(lane.seal()!.affinity, affinity)
      lane.clear()
    }
  })

  test('is stalled while it has no leader, cannot reach it, or has failed', () => {
    const lane = laneOn(memory)
    const stalled = (change: () => void): boolean => {
      change()
      return lane.quota.stalled
    }
    assert.ok(stalled(() => lane.ledBy(-1, 5)))
    assert.equal(lane.leaderlessSince, 5)
    assert.ok(!stalled(() => lane.ledBy(1, 6)))
    assert.equal(lane.leaderlessSince, -1)
    assert.ok(stalled(() => (lane.isReachable = false)))
    assert.ok(
      stalled(() => lane.ledBy(1, 7)),
      'to hear of the same leader again changes nothing',
    )
    assert.ok(!stalled(() => lane.ledBy(2, 8)))
    assert.ok(stalled(() => lane.failed(100)))
    assert.ok(stalled(() => (lane.isReachable = true)))
    assert.deepEqual([lane.retryAt, lane.failures], [100, 1])
    assert.ok(stalled(() => lane.ledBy(3, 9)))
    assert.deepEqual([lane.retryAt, lane.failures], [0, 1], 'a new leader is tried at once')
    assert.ok(!stalled(() => lane.succeeded(10)))
    assert.deepEqual([lane.retryAt, lane.failures, lane.storedAt], [0, 0, 10])
  })
})
