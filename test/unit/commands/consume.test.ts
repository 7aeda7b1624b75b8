import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import kafkajs, { type KafkaMessage } from 'kafkajs'
import requestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { consume, showRecord } from '../../../src/commands/consume.ts'
import { toAgentError, openCluster } from '../../../src/commands/kafka-client.ts'
import { AgentError } from '../../../src/errors.ts'
import { captureOutput } from '../../support/capture.ts'

const RECORD: KafkaMessage = {
  attributes: 0,
  timestamp: '1795354423044',
  offset: '7',
  key: Buffer.from('k'),
  value: Buffer.from('héllo\n'),
  headers: {},
}

suite('a record as JSON', () => {
  test('has text if the bytes are UTF-8', () => {
    assert.equal(
      showRecord('t', 3, RECORD),
      '{"topic":"t","partition":3,"offset":7,"timestamp":1795354423044,"key":"k","headers":{},"value":"héllo\\n"}',
    )
  })

  test('marks other bytes, and does not take a real replacement character for them', () => {
    const record = {
      ...RECORD,
      key: null,
      value: Buffer.from([0xff, 0x41]),
      headers: { a: Buffer.from('\ufffd'), b: ['x', Buffer.of(0x80)] },
    }
    const shown: unknown = JSON.parse(showRecord('t', 0, record))
    assert.deepEqual(Reflect.get(Object(shown), 'value'), { base64: '/0E=' })
    assert.equal(Reflect.get(Object(shown), 'key'), null)
    assert.deepEqual(Reflect.get(Object(shown), 'headers'), { a: '\ufffd', b: ['x', { base64: 'gA==' }] })
  })
})

suite('kafkajs', () => {
  test('prints nothing and gives up within a bounded time if no broker responds', async () => {
    const { stream, text } = captureOutput()
    await assert.rejects(
      consume({
        brokers: [
          { host: '127.0.0.1', port: 1 },
          { host: '::1', port: 1 },
        ],
        topic: 't',
        fromBeginning: true,
        follow: false,
        max: Infinity,
        format: 'value',
        stdout: stream,
        signal: AbortSignal.timeout(30_000),
      }),
      (error) => {
        assert.ok(error instanceof AgentError)
        assert.equal(error.code, 'kafka-unreachable')
        assert.match(error.message, /^Kafka can't be reached: .*ECONNREFUSED/)
        return true
      },
    )
    assert.equal(text(), '')
  })

  test('ends without an error when it is stopped', async () => {
    const { stream } = captureOutput()
    const rest = { topic: 't', fromBeginning: true, follow: true, max: 1, format: 'value', stdout: stream } as const
    await consume({ ...rest, brokers: [{ host: '127.0.0.1', port: 1 }], signal: AbortSignal.abort() })
  })

  test('sets no timer while nothing is pending', (t) => {
    openCluster({ brokers: [{ host: 'h', port: 1 }], clientId: 'c', connectTimeoutMs: 1, requestTimeoutMs: 1 })
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const queue = { ...requestQueue.prototype, pending: [], throttledUntil: -1, throttleCheckTimeoutId: null }
    requestQueue.prototype.scheduleCheckPendingRequests.call(queue)
    assert.equal(queue.throttleCheckTimeoutId, null)
    const busy = { ...queue, pending: [1] }
    requestQueue.prototype.scheduleCheckPendingRequests.call(busy)
    assert.notEqual(busy.throttleCheckTimeoutId, null)
  })

  test('is patched once, however often it is opened', () => {
    const target = { brokers: [{ host: 'h', port: 1 }], clientId: 'c', connectTimeoutMs: 1, requestTimeoutMs: 1 }
    openCluster(target)
    const { scheduleCheckPendingRequests: before } = requestQueue.prototype
    openCluster(target)
    assert.equal(requestQueue.prototype.scheduleCheckPendingRequests, before)
  })

  test('errors of a broker are distinguished from a missing response', () => {
    const refused = Object.assign(new Error('no'), { type: 'TOPIC_AUTHORIZATION_FAILED' })
    assert.equal(toAgentError(new Error('outer', { cause: refused })).code, 'kafka-refused')
    assert.match(toAgentError(refused).message, /^Kafka answered TOPIC_AUTHORIZATION_FAILED: no$/)
    const several = new kafkajs.KafkaJSAggregateError('Topic creation errors', [refused])
    assert.equal(toAgentError(several).message, 'Kafka answered TOPIC_AUTHORIZATION_FAILED: no')
    assert.equal(toAgentError(new Error('x')).code, 'kafka-unreachable')
    const unread = Object.assign(new Error('LZ4 compression not implemented'), { name: 'KafkaJSNotImplemented' })
    assert.match(toAgentError(unread).message, /^records can't be read: LZ4/)
  })
})
