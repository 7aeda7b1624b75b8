import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import { ProduceRequest } from '../../../../src/output/kafka/produce-request.ts'
import type { ItemResponse, ProduceItem } from '../../../../src/output/transport.ts'
import { ResponseReader, Writer } from '../../../../src/output/kafka/wire/primitives.ts'
import { fakeItem } from '../../../support/fake-batch.ts'
import { writeProduce, type PartitionResult } from '../../../support/fake-wire.ts'

const items = [fakeItem('a', 0), fakeItem('b', 0), fakeItem('a', 1), fakeItem('a', 2)]

function produce(
  throttled: number[] = [],
  sent: readonly ProduceItem[] = items,
): { request: ProduceRequest; responses: Promise<readonly ItemResponse[]> } {
  const { promise, resolve } = Promise.withResolvers<readonly ItemResponse[]>()
  const broker = { throttle: (milliseconds: number) => void throttled.push(milliseconds) }
  const context = { clientId: 'test', acks: -1, timeoutMs: 1_000 } as const
  return { request: new ProduceRequest(context, { items: sent, broker }, resolve), responses: promise }
}

function responseOf(results: readonly PartitionResult[], throttleMs = 0): ResponseReader {
  const writer = new Writer()
  writer.noTaggedFields()
  writeProduce(writer, results, throttleMs)
  return new ResponseReader(writer.cut())
}

const result = (topic: string, partition: number, baseOffset: number): PartitionResult => ({
  topic,
  partition,
  code: 0,
  baseOffset,
})

describe('a Produce request', () => {
  test('gives each item its response, in whatever order the broker has them', async () => {
    const throttled: number[] = []
    const { request: sent, responses } = produce(throttled)
    sent.decode(responseOf([result('b', 0, 1), result('a', 2, 3), result('a', 0, 0), result('a', 1, 2)], 70))
    sent.finish(null)
    assert.deepEqual(
      (await responses).map((response) => response.kind === 'response' && response.baseOffset),
      [0, 1, 2, 3],
    )
    assert.deepEqual(throttled, [70])
  })

  test('reads each item a few times at most, in whatever order the broker has thousands of partitions', async () => {
    const count = 5000
    for (const order of ['as sent', 'reversed', 'shuffled', 'by topic'] as const) {
      let reads = 0
      const sent = Array.from({ length: count }, (_, index): ProduceItem => {
        const { topic, partition, parts } = fakeItem(`t${index % 3}`, index)
        return {
          get topic() {
            reads++
            return topic
          },
          get partition() {
            reads++
            return partition
          },
          parts,
        }
      })
      const results = Array.from({ length: count }, (_, index) => result(`t${index % 3}`, index, index))
      if (order === 'reversed') results.reverse()
      if (order === 'shuffled') results.sort((a, b) => ((a.partition * 7919) % count) - ((b.partition * 7919) % count))
      if (order === 'by topic') results.sort((a, b) => (a.partition % 3) - (b.partition % 3))
      const { request, responses } = produce([], sent)
      request.decode(responseOf(results))
      request.finish(null)
      const offsets = (await responses).map((response) => response.kind === 'response' && response.baseOffset)
      assert.deepEqual(offsets, [...sent.keys()], order)
      assert.ok(reads <= 6 * count, `${order}: ${reads} reads of ${count} items`)
    }
  })

  test('rejects a response that leaves a partition out, has one twice, or one that is not in the request', () => {
    const all = [result('a', 0, 0), result('b', 0, 1), result('a', 1, 2), result('a', 2, 3)]
    const bad = [[], all.slice(1), [...all, result('a', 0, 0)], [...all.slice(1), result('c', 0, 0)]]
    for (const results of bad) {
      assert.throws(() => produce().request.decode(responseOf(results)), { code: 'protocol-violation' })
    }
  })

  test("joins the broker's words on the batch and on its records", async () => {
    const { request: sent, responses } = produce()
    const recordErrors = [0, 1, 2, 3].map((index) => ({ index, message: index === 1 ? null : 'no key' }))
    const failed = { topic: 'a', partition: 2, code: 87, baseOffset: -1, message: 'one or more records', recordErrors }
    sent.decode(responseOf([result('a', 0, 0), result('b', 0, 0), result('a', 1, 0), failed]))
    sent.finish(null)
    assert.deepEqual((await responses)[3], {
      kind: 'response',
      code: 87,
      message: 'one or more records; record 0: no key; record 1: no reason given; record 2: no key',
      baseOffset: -1,
    })
  })

  test('gives every item the reason why there is no response', async () => {
    const { request: sent, responses } = produce()
    sent.finish({ error: new AgentError('connection-lost', 'gone'), maybeSent: true })
    assert.deepEqual(
      await responses,
      items.map(() => ({ kind: 'no-response', maybeSent: true, reason: 'gone' })),
    )
  })
})
