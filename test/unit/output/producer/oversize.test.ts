import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { cutRecord } from '../../../../src/encode/cut-record.ts'
import type { LinearMemory } from '../../../../src/kernel/memory.ts'
import { BatchMemory } from '../../../../src/output/producer/batch-memory.ts'
import type { Batch, Compression } from '../../../../src/output/producer/batch.ts'
import { Lane } from '../../../../src/output/producer/lane.ts'
import { Oversize } from '../../../../src/output/producer/oversize.ts'
import { MadeFile, smallMemory, valuesOf } from '../../../support/made-file.ts'

let memory: LinearMemory
beforeEach(() => (memory = smallMemory()))
afterEach(() => assert.equal(memory.pool.freeBytes, memory.pool.total))

function refusing(lines: readonly string[], tooLarge: 'cut' | 'drop', compression: Compression = 'none') {
  const reported: string[] = []
  const truncated: [records: number, bytes: number][] = []
  const oversize = new Oversize({
    ...{ tooLarge, compression, cutRecord, now: () => 0 },
    events: {
      batchSplit: (topic, partition, records) => reported.push(`split ${topic}-${partition} ${records}`),
      recordTooLarge: ({ file, offset, action }) => reported.push(`${action} ${file} ${offset}`),
      recordTruncated: ({ records, cutBytes }) => truncated.push([records, cutBytes]),
    },
  })
  const lane = new Lane({
    ...{ topic: 't', partition: 3, memory, mode: 'idempotent', batchMaxBytes: 100_000 },
    tooLarge: 'cut',
    quota: new BatchMemory(memory.pool, () => undefined).quota(),
    onRepeats: () => undefined,
  })
  const file = new MadeFile(memory, 'a')
  file.write(...lines)
  while (file.waiting > 0) {
    lane.makeRoom()
    file.appendTo(lane, 0)
    if (file.waiting > 0) assert.ok(lane.enlarge())
  }
  const batch = lane.seal()!
  return { lane, batch, reported, truncated, refused: () => oversize.refused(lane, batch) }
}

const sent = (batch: Batch): string[] => valuesOf(Buffer.concat(batch.stamp({ producerId: 1, epoch: 0, sequence: 0 })))

describe('a batch that is too large', () => {
  test('is sent in halves, and the limit is learned', () => {
    const lines = Array.from({ length: 10 }, (_, index) => `${index}${'x'.repeat(999)}`)
    const { lane, batch, refused, reported } = refusing(lines, 'cut')
    const { bytes } = batch
    assert.equal(refused(), 'send')
    assert.equal(batch.sending, 5)
    assert.deepEqual(sent(batch), lines.slice(0, 5))
    assert.equal(lane.limit.safe, batch.sendingBytes)
    assert.ok(batch.sendingBytes < 0.51 * bytes)
    refused()
    assert.equal(batch.sending, 3)
    assert.deepEqual(reported, ['split t-3 10', 'split t-3 5'])
    lane.clear()
  })

  test('never makes the limit less than half of what the broker accepts', () => {
    const limit = 7000
    const { lane, batch, refused } = refusing(
      Array.from({ length: 60 }, () => 'x'.repeat(990)),
      'cut',
    )
    while (batch.sendingBytes > limit) refused()
    assert.ok(lane.limit.safe <= limit && lane.limit.safe >= limit / 2, `${lane.limit.safe}`)
    lane.clear()
  })

  test('of many times the limit is sent in parts of the limit at once', () => {
    const lines = Array.from({ length: 90 }, () => 'x'.repeat(990))
    const { lane, batch, refused } = refusing(lines, 'cut')
    lane.limit.refused({ batch, bytes: batch.bytes, next: 5000, now: 0 })
    refused()
    assert.ok(batch.sendingBytes <= 5000 && batch.sendingBytes > 3500, `${batch.sendingBytes}`)
    lane.clear()
  })

  test('of one record is cut to half, as often as needed, and reported once', () => {
    const { lane, batch, refused, reported, truncated } = refusing(['x'.repeat(8000), 'next'], 'cut')
    refused()
    assert.equal(refused(), 'send')
    assert.ok(batch.sendingBytes < 4100)
    assert.equal(refused(), 'send')
    assert.ok(batch.sendingBytes < 2100)
    batch.sending = 2
    assert.equal(sent(batch)[1], 'next')
    assert.match(sent(batch)[0]!, /^x+$/)
    assert.deepEqual(reported, ['split t-3 2', 'cut /made/a.log 0'])
    const kept = sent(batch)[0]!.length
    assert.deepEqual(
      truncated.map(([records]) => records),
      [1, 0],
    )
    assert.equal(truncated[0]![1] + truncated[1]![1], 8000 - kept)
    lane.clear()
  })

  test('of one record is dropped where it may not or cannot be cut', () => {
    const { lane, batch, refused, reported } = refusing(['first', 'x'.repeat(8000)], 'drop')
    batch.remove(1)
    batch.sending = 1
    assert.equal(refused(), 'drop')
    assert.deepEqual(reported, ['drop /made/a.log 6'])
    lane.clear()

    const tiny = refusing(['y'.repeat(12)], 'cut')
    assert.equal(tiny.refused(), 'send')
    assert.equal(tiny.refused(), 'drop')
    assert.deepEqual(tiny.reported, ['cut /made/a.log 0', 'drop /made/a.log 0'])
    tiny.lane.clear()
  })

  test('of one compressed record says nothing about how far batches may be filled', () => {
    const { lane, batch, refused } = refusing(['x'.repeat(8000), 'next'], 'cut', 'zstd')
    batch.sending = 1
    refused()
    assert.equal(lane.limit.safe, 100_000)
    lane.clear()
  })
})
