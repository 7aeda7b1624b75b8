import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import type { TestContext } from 'node:test'
import { type Finding, tryKafka } from '../../../src/commands/connect.ts'
import { loadGiven } from '../../support/configuration.ts'
import type { FakeKafka } from '../../support/fake-broker.ts'
import { fault } from '../../support/fake-fault.ts'
import { frameOf, writeMetadata } from '../../support/fake-wire.ts'
import { closeAll, startFake } from '../../support/open-cluster.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/wait.ts'

afterEach(closeAll)

/** Findings for inputs with these topics at this Kafka. */
async function tried(
  t: TestContext,
  kafka: Pick<FakeKafka, 'bootstrap'>,
  settings: Readonly<Record<string, string>> = {},
  topics: readonly string[] = ['logs'],
): Promise<Finding[]> {
  const inputs = topics.map((topic) => ({ path: `/var/log/${topic}/*.log`, topic }))
  const config = await loadGiven(t, {
    json: JSON.stringify({ inputs }),
    environment: {
      KAFKA_BROKERS: kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join(','),
      KAFKA_REQUEST_TIMEOUT_MS: '2000',
      KAFKA_CONNECT_TIMEOUT_MS: '2000',
      ...settings,
    },
  })
  return tryKafka(config)
}

/** Each finding as `ok what: words` or `NOT what: words`, without ports. */
const shown = (findings: readonly Finding[]): string[] =>
  findings.map(({ ok, what, words }) => `${ok ? 'ok' : 'NOT'} ${what}: ${words}`.replaceAll(/:\d{4,5}\b/g, ''))

const bad = (findings: readonly Finding[]): string[] => shown(findings.filter(({ ok }) => !ok))

void test('accepts a Kafka with brokers, topics, leaders and a producer id', async (t) => {
  const kafka = await startFake({ nodes: 2, topics: { logs: 3, audit: 1 } })
  assert.deepEqual(shown(await tried(t, kafka, {}, ['logs', 'audit'])), [
    'ok broker 127.0.0.1: reached, and has the API versions that logagent needs; cluster fake, 2 brokers',
    'ok producer id: given: batches will not be stored twice after a retry',
    'ok broker 127.0.0.1: reached, and has the API versions that logagent needs',
    'ok topic logs: 3 partitions, all with a leader; logagent may write to it',
    'ok topic audit: 1 partitions, all with a leader; logagent may write to it',
  ])
  await until(() => kafka.nodes.every(({ connections }) => connections === 0), { what: 'nothing is left open' })
})

void test('tries each leader that is no bootstrap address', async (t) => {
  const kafka = await startFake({ nodes: 3, topics: { logs: 2 } })
  const findings = await tried(t, { bootstrap: kafka.bootstrap.slice(0, 1) })
  assert.deepEqual(shown(findings).slice(3), [
    'ok broker 127.0.0.1 (node 2, a leader): reached, and has the API versions that logagent needs',
  ])
})

void test('names the broker that cannot be reached, and tries the others', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  const nowhere = { host: '127.0.0.1', port: await freePort(new Set()) }
  const findings = await tried(t, { bootstrap: [nowhere, ...kafka.bootstrap] })
  assert.equal(findings.length, 4)
  const [first] = findings
  assert.equal(first?.what, `broker 127.0.0.1:${nowhere.port}`)
  assert.match(first.words, /ECONNREFUSED|refused/)
  assert.equal(bad(findings).length, 1)
})

void test('reports only that no broker can be reached, if that is so', async (t) => {
  const nowhere = { host: '127.0.0.1', port: await freePort(new Set()) }
  const findings = await tried(t, { bootstrap: [nowhere] })
  assert.equal(findings.length, 1)
  assert.equal(bad(findings).length, 1)
})

void test('reports that a broker has other API versions', async (t) => {
  const kafka = await startFake()
  kafka.apis = [
    [0, 0, 3],
    [3, 0, 12],
    [18, 0, 4],
    [22, 0, 5],
  ]
  const findings = await tried(t, kafka)
  assert.equal(findings.length, 1)
  assert.match(findings[0]?.words ?? '', /too old or too new: Produce/)
})

void test("reports that a broker sends no response, or one that is not Kafka's", async (t) => {
  const kafka = await startFake()
  kafka.on('Metadata', fault.never())
  assert.match(bad(await tried(t, kafka, { KAFKA_REQUEST_TIMEOUT_MS: '200' }))[0] ?? '', /within 200 ms/)
  kafka.on('ApiVersions', fault.garbage())
  assert.equal(bad(await tried(t, kafka)).length, 1)
  kafka.on('Metadata', fault.closedMidResponse())
  assert.equal(bad(await tried(t, kafka)).length, 1)
})

