import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, test } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { Batch } from '../../../../src/output/producer/batch.ts'
import { Seal } from '../../../../src/output/producer/seal.ts'
import { smallMemory } from '../../../support/made-file.ts'

const memory = smallMemory()
const open: Batch[] = []
afterEach(() => {
  for (const batch of open.splice(0)) memory.pool.release(batch.buffer)
  assert.equal(memory.pool.freeBytes, memory.pool.total)
})

/** A batch whose records are these bytes. */
function batchOf(payload: Buffer): Batch {
  const batch = new Batch(memory, memory.pool.take('large')!)
  memory.bytes.set(payload, batch.end)
  batch.end += payload.length
  batch.records = batch.sending = 1
  open.push(batch)
  return batch
}

const TEXT = Buffer.from('GET /orders 200 '.repeat(4000))

describe('sealing', () => {
  test('without compression is done at once', () => {
    const batch = batchOf(TEXT)
    new Seal('none').seal(batch, () => assert.fail('it is done on return'))
    assert.ok(batch.ready)
    assert.equal(batch.compressed, null)
  })

  test('with zstd makes records smaller, and they decompress to the same bytes', async () => {
    const batch = batchOf(TEXT)
    const seal = new Seal('zstd')
    await new Promise<void>((resolve) => seal.seal(batch, resolve))
    assert.ok(batch.ready && batch.compressed !== null)
    assert.ok(batch.wireBytes < TEXT.length / 10)
    assert.ok(zstdDecompressSync(batch.compressed).equals(TEXT))
    await seal.close()
  })

  test('leaves records that do not get smaller as they are', async () => {
    const noise = randomBytes(20_000)
    const batch = batchOf(noise)
    const seal = new Seal('zstd')
    await new Promise<void>((resolve) => seal.seal(batch, resolve))
    assert.ok(batch.ready)
    assert.equal(batch.compressed, null)
    const bytes = Buffer.concat(batch.stamp({ producerId: 1, epoch: 0, sequence: 0 }))
    assert.equal(bytes.readInt16BE(21), 0)
    assert.ok(bytes.subarray(61).equals(noise))
    await seal.close()
  })

  test('compresses two batches at a time, and the others in turn', async (t) => {
    const seal = new Seal('zstd')
    const batches = Array.from({ length: 6 }, () => batchOf(TEXT))
    // when they end depends on the threads, so the test looks at the order in which they begin
    const begun: number[] = []
    const atOnce: number[] = []
    let done = 0
    for (const [index, batch] of batches.entries()) {
      t.mock.method(batch, 'payload', () => {
        begun.push(index)
        atOnce.push(begun.length - done)
        return TEXT
      })
    }
    await new Promise<void>((resolve) => {
      for (const batch of batches) seal.seal(batch, () => ++done === batches.length && resolve())
    })
    assert.ok(batches.every(({ ready }) => ready))
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5], 'first come, first served')
    assert.deepEqual(atOnce, [1, 2, 2, 2, 2, 2])
    await seal.close()
  })

  test('ends when no compressor touches the memory any more, and begins nothing new', async () => {
    const seal = new Seal('zstd')
    const batches = Array.from({ length: 4 }, () => batchOf(TEXT))
    for (const batch of batches) seal.seal(batch, () => undefined)
    await seal.close()
    assert.deepEqual(
      batches.map(({ ready }) => ready),
      [true, true, false, false],
    )
    await seal.close()
  })
})
