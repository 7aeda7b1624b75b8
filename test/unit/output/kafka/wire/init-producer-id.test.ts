import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeInitProducerId, encodeInitProducerId } from '../../../../../src/output/kafka/wire/init-producer-id.ts'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'
import { readRequest, writeInitProducerId } from '../../../../support/fake-wire.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

const header = { correlationId: 9, clientId: 'logagent' }

describe('InitProducerId', () => {
  const writer = new Writer()
  writer.noTaggedFields()
  writeInitProducerId(writer, { code: 0, id: 4711, throttleMs: 5 })
  const response = writer.cut()

  test('requests an id without a transaction', () => {
    const [frame] = encodeInitProducerId(header)
    const { api, body } = readRequest(frame!.subarray(4))
    assert.equal(api, 'InitProducerId')
    assert.equal(body.compactNullableString(), null)
    body.int32()
    assert.deepEqual([body.int64(), body.int16()], [-1, -1])
  })

  test('reads the id', () => {
    const decoded = decodeInitProducerId(new ResponseReader(response))
    assert.deepEqual(decoded, { throttleMs: 5, code: 0, producerId: 4711, producerEpoch: 0 })
  })

  test('bears hostile bytes', () => bearsHostileBytes(response, decodeInitProducerId))
})