void test('reports that a topic is missing, unless it will be created', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  assert.match(bad(await tried(t, kafka, {}, ['logs', 'other'])).join(), /^NOT topic other: .*UNKNOWN_TOPIC/)
  const findings = await tried(t, kafka, { KAFKA_TOPIC_CREATE: 'true', LOGAGENT_TOPIC_CREATE: 'true' }, ['other'])
  assert.deepEqual(bad(findings), [])
  assert.match(shown(findings).join(), /ok topic other: missing; will be created/)
})

void test('reports that logagent may not see a topic', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  kafka.on('Metadata', fault.error(29))
  assert.match(bad(await tried(t, kafka)).join(), /^NOT topic logs: .*TOPIC_AUTHORIZATION_FAILED/)
})

void test('reports that logagent may not write to a topic', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  const [node] = kafka.nodes
  assert.ok(node)
  /** A response with Describe only, the first on a connection after the one to ApiVersions. */
  const operations = (bits: number): Buffer => {
    const topic = { code: 0, name: 'logs', id: '1'.repeat(32), partitions: [{ leader: 1, epoch: 0 }] }
    const frame = frameOf(1, (writer) =>
      writeMetadata(writer, [{ node: 1, host: node.host, port: node.port }], [topic]),
    )
    // the last field of the topic, before its tagged fields and those of the response
    frame.writeInt32BE(bits, frame.length - 6)
    return frame
  }
  const words = async (bits: number): Promise<string> => {
    kafka.on('Metadata', { kind: 'bytes', bytes: operations(bits) })
    return shown(await tried(t, kafka)).find((line) => line.includes('topic logs')) ?? ''
  }
  assert.match(await words(1 << 8), /^NOT topic logs: 1 partitions; logagent may not write to it/)
  assert.match(await words((1 << 8) | (1 << 4)), /^ok topic logs/)
  assert.match(await words(1 << 2), /^ok topic logs/, 'all operations')
})

void test('names the partitions without a leader', async (t) => {
  const kafka = await startFake({ topics: { logs: 3 } })
  kafka.moveLeader('logs', 1, -1)
  kafka.moveLeader('logs', 2, -1)
  assert.deepEqual(bad(await tried(t, kafka)), ['NOT topic logs: 3 partitions, without a leader: 1, 2'])
})

void test('reports that an input needs a partition that the topic does not have', async (t) => {
  const kafka = await startFake({ topics: { logs: 3 } })
  assert.deepEqual(bad(await tried(t, kafka, { KAFKA_PARTITIONER: '2' })), [])
  assert.deepEqual(bad(await tried(t, kafka, { KAFKA_PARTITIONER: '3' })), [
    'NOT topic logs: 3 partitions; an input needs partition 3',
  ])
})

void test('reports that a leader cannot be reached from here', async (t) => {
  const kafka = await startFake({ nodes: 2, topics: { logs: 2 } })
  const second = kafka.node(2)
  second.partitioned = true
  await second.down()
  const findings = await tried(t, { bootstrap: kafka.bootstrap.slice(0, 1) })
  assert.match(bad(findings).join(), /^NOT broker 127\.0\.0\.1 \(node 2, a leader\): /)
})

void test('reports that no producer id is given, if one is needed', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  kafka.on('InitProducerId', fault.error(31))
  assert.match(bad(await tried(t, kafka)).join(), /^NOT producer id: .*CLUSTER_AUTHORIZATION_FAILED/)
  const findings = await tried(t, kafka, { KAFKA_ACKS: '1' })
  assert.ok(!shown(findings).join().includes('producer id'))
})

void test('waits for a coordinator that is still loading, but not forever', async (t) => {
  const kafka = await startFake({ topics: { logs: 1 } })
  kafka.on('InitProducerId', fault.error(14), { times: 2 })
  assert.deepEqual(bad(await tried(t, kafka)), [])
  kafka.on('InitProducerId', fault.error(14), { times: 1000 })
  const findings = await tried(t, kafka, { KAFKA_REQUEST_TIMEOUT_MS: '500' })
  assert.match(bad(findings).join(), /^NOT producer id: .*COORDINATOR_LOAD_IN_PROGRESS/)
})
