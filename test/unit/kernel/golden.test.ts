/**
 * Writes again the record batches that Kafka's own classes wrote: with the kernel if it can write them, else record by
 * record.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { rawTemplate } from '../../../src/encode/raw.ts'
import { decodeRecords, encodeRecord } from '../../../src/encode/records.ts'
import { TemplateSlot } from '../../../src/encode/template.ts'
import { RESULT } from '../../../src/kernel/layout.ts'
import type { LinearMemory } from '../../../src/kernel/memory.ts'
import type { TwinEntry } from '../../support/twin/entry.ts'
import { Batch, HEADER_BYTES } from '../../../src/output/producer/batch.ts'
import { type BatchFixture, type RecordFixture, batchFixtures } from '../../support/fixtures.ts'
import { WatchedMemory } from '../../support/watched-memory.ts'

const FACTS = { file: { id: '', path: '' }, agent: { name: '', id: '' }, fields: {} }
const uncompressed = batchFixtures().filter(({ compression }) => compression === 'none')
const compressed = batchFixtures().filter(({ compression }) => compression !== 'none')

const ours = ({ records }: BatchFixture): boolean =>
  records.every(({ value, headers }) => value !== null && headers.length === 0)

/** Appends records one by one, each with its own key, as if each were from another file. */
function batchOf({ records }: BatchFixture): { batch: Batch; memory: LinearMemory } {
  const watched = new WatchedMemory(128 * 1024, 256 * 1024)
  const { memory } = watched
  const buffer = memory.pool.take('large')
  assert.ok(buffer)
  const batch = new Batch(memory, buffer)
  batch.begin(records[0]?.timestamp ?? 0, 0)
  const slot = new TemplateSlot(memory)
  for (const { timestamp, key, value } of records) {
    const line: TwinEntry = {
      text: value ?? Buffer.alloc(0),
      ranges: [{ start: 0, end: 1 }],
      timestampNs: BigInt(timestamp) * 1_000_000n,
      stream: 'none',
      route: 0,
      truncated: false,
      verdict: 'ship',
    }
    watched.putEntries([line], [])
    const append = slot.install(rawTemplate(FACTS, key, 'none'))
    const { baseTimestamp, bufferEnd } = batch
    const count = append(0, 1, 0, batch.end, bufferEnd, bufferEnd, batch.records, baseTimestamp, 1 << 20, 0, 0)
    assert.equal(count, 1)
    batch.end = memory.result(RESULT.out)
    batch.records++
    batch.maxTimestamp = Math.max(batch.maxTimestamp, memory.result(RESULT.maxTimestamp))
  }
  batch.sending = batch.records
  return { batch, memory }
}

test('the fixtures have batches that the kernel can write', () => {
  const names = uncompressed.filter(ours).map(({ name }) => name)
  for (const name of ['one-record', 'offset-deltas', 'timestamps', 'varint-lengths', 'large-value', 'idempotent-wrap'])
    assert.ok(names.includes(name), name)
})

for (const fixture of uncompressed.filter(ours)) {
  test(`the kernel writes the records of ${fixture.name}`, () => {
    const { batch } = batchOf(fixture)
    assert.ok(Buffer.from(batch.payload()).equals(fixture.bytes.subarray(HEADER_BYTES)))
  })

  // logagent writes no transactions, and no fields that only the broker sets
  if (fixture.transactional || fixture.baseOffset !== 0 || fixture.partitionLeaderEpoch !== -1) continue
  test(`the whole batch ${fixture.name} is the same, with the kernel's checksum too`, () => {
    const { batch, memory } = batchOf(fixture)
    const { producerId, producerEpoch: epoch, baseSequence: sequence } = fixture
    assert.ok(Buffer.concat(batch.stamp({ producerId, epoch, sequence })).equals(fixture.bytes))
    const attributes = batch.buffer.address + 21
    assert.equal(memory.kernel.crc32c(attributes, batch.end - attributes, 0) >>> 0, fixture.crc)
  })
}

const DECOMPRESS: Partial<Record<string, (bytes: Buffer) => Buffer>> = { gzip: gunzipSync, zstd: zstdDecompressSync }

for (const fixture of compressed) {
  test(`the whole batch ${fixture.name} is the same around what was compressed, its checksum too`, () => {
    const { batch } = batchOf(fixture)
    const { compression, producerId, producerEpoch: epoch, baseSequence: sequence } = fixture
    const payload = fixture.bytes.subarray(HEADER_BYTES)
    const plain = DECOMPRESS[compression]?.(payload)
    if (plain !== undefined) assertReadAndWritten(plain, fixture.records)
    batch.compress(compression, payload)
    assert.ok(Buffer.concat(batch.stamp({ producerId, epoch, sequence })).equals(fixture.bytes))
  })
}

test('there is a compressed batch of each kind', () => {
  assert.deepEqual(compressed.map(({ compression }) => compression).toSorted(), ['gzip', 'lz4', 'snappy', 'zstd'])
})

for (const { name, records, bytes } of uncompressed) {
  test(`every record of ${name} is read and written as Kafka does`, () => {
    assertReadAndWritten(bytes.subarray(HEADER_BYTES), records)
  })
}

function assertReadAndWritten(payload: Buffer, records: readonly RecordFixture[]): void {
  const decoded = decodeRecords(payload)
  assert.ok(Buffer.concat(decoded.map(encodeRecord)).equals(payload))
  const base = records[0]?.timestamp ?? 0
  const read = decoded.map(({ timestampDelta, key, value, headers }): RecordFixture => ({
    timestamp: base + timestampDelta,
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: headers.map((header) => ({ name: header.name, value: header.value && Buffer.from(header.value) })),
  }))
  assert.deepEqual(read, records)
}
