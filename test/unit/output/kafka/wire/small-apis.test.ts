import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeApiVersions, encodeApiVersions, missingApis } from '../../../../../src/output/kafka/wire/api-versions.ts'
import { describeError, meaningOf } from '../../../../../src/output/error-codes.ts'
import { decodeInitProducerId, encodeInitProducerId } from '../../../../../src/output/kafka/wire/init-producer-id.ts'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'
import {
  readRequest,
  writeApiVersions,
  writeInitProducerId,
  writeOldApiVersions,
} from '../../../../support/fake-wire.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

const header = { correlationId: 9, clientId: 'logagent' }

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.cut()
}

describe('ApiVersions', () => {
  const rows = [
    [0, 3, 11],
    [3, 0, 12],
  ] as const

  test('says who asks', () => {
    const [frame] = encodeApiVersions(header, { name: 'logagent', version: '1.2' })
    const { api, body } = readRequest(frame!.subarray(4))
    assert.equal(api, 'ApiVersions')
    assert.equal(body.compactString(), 'logagent')
    assert.equal(body.compactString(), '1.2')
  })

  test('reads the ranges a broker speaks, in the form of a broker that does not know the version asked, too', () => {
    const ranges = new Map([
      [0, { min: 3, max: 11 }],
      [3, { min: 0, max: 12 }],
    ])
    const now = decodeApiVersions(new ResponseReader(written((writer) => writeApiVersions(writer, rows))))
    assert.deepEqual(now, { code: 0, ranges, throttleMs: 0 })
    const old = decodeApiVersions(new ResponseReader(written((writer) => writeOldApiVersions(writer, rows))))
    assert.deepEqual(old, { code: 35, ranges, throttleMs: 0 })
  })

  test('names what is missing', () => {
    const ranges = new Map([[0, { min: 3, max: 8 }]])
    const needed = [
      { name: 'Produce', key: 0, version: 9 },
      { name: 'Metadata', key: 3, version: 12 },
    ]
    assert.deepEqual(missingApis(ranges, needed), [
      'Produce version 9 (the broker supports 3 to 8)',
      'Metadata (not supported)',
    ])
    assert.deepEqual(missingApis(new Map([[0, { min: 9, max: 9 }]]), needed.slice(0, 1)), [])
  })

  test('bears hostile bytes in both forms', () => {
    bearsHostileBytes(
      written((writer) => writeApiVersions(writer, rows)),
      decodeApiVersions,
    )
    bearsHostileBytes(
      written((writer) => writeOldApiVersions(writer, rows)),
      decodeApiVersions,
    )
  })
})

describe('InitProducerId', () => {
  const answer = written((writer) => {
    writer.noTaggedFields()
    writeInitProducerId(writer, { code: 0, id: 4711, throttleMs: 5 })
  })

  test('asks for an id without a transaction', () => {
    const [frame] = encodeInitProducerId(header)
    const { api, body } = readRequest(frame!.subarray(4))
    assert.equal(api, 'InitProducerId')
    assert.equal(body.compactNullableString(), null)
    body.int32()
    assert.deepEqual([body.int64(), body.int16()], [-1, -1])
  })

  test('reads the id', () => {
    const decoded = decodeInitProducerId(new ResponseReader(answer))
    assert.deepEqual(decoded, { throttleMs: 5, code: 0, producerId: 4711, producerEpoch: 0 })
  })

  test('bears hostile bytes', () => bearsHostileBytes(answer, decodeInitProducerId))
})

describe('error codes', () => {
  test('are retried when nobody has heard of them, and nothing is known of the batch', () => {
    const { action, maybeStored } = meaningOf(9999)
    assert.deepEqual({ action, maybeStored }, { action: 'retry', maybeStored: 'yes' })
  })

  test("come with words, and with the broker's own where there are any", () => {
    assert.equal(describeError(6), 'the partition has another leader now (NOT_LEADER_OR_FOLLOWER)')
  })

  test('tell success, repeats and lost leaders apart', () => {
    const actions = [0, 46, 6, 3, 45, 47, 10, 7].map((code) => meaningOf(code).action)
    assert.deepEqual(actions, [
      'success',
      'duplicate',
      'refresh',
      'refresh',
      'new-epoch',
      'new-producer-id',
      'too-large',
      'retry',
    ])
  })
})
