import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import kafkajs from 'kafkajs'
import requestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { toAgentError, openCluster } from '../../../src/commands/kafka-client.ts'

suite('kafkajs', () => {
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
