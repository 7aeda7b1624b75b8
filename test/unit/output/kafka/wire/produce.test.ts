import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'
import { decodeProduce, encodeProduce } from '../../../../../src/output/kafka/wire/produce.ts'
import { fakeItem } from '../../../../support/fake-batch.ts'
import { readProduce, readRequest, writeProduce } from '../../../../support/fake-wire.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

const header = { correlationId: 7, clientId: 'logagent' }
const settings = { acks: -1, timeoutMs: 20_000 } as const

function responseTo(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.noTaggedFields()
  write(writer)
  return writer.cut()
}

describe('Produce', () => {
  test('writes the batches of several topics into one frame', () => {
    const items = [fakeItem('a', 0), fakeItem('b', 3), fakeItem('a', 300, { values: ['x'.repeat(300)] })]
    const frame = Buffer.concat(encodeProduce(header, settings, items))
    assert.equal(frame.readInt32BE(), frame.length - 4)
    const request = readRequest(frame.subarray(4))
    assert.equal(request.api, 'Produce')
    assert.equal(request.correlationId, 7)
    assert.equal(request.clientId, 'logagent')
    const { acks, timeoutMs, partitions } = readProduce(request)
    assert.deepEqual({ acks, timeoutMs }, settings)
    assert.deepEqual(
      partitions.map(({ topic, partition }) => `${topic}-${partition}`),
      ['a-0', 'a-300', 'b-3'],
    )
    for (const { topic, partition, bytes } of partitions) {
      const item = items.find((item) => item.topic === topic && item.partition === partition)
      assert.ok(bytes.equals(Buffer.concat(item!.parts)))
    }
  })

  test('passes the very bytes of the batches on, not copies', () => {
    const item = fakeItem('a', 0)
    const pieces = encodeProduce(header, settings, [item])
    assert.equal(pieces[1], item.parts[0])
    assert.equal(pieces[2], item.parts[1])
  })

  test('reads the outcome of each partition', () => {
    const results = [
      { topic: 'a', partition: 1, code: 0, baseOffset: 2 ** 40, message: null, recordErrors: [] },
      { topic: 'a', partition: 0, code: 6, baseOffset: -1, message: null, recordErrors: [] },
      {
        topic: 'b',
        partition: 0,
        code: 87,
        baseOffset: -1,
        message: 'bad records',
        recordErrors: [
          { index: 0, message: null },
          { index: 3, message: 'no key' },
        ],
      },
    ]
    const response = responseTo((writer) => writeProduce(writer, results, 125))
    const { partitions, throttleMs } = decodeProduce(new ResponseReader(response))
    assert.equal(throttleMs, 125)
    assert.deepEqual(partitions, results)
  })

  test('bears hostile bytes', () => {
    const recordErrors = [{ index: 3, message: 'no key' }]
    bearsHostileBytes(
      responseTo((writer) =>
        writeProduce(writer, [
          { topic: 'some-topic', partition: 1, code: 0, baseOffset: 12 },
          { topic: 'some-topic', partition: 2, code: 87, baseOffset: -1, message: 'why', recordErrors },
          { topic: 'b', partition: 0, code: 0, baseOffset: 0 },
        ]),
      ),
      decodeProduce,
    )
  })
})
