import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_GUARD } from '../../../../src/guard.ts'
import { crc32c } from '@node-rs/crc32'
import * as fc from 'fast-check'
import { decodeRecord, decodeRecords, encodeRecord } from '../../../../src/encode/records.ts'
import { type Batch, NO_PRODUCER, type Piece, nextSequence } from '../../../../src/output/producer/batch.ts'
import { BatchMemory } from '../../../../src/output/producer/batch-memory.ts'
import { Lane } from '../../../../src/output/producer/lane.ts'
import { MadeFile, smallMemory, valuesOf } from '../../../support/made-file.ts'
import { seeded } from '../../../support/seed.ts'

const memory = smallMemory({ largest: 200 * 1024 })
const STAMP = { producerId: 0x1234_5678_9abc, epoch: 7, sequence: 42 }

/** A sealed batch with the lines of these files, each in an append of its own. Empty lines are settled. */
function batchOf(...appends: readonly (readonly [MadeFile, readonly string[]])[]): Batch {
  const quota = new BatchMemory(memory.pool, () => undefined).quota()
  const lane = new Lane({
    ...{ topic: 't', partition: 0, memory, quota, mode: 'idempotent', batchMaxBytes: 100_000 },
    tooLarge: 'cut',
    onRepeats: () => undefined,
  })
  lane.makeRoom()
  for (const [file, lines] of appends) {
    file.write(...lines)
    file.appendTo(lane, 5)
  }
  const batch = lane.seal()!
  batch.ready = true
  return batch
}

const file = (name = 'a'): MadeFile => new MadeFile(memory, name)
const release = (batch: Batch): void => memory.pool.release(batch.buffer)
const wire = (batch: Batch, stamp = STAMP): Buffer => Buffer.concat(batch.stamp(stamp))
const spans = (pieces: readonly Piece[]): unknown[] =>
  pieces.flatMap(({ file, ranges, records }) =>
    ranges.map(({ start, end, guard }, index) => [file.id, start, end, index === 0 ? records : 0, guard]),
  )

