import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import { ProduceExchange } from '../../../../src/output/kafka/produce-exchange.ts'
import type { Answer, ProduceItem } from '../../../../src/output/transport.ts'
import { AnswerReader, Writer } from '../../../../src/output/kafka/wire/primitives.ts'
import { fakeItem } from '../../../support/fake-batch.ts'
import { writeProduce, type PartitionResult } from '../../../support/fake-wire.ts'

const items = [fakeItem('a', 0), fakeItem('b', 0), fakeItem('a', 1), fakeItem('a', 2)]

function exchange(
  throttled: number[] = [],
  sent: readonly ProduceItem[] = items,
): { exchange: ProduceExchange; answers: Promise<readonly Answer[]> } {
  const { promise, resolve } = Promise.withResolvers<readonly Answer[]>()
  const broker = { throttle: (milliseconds: number) => void throttled.push(milliseconds) }
  const context = { clientId: 'test', acks: -1, timeoutMs: 1_000 } as const
  return { exchange: new ProduceExchange(context, { items: sent, broker }, resolve), answers: promise }
}

function answerOf(results: readonly PartitionResult[], throttleMs = 0): AnswerReader {
  const writer = new Writer()
  writer.noTaggedFields()
  writeProduce(writer, results, throttleMs)
  return new AnswerReader(writer.cut())
}

const result = (topic: string, partition: number, baseOffset: number): PartitionResult => ({
  topic,
  partition,
  code: 0,
  baseOffset,
})

describe('a Produce request', () => {
  test('gives each item its answer, in whatever order the broker tells them', async () => {
    const throttled: number[] = []
    const { exchange: sent, answers } = exchange(throttled)
    sent.decode(answerOf([result('b', 0, 1), result('a', 2, 3), result('a', 0, 0), result('a', 1, 2)], 70))
    sent.settle(null)
    assert.deepEqual(
      (await answers).map((answer) => answer.kind === 'answered' && answer.baseOffset),
      [0, 1, 2, 3],
    )
    assert.deepEqual(throttled, [70])
  })

  test('looks at each item a few times at most, in whatever order the broker tells thousands of partitions', async () => {
    const count = 5000
    for (const order of ['as sent', 'reversed', 'shuffled', 'by topic'] as const) {
      let looks = 0
      const sent = Array.from({ length: count }, (_, index): ProduceItem => {
        const { topic, partition, parts } = fakeItem(`t${index % 3}`, index)
        return {
          get topic() {
            looks++
            return topic
          },
          get partition() {
            looks++
            return partition
          },
          parts,
        }
      })
      const results = Array.from({ length: count }, (_, index) => result(`t${index % 3}`, index, index))
      if (order === 'reversed') results.reverse()
      if (order === 'shuffled') results.sort((a, b) => ((a.partition * 7919) % count) - ((b.partition * 7919) % count))
      if (order === 'by topic') results.sort((a, b) => (a.partition % 3) - (b.partition % 3))
      const { exchange: request, answers } = exchange([], sent)
      request.decode(answerOf(results))
      request.settle(null)
      const offsets = (await answers).map((answer) => answer.kind === 'answered' && answer.baseOffset)
      assert.deepEqual(offsets, [...sent.keys()], order)
      assert.ok(looks <= 6 * count, `${order}: ${looks} looks at ${count} items`)
    }
  })

  test('believes nothing of an answer that leaves a partition out, tells one twice, or one not asked about', () => {
    const all = [result('a', 0, 0), result('b', 0, 1), result('a', 1, 2), result('a', 2, 3)]
    const bad = [[], all.slice(1), [...all, result('a', 0, 0)], [...all.slice(1), result('c', 0, 0)]]
    for (const results of bad) {
      assert.throws(() => exchange().exchange.decode(answerOf(results)), { code: 'protocol-violation' })
    }
  })

  test("joins the broker's words on the batch and on its records", async () => {
    const { exchange: sent, answers } = exchange()
    const recordErrors = [0, 1, 2, 3].map((index) => ({ index, message: index === 1 ? null : 'no key' }))
    const failed = { topic: 'a', partition: 2, code: 87, baseOffset: -1, message: 'one or more records', recordErrors }
    sent.decode(answerOf([result('a', 0, 0), result('b', 0, 0), result('a', 1, 0), failed]))
    sent.settle(null)
    assert.deepEqual((await answers)[3], {
      kind: 'answered',
      code: 87,
      message: 'one or more records; record 0: no key; record 1: no reason given; record 2: no key',
      baseOffset: -1,
    })
  })

  test('tells every item why there is no answer', async () => {
    const { exchange: sent, answers } = exchange()
    sent.settle({ error: new AgentError('connection-lost', 'gone'), maybeSent: true })
    assert.deepEqual(
      await answers,
      items.map(() => ({ kind: 'unanswered', maybeSent: true, reason: 'gone' })),
    )
  })
})
