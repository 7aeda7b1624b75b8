import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { parseBroker } from '../../../src/config/broker-address.ts'

suite('brokers', () => {
  test('have port 9092 if none is given, and IPv6 in brackets', () => {
    assert.deepEqual(parseBroker('kafka-0.kafka_x:9093'), { host: 'kafka-0.kafka_x', port: 9093 })
    assert.deepEqual(parseBroker('kafka'), { host: 'kafka', port: 9092 })
    assert.deepEqual(parseBroker('[fd00::1]:1'), { host: 'fd00::1', port: 1 })
    assert.deepEqual(parseBroker('[::1]'), { host: '::1', port: 9092 })
  })

  test('are no other text', () => {
    for (const text of [
      '',
      ':9092',
      'a:0',
      'a:65536',
      'a:b',
      '::1',
      '[::1',
      '[::zz]:1',
      '[1.2.3.4]:1',
      'a b',
      'ssl://a:1',
      'a/b',
      'a:1:2',
    ]) {
      assert.equal(parseBroker(text), undefined, text)
    }
  })
})