describe('a record batch', () => {
  test('has its header in the layout of Kafka', () => {
    const batch = batchOf([file(), ['one', 'two', 'three']])
    const bytes = wire(batch)
    assert.equal(bytes.readBigInt64BE(0), 0n, 'base offset')
    assert.equal(bytes.readInt32BE(8), bytes.length - 12, 'length')
    assert.equal(bytes.readInt32BE(12), -1, 'partition leader epoch')
    assert.equal(bytes[16], 2, 'magic')
    assert.equal(bytes.readUInt32BE(17), crc32c(bytes.subarray(21)), 'CRC')
    assert.equal(bytes.readInt16BE(21), 0, 'attributes')
    assert.equal(bytes.readInt32BE(23), 2, 'last offset delta')
    assert.equal(bytes.readBigInt64BE(27), 1_700_000_000_000n, 'base timestamp')
    assert.equal(bytes.readBigInt64BE(35), 1_700_000_000_000n, 'max timestamp')
    assert.equal(bytes.readBigInt64BE(43), 0x1234_5678_9abcn, 'producer id')
    assert.equal(bytes.readInt16BE(51), 7, 'producer epoch')
    assert.equal(bytes.readInt32BE(53), 42, 'base sequence')
    assert.equal(bytes.readInt32BE(57), 3, 'record count')
    assert.deepEqual(valuesOf(bytes), ['one', 'two', 'three'])
    assert.equal(batch.bytes, bytes.length)
    assert.equal(batch.wireBytes, bytes.length)
    release(batch)
  })

  test('has no id without a producer, and sequences begin at 0 again after the last', () => {
    const batch = batchOf([file(), ['one']])
    const bytes = wire(batch, NO_PRODUCER)
    assert.equal(bytes.readBigInt64BE(43), -1n)
    assert.equal(bytes.readInt16BE(51), -1)
    assert.equal(bytes.readInt32BE(53), -1)
    assert.equal(nextSequence(2 ** 31 - 2, 5), 3)
    assert.equal(nextSequence(2 ** 31 - 2, 1), 2 ** 31 - 1)
    release(batch)
  })

  test('differs only in stamp and CRC when it is stamped again', () => {
    const batch = batchOf([file(), ['one', 'two']])
    const first = wire(batch)
    const second = wire(batch, { producerId: 9, epoch: 8, sequence: 7 })
    const differ = [...first.keys()].filter((at) => first[at] !== second[at])
    assert.ok(differ.length > 0)
    for (const at of differ) assert.ok((at >= 17 && at < 21) || (at >= 43 && at < 57), `byte ${at}`)
    assert.deepEqual(wire(batch), first, 'and the same stamp makes the same bytes')
    release(batch)
  })

  test('has the codec in its attributes when compressed, and a CRC of the bytes that are sent', () => {
    const batch = batchOf([file(), ['one', 'two']])
    batch.compress('zstd', Buffer.from('pretend'))
    const bytes = wire(batch)
    assert.equal(bytes.readInt16BE(21), 4)
    assert.equal(bytes.length, 61 + 7)
    assert.equal(batch.wireBytes, bytes.length)
    assert.equal(bytes.readInt32BE(8), bytes.length - 12)
    assert.equal(bytes.readUInt32BE(17), crc32c(bytes.subarray(21)))
    assert.equal(bytes.readInt32BE(57), 2)
    batch.compress('zstd', null)
    assert.equal(wire(batch).readInt16BE(21), 0, 'records that did not get smaller are sent as they are')
    release(batch)
  })

  test('keeps its records and sizes in a larger buffer, and can be appended to', () => {
    const source = file()
    const quota = new BatchMemory(memory.pool, () => undefined).quota()
    const lane = new Lane({
      ...{ topic: 't', partition: 0, memory, quota, mode: 'idempotent', batchMaxBytes: 200_000 },
      tooLarge: 'cut',
      onRepeats: () => undefined,
    })
    const lines = Array.from({ length: 2000 }, (_, index) => `line ${index} ${'x'.repeat(index % 150)}`)
    source.write(...lines)
    lane.makeRoom()
    const classes: string[] = []
    while (source.waiting > 0) {
      source.appendTo(lane, 5)
      classes.push(lane.open!.buffer.sizeClass)
      if (source.waiting > 0) assert.ok(lane.enlarge())
    }
    assert.deepEqual(classes, ['small', 'medium', 'large'])
    const batch = lane.seal()!
    assert.deepEqual(valuesOf(wire(batch)), lines)
    for (const [index, line] of lines.entries()) assert.equal(batch.sourceBytes(index), line.length + 1)
    const end = lines.reduce((sum, line) => sum + line.length + 1, 0)
    assert.deepEqual(spans(batch.pieces), [['a', 0, end, 2000, end]])
    assert.equal(quota.heldBytes, batch.buffer.bytes)
    lane.clear()
  })

  test('joins ranges of one file that abut to one piece, and keeps files apart', () => {
    const [a, b] = [file('a'), file('b')]
    const batch = batchOf([a, ['1', '2']], [a, ['3']], [b, ['4']], [a, ['5']])
    assert.deepEqual(spans(batch.pieces), [
      ['a', 0, 6, 3, 6],
      ['b', 0, 2, 1, 2],
      ['a', 6, 8, 1, 8],
    ])
    release(batch)
  })

  test('removes any number of its first records, and gives their pieces', (t) => {
    const lines = fc.array(fc.constantFrom('', 'x', 'yy', 'z'.repeat(70)), { minLength: 1, maxLength: 6 })
    const appends = fc.array(fc.tuple(fc.nat(2), lines), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(appends, fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }), (plan, cuts) => {
        const files = [file('a'), file('b'), file('c')]
        if (plan.every(([, lines]) => lines.every((line) => line === ''))) return
        const batch = batchOf(...plan.map(([index, lines]): [MadeFile, string[]] => [files[index]!, lines]))
        const values = valuesOf(wire(batch))
        const given: Piece[] = []
        batch.sequence = 2 ** 31 - 3
        let gone = 0
        for (const cut of [...cuts, 1]) {
          const count = cut === 1 ? batch.records : Math.floor(cut * batch.records)
          given.push(...batch.remove(count))
          gone += count
          assert.equal(batch.records, values.length - gone)
          assert.equal(batch.sequence, (2 ** 31 - 3 + gone) % 2 ** 31)
          batch.sending = batch.records
          if (batch.records === 0) continue
          const bytes = wire(batch)
          assert.deepEqual(valuesOf(bytes), values.slice(gone))
          assert.equal(bytes.readUInt32BE(17), crc32c(bytes.subarray(21)))
          assert.deepEqual(
            decodeRecords(bytes.subarray(61)).map(({ offsetDelta }) => offsetDelta),
            Array.from({ length: batch.records }, (_, index) => index),
          )
        }
        // all pieces together are the whole of each file that has a record, without holes and in order
        for (const made of files) {
          let at = 0
          for (const { start, end } of given.filter(({ file }) => file === made).flatMap(({ ranges }) => ranges)) {
            for (const line of made.linesIn(at, start)) assert.equal(line, '', 'only settled bytes lie between')
            assert.ok(start >= at && end > start)
            at = end
          }
        }
        assert.equal(
          given.reduce((sum, piece) => sum + piece.records, 0),
          values.length,
        )
        release(batch)
      }),
      seeded(t, 500),
    )
  })

  test('splits a piece where a record ends, and has no guard there', () => {
    const [a, b] = [file('a'), file('b')]
    const batch = batchOf([a, ['1', '22', '', '333']], [b, ['4']])
    assert.deepEqual(spans(batch.remove(2)), [['a', 0, 5, 2, NO_GUARD]])
    assert.deepEqual(spans(batch.pieces), [
      ['a', 5, 10, 1, 10],
      ['b', 0, 2, 1, 2],
    ])
    assert.deepEqual(spans(batch.remove(1)), [['a', 5, 10, 1, 10]])
    assert.deepEqual(spans(batch.remove(1)), [['b', 0, 2, 1, 2]])
    release(batch)
  })

  test('has the number of bytes settled before each record, also after others were removed', () => {
    const batch = batchOf([file(), ['', '1', '22', '', '', '333', '4']])
    const settled = (): number[] => Array.from({ length: batch.records }, (_, index) => batch.settledBefore(index))
    assert.deepEqual(settled(), [1, 0, 2, 0])
    batch.remove(1)
    assert.deepEqual(settled(), [0, 2, 0])
    const larger = memory.pool.take('medium')!
    memory.pool.release(batch.promote(larger))
    assert.deepEqual(settled(), [0, 2, 0])
    release(batch)
  })

  test('counts down the records that may be stored as records are removed', () => {
    const batch = batchOf([file(), ['1', '2', '3', '4']])
    batch.uncertain = 3
    batch.remove(2)
    assert.equal(batch.uncertain, 1)
    batch.remove(2)
    assert.equal(batch.uncertain, 0)
    release(batch)
  })

  test('sends a part of its records under the same first sequence', () => {
    const batch = batchOf([file(), ['1', '2', '3', '4']])
    batch.sending = 2
    const bytes = wire(batch)
    assert.deepEqual(valuesOf(bytes), ['1', '2'])
    assert.equal(bytes.readInt32BE(57), 2)
    assert.equal(bytes.readInt32BE(23), 1)
    assert.equal(bytes.readInt32BE(53), 42)
    assert.equal(batch.sendingBytes, bytes.length)
    assert.equal(batch.payload().length, bytes.length - 61)
    release(batch)
  })

  test('finds how many records fit into fewer bytes: all, or some, or one', (t) => {
    const lengths = fc.array(fc.oneof(fc.nat(100), fc.nat(3000)), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(lengths, fc.double({ min: 0, max: 1.1, noNaN: true }), (lengths, share) => {
        const batch = batchOf([file(), lengths.map((length) => 'x'.repeat(length + 1))])
        const bytes = Math.floor(share * batch.bytes)
        const bytesOf = (count: number): number => {
          batch.sending = count
          return batch.sendingBytes
        }
        const count = batch.fitting(bytes)
        assert.ok(count === 1 || bytesOf(count) <= bytes)
        const average = (batch.records * bytes) / batch.bytes
        if (count < batch.records && count < 2 * average) assert.ok(bytesOf(count + 1) > bytes)
        release(batch)
      }),
      seeded(t, 200),
    )
    const even = batchOf([file(), Array.from({ length: 100 }, () => 'x'.repeat(50))])
    assert.deepEqual(
      [even.bytes, even.bytes - 1, 61 + (even.bytes - 61) / 4, 1].map((bytes) => even.fitting(bytes)),
      [100, 99, 25, 1],
    )
    release(even)
  })

  test('replaces its first record by a smaller one, and keeps the others', () => {
    const batch = batchOf([file(), ['x'.repeat(300), 'two', 'three']])
    const record = decodeRecord(batch.firstRecord())
    batch.replaceFirst(encodeRecord({ ...record, value: Buffer.from('short') }))
    assert.deepEqual(valuesOf(wire(batch)), ['short', 'two', 'three'])
    assert.equal(batch.sourceBytes(0), 301, 'it stands for the same bytes of the file')
    assert.deepEqual(spans(batch.remove(1)), [['a', 0, 301, 1, NO_GUARD]])
    release(batch)
  })
})

test('all memory of the batches was given back', () => assert.equal(memory.pool.freeBytes, memory.pool.total))
