import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeMetadata, encodeMetadata } from '../../../../../src/output/kafka/wire/metadata.ts'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'
import { readMetadata, readRequest, writeMetadata } from '../../../../support/fake-wire.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

const id = '00112233445566778899aabbccddeeff'
const brokers = [
  { node: 1, host: 'kafka-1.example', port: 9092 },
  { node: 2, host: '::1', port: 9093 },
]
const topics = [
  {
    code: 0,
    name: 'logs',
    id,
    partitions: [
      { leader: 2, epoch: 5 },
      { leader: -1, epoch: 6 },
    ],
  },
  { code: 3, name: 'missing', id: '0'.repeat(32), partitions: [] },
]

function response(): Buffer {
  const writer = new Writer()
  writer.noTaggedFields()
  writeMetadata(writer, brokers, topics, 3)
  return writer.cut()
}

describe('Metadata', () => {
  test('requests topics by name and never creates one', () => {
    const frame = Buffer.concat(encodeMetadata({ correlationId: 1, clientId: 'é' }, ['a', 'b']))
    const request = readRequest(frame.subarray(4))
    assert.equal(request.clientId, 'é')
    assert.deepEqual(readMetadata(request.body), { topics: ['a', 'b'], mayCreate: false })
  })

  test('keeps an error with the topic that it belongs to', () => {
    const decoded = decodeMetadata(new ResponseReader(response()))
    assert.equal(decoded.throttleMs, 3)
    assert.equal(decoded.clusterId, 'fake')
    assert.deepEqual(decoded.brokers, brokers)
    const authorizedOperations = -(2 ** 31)
    assert.deepEqual(decoded.topics, [
      {
        code: 0,
        name: 'logs',
        id,
        partitions: [
          { partition: 0, leader: 2, leaderEpoch: 5 },
          { partition: 1, leader: -1, leaderEpoch: 6 },
        ],
        authorizedOperations,
      },
      { code: 3, name: 'missing', id: '0'.repeat(32), partitions: [], authorizedOperations },
    ])
  })

  test('bears hostile bytes', () => bearsHostileBytes(response(), decodeMetadata))
})
