import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { createTopic } from '../../../src/commands/create-topic.ts'
import type { Config } from '../../../src/config/load.ts'
import { ENOUGH, loadGiven } from '../../support/configuration.ts'
import { atEnd, type Ending } from '../../support/ending.ts'
import { closeAll, startFake } from '../../support/open-cluster.ts'
import { freePort } from '../../support/ports.ts'
import { startAgent } from '../../support/process.ts'
import { freshDirectory } from '../../support/temp.ts'
import { until } from '../../support/wait.ts'

// test/e2e shows with a real Kafka that a topic is created; the fake one does not support CreateTopics.

afterEach(closeAll)

const NEVER = new AbortController().signal

/** A broker that accepts connections and requests, and never responds. */
async function silentBroker(t: Ending) {
  const sockets = new Set<Socket>()
  const accepted: (number | undefined)[] = []
  const heard: Buffer[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    accepted.push(socket.remotePort)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
  }).listen(0, '127.0.0.1')
  atEnd(t, () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, sockets, accepted, heard }
}

function configured(t: Ending, ports: readonly number[], timeoutMs: number): Promise<Config> {
  return loadGiven(t, {
    environment: {
      ...ENOUGH,
      KAFKA_BROKERS: ports.map((port) => `127.0.0.1:${port}`).join(','),
      KAFKA_REQUEST_TIMEOUT_MS: `${timeoutMs}`,
      KAFKA_CONNECT_TIMEOUT_MS: `${timeoutMs}`,
    },
  })
}

const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length

void test('reports that Kafka cannot be reached, and leaves nothing open', async (t) => {
  const config = await configured(t, [await freePort(new Set())], 10_000)
  const creating = createTopic('logs', config, NEVER)
  await assert.rejects(creating, { code: 'kafka-unreachable', message: /^Kafka can't be reached: / })
})

void test('does not wait forever for a broker that accepts the connection and never responds', async (t) => {
  const { port } = await silentBroker(t)
  const config = await configured(t, [port], 100)
  await assert.rejects(createTopic('logs', config, NEVER), { code: 'kafka-unreachable' })
})

void test('tries the next broker if one cannot be reached', async (t) => {
  const { port, heard } = await silentBroker(t)
  const config = await configured(t, [await freePort(new Set([port])), port], 100)
  await assert.rejects(createTopic('logs', config, NEVER), { code: 'kafka-unreachable' })
  assert.ok(heard.length > 0)
})

void test('aborted while it waits for a broker, leaves no socket and no timer behind', async (t) => {
  const { port, heard, sockets } = await silentBroker(t)
  const config = await configured(t, [port], 600_000)
  const before = timers()
  const stop = new AbortController()
  const creating = createTopic('logs', config, stop.signal)
  await until(() => heard.length > 0, { what: 'the broker asked' })
  stop.abort()
  await assert.rejects(creating)
  assert.equal(timers(), before)
  await until(() => sockets.size === 0, { what: 'the socket closed' })
})

void test('aborted before it began, opens nothing', async (t) => {
  const { port, accepted } = await silentBroker(t)
  const config = await configured(t, [port], 600_000)
  await assert.rejects(createTopic('logs', config, AbortSignal.abort()))
  // connections are accepted in the order in which they were begun
  const later = connect({ port, host: '127.0.0.1' })
  await until(() => accepted.length > 0, { what: 'a connection' })
  assert.deepEqual(accepted, [later.localPort])
  later.destroy()
})

void test('aborted between two attempts, leaves no timer behind', async (t) => {
  const port = await freePort(new Set())
  const config = await configured(t, [port], 600_000)
  const before = timers()
  const stop = new AbortController()
  const creating = createTopic('logs', config, stop.signal)
  await until(() => timers() > before && !process.getActiveResourcesInfo().includes('TCPConnectWrap'), {
    what: 'the wait after a refusal',
    every: 1,
  })
  stop.abort()
  assert.equal(timers(), before)
  await assert.rejects(creating)
})

void test('neither keeps a stopping agent alive nor goes on sending requests', async (t) => {
  const silent = await silentBroker(t)
  const kafka = await startFake()
  const directory = freshDirectory(t)
  writeFileSync(join(directory, 'a.log'), 'line\n')
  // kafkajs uses the first one; the agent itself finds the topic missing at the other
  const brokers = `127.0.0.1:${silent.port},127.0.0.1:${kafka.node(1).port}`
  const target = ['--kafka-brokers', brokers, '--kafka-topic', 'missing', '--topic-create', 'true']
  const patience = [
    '--kafka-connect-timeout-ms',
    '600s',
    '--kafka-request-timeout-ms',
    '600s',
    '--shutdown-timeout',
    '1s',
  ]
  const files = ['--paths', join(directory, '*.log'), '--state-dir', freshDirectory(t)]
  const agent = startAgent(t, { args: ['run', ...target, ...patience, ...files] })
  // kafkajs is recognised by its version of ApiVersions; the agent's own is 3
  await until(() => silent.heard.some((chunk) => chunk.readInt16BE(6) < 3), { what: 'kafkajs at work' })
  agent.signal('SIGTERM')
  await agent.exitsWith(6)
  assert.equal(agent.log.filter(({ msg }) => msg === 'waiting for topic').length, 1)
})
