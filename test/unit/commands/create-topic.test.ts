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

// That a topic is made is shown with a real Kafka, in test/e2e: the fake one knows no CreateTopics.

afterEach(closeAll)

const NEVER = new AbortController().signal

/** A broker that takes connections, and what is said on them, and never answers. */
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

void test('says that Kafka cannot be reached, and leaves nothing open', async (t) => {
  const config = await configured(t, [await freePort(new Set())], 10_000)
  const creating = createTopic('logs', config, NEVER)
  await assert.rejects(creating, { code: 'kafka-unreachable', message: /^Kafka can't be reached: / })
})

void test('does not wait for ever for who takes the connection and says nothing', async (t) => {
  const { port } = await silentBroker(t)
  const config = await configured(t, [port], 100)
  await assert.rejects(createTopic('logs', config, NEVER), { code: 'kafka-unreachable' })
})

void test('asks the next broker when one cannot be reached', async (t) => {
  const { port, heard } = await silentBroker(t)
  const config = await configured(t, [await freePort(new Set([port])), port], 100)
  await assert.rejects(createTopic('logs', config, NEVER), { code: 'kafka-unreachable' })
  assert.ok(heard.length > 0)
})

void test('given up while a broker keeps it waiting, ends with no socket and no timer left', async (t) => {
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

void test('given up before it began, opens nothing', async (t) => {
  const { port, accepted } = await silentBroker(t)
  const config = await configured(t, [port], 600_000)
  await assert.rejects(createTopic('logs', config, AbortSignal.abort()))
  // connections are accepted in the order in which they were begun
  const later = connect({ port, host: '127.0.0.1' })
  await until(() => accepted.length > 0, { what: 'a connection' })
  assert.deepEqual(accepted, [later.localPort])
  later.destroy()
})

void test('given up between two attempts, leaves no timer behind', async (t) => {
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

void test('keeps an agent that stops neither alive nor talking', async (t) => {
  const silent = await silentBroker(t)
  const kafka = await startFake()
  const directory = freshDirectory(t)
  writeFileSync(join(directory, 'a.log'), 'line\n')
  // kafkajs asks the first one; the agent itself finds the topic missing at the other
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
  // the version of ApiVersions by which kafkajs is known: the agent's own is 3
  await until(() => silent.heard.some((chunk) => chunk.readInt16BE(6) < 3), { what: 'kafkajs at work' })
  agent.signal('SIGTERM')
  await agent.exitsWith(6)
  assert.equal(agent.log.filter(({ msg }) => msg === 'waiting for topic').length, 1)
})
