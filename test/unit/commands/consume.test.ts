import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { KafkaMessage } from 'kafkajs'
import { consume, showRecord } from '../../../src/commands/consume.ts'
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

suite('a topic that cannot be read', () => {
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
})
