import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import { createTopic } from '../../../src/commands/create-topic.ts'
import { ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freePort } from '../../support/ports.ts'

// That a topic is made is shown with a real Kafka, in test/e2e: the fake one knows no CreateTopics.

void test('says that Kafka cannot be reached, and leaves nothing open', async (t) => {
  const port = await freePort(new Set())
  const config = await loadGiven(t, { environment: { ...ENOUGH, KAFKA_BROKERS: `127.0.0.1:${port}` } })
  await assert.rejects(createTopic('logs', config), { code: 'kafka-unreachable', message: /^Kafka can't be reached: / })
})

void test('does not wait for ever for who takes the connection and says nothing', async (t) => {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const config = await loadGiven(t, {
    environment: {
      ...ENOUGH,
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      KAFKA_REQUEST_TIMEOUT_MS: '100',
      KAFKA_CONNECT_TIMEOUT_MS: '100',
    },
  })
  await assert.rejects(createTopic('logs', config), { code: 'kafka-unreachable' })
})
