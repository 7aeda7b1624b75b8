/**
 * The whole agent against a broker that misbehaves: whatever the broker does once or many times, in the end every line
 * is stored, each file in order, and no more lines are stored twice than the agent has counted as possible repeats.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { FakeKafka } from '../support/fake-broker.ts'
import { fault, type ApiName, type Fault } from '../support/fake-fault.ts'
import type { FakeNode } from '../support/fake-node.ts'
import { LogWriter, account } from '../support/numbered-log.ts'
import { startAgent, type Agent } from '../support/process.ts'
import { abutting, disorder } from '../support/ranges.ts'
import { lastWords } from '../support/scene.ts'
import { storedRecords } from '../support/stored-records.ts'
import { atEnd, type Ending } from '../support/ending.ts'
import { chances, seeded } from '../support/seed.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

const PARTITIONS = 4
const FILES = 6

/** Six files, an agent that ships them, and a fake Kafka of two nodes. */
interface FaultScene {
  readonly kafka: FakeKafka
  readonly agent: Agent
  /** Appends this many lines to each file. */
  write(lines: number): void
  /** Waits until every written line is stored at least once. */
  stored(): Promise<void>
  /** Stops the agent and compares what is stored. Returns how many records were stored more than once. */
  stop(): Promise<number>
}

async function openFaultScene(t: Ending, ...args: readonly string[]): Promise<FaultScene> {
  const kafka = await FakeKafka.start({ nodes: 2, topics: { logs: PARTITIONS } })
  atEnd(t, async () => kafka.close())
  const directory = freshDirectory(t)
  const writers = Array.from({ length: FILES }, (_, n) => new LogWriter(`f${n}`, join(directory, `f${n}.log`)))
  const bootstrap = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',')
  const agent = startAgent(t, {
    args: [
      ...['run', '--kafka-brokers', bootstrap, '--kafka-topic', 'logs', '--paths', join(directory, '*.log')],
      ...['--state-dir', freshDirectory(t), '--encoding', 'raw', '--kafka-request-timeout-ms', '1s'],
      ...['--kafka-retry-min-ms', '5', '--kafka-retry-max-ms', '50', ...args],
    ],
  })
  const records = () => storedRecords(kafka, 'logs', PARTITIONS)
  const written = () => new Map(writers.map(({ log, next }) => [log, next]))
  return {
    kafka,
    agent,
    write: (lines) => {
      for (const writer of writers) writer.write(lines)
    },
    stored: async () => {
      const missing = (): readonly string[] => account(records(), written()).missing
      const isWhole = (): boolean => {
        if (agent.end() !== undefined) throw new Error(`the agent ended; it said ${JSON.stringify(agent.log.at(-1))}`)
        // a cheap count first, because this is called often
        let count = 0
        for (let partition = 0; partition < PARTITIONS; partition++) count += kafka.log('logs', partition).records
        return count >= writers.length * (writers[0]?.next ?? 0) && missing().length === 0
      }
      const said = (): string => agent.log.slice(-5).map((line) => JSON.stringify(line)).join('\n') // prettier-ignore
      await until(isWhole, { what: () => `everything stored except ${missing().join(', ')}\n${said()}`, every: 10 })
    },
    stop: async () => {
      agent.signal('SIGTERM')
      await agent.exitsWith(0)
      for (const writer of writers) writer.close()
      const all = records()
      const sum = account(all, written())
      assert.deepEqual(sum, { ...sum, missing: [], changed: [] })
      assert.deepEqual([abutting(all), disorder(all)], [[], []])
      const { possibleRepeats = 0 } = lastWords(agent)
      assert.ok(sum.repeated <= possibleRepeats, `${sum.repeated} records came again, ${possibleRepeats} may have`)
      return sum.repeated
    },
  }
}

/**
 * Ships while Produce requests meet the fault again and again: on any node, or (`one`) on the leader of the partition
 * that the fault is about. Nothing is stored twice: the broker recognizes a batch that it has stored without a response.
 */
async function shipsDespite(
  t: Ending,
  faultFor: (partition: number) => Fault,
  { times = 3, one = false } = {},
): Promise<void> {
  const scene = await openFaultScene(t)
  scene.write(50)
  await scene.stored()
  // files choose their partitions by ids that are new in every run
  const used = [0, 1, 2, 3].find((partition) => scene.kafka.log('logs', partition).records > 0) ?? 0
  for (let round = 0; round < 2; round++) {
    scene.kafka.onProduce(faultFor(used), { times, ...(one ? { node: scene.kafka.leaderOf('logs', used) } : {}) })
    do {
      for (let n = 0; n < 5; n++) scene.write(40)
      await scene.stored()
    } while (scene.kafka.faultsLeft > 0)
  }
  assert.equal(await scene.stop(), 0)
}

/** How late a response comes is the input of a test. */
const afterMs = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describe('ships every line once when a Produce request', () => {
  const faults: Readonly<Record<string, () => Fault>> = {
    'is lost': fault.requestLost,
    'is served and the response is lost': fault.responseLost,
    'gets a response that is cut off in the middle': fault.closedMidResponse,
    'gets no response': fault.never,
    'gets its response late': () => fault.late(afterMs(300)),
    'gets its response twice': fault.twice,
    'gets garbage as a response': fault.garbage,
    'gets a response with a length of 2 GB': () => fault.frameLength(2 ** 31 - 1),
    'gets a response with a negative length': () => fault.frameLength(-5),
    'gets a response with another correlation id': fault.wrongCorrelation,
    'gets a response with a throttle time': () => fault.throttle(200),
  }
  for (const [what, made] of Object.entries(faults)) {
    test(what, (t) => shipsDespite(t, made))
  }
})

describe('ships every line once when one partition of several', () => {
  const codes: Readonly<Record<string, number>> = {
    UNKNOWN_SERVER_ERROR: -1,
    CORRUPT_MESSAGE: 2,
    UNKNOWN_TOPIC_OR_PARTITION: 3,
    LEADER_NOT_AVAILABLE: 5,
    NOT_LEADER_OR_FOLLOWER: 6,
    REQUEST_TIMED_OUT: 7,
    NETWORK_EXCEPTION: 13,
    NOT_ENOUGH_REPLICAS: 19,
    NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
    TOPIC_AUTHORIZATION_FAILED: 29,
    OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
    DUPLICATE_SEQUENCE_NUMBER: 46,
    INVALID_PRODUCER_EPOCH: 47,
    KAFKA_STORAGE_ERROR: 56,
    UNKNOWN_PRODUCER_ID: 59,
    'an unknown error code': 999,
  }
  for (const [name, code] of Object.entries(codes)) {
    // a broker that says it has the batch is believed even if it has not: nothing can be done about that
    if (name === 'DUPLICATE_SEQUENCE_NUMBER') continue
    test(`is refused: ${name}`, (t) =>
      shipsDespite(t, (partition) => fault.error(code, partition), { times: 5, one: true }))
  }
})

describe('loses no line when a connection', () => {
  test('is closed in the middle of a write', async (t) => {
    const scene = await openFaultScene(t)
    scene.write(50)
    await scene.stored()
    for (let n = 0; n < 12; n++) {
      const nodes: readonly FakeNode[] = scene.kafka.nodes
      nodes[n % 2]?.closeAfter(1000 + n * 3001)
      scene.write(100)
      await scene.stored()
    }
    await scene.stop()
  })

  test('is not read from for a while', async (t) => {
    const scene = await openFaultScene(t, '--kafka-request-timeout-ms', '30s')
    scene.write(50)
    await scene.stored()
    const onNode2 = (): number => [1, 3].reduce((sum, partition) => sum + scene.kafka.log('logs', partition).records, 0)
    const files = onNode2() / 50
    scene.kafka.node(1).stall()
    scene.write(5000)
    await until(() => onNode2() === files * 5050, { what: `${files} files of the other node are served` })
    scene.kafka.node(1).resume()
    await scene.stored()
    assert.equal(await scene.stop(), 0)
  })

  test('is not read from for longer than the time-out of a request', async (t) => {
    const scene = await openFaultScene(t)
    scene.write(50)
    await scene.stored()
    scene.kafka.node(1).stall()
    scene.write(5000)
    await until(() => scene.agent.log.some(({ msg }) => msg === 'batch not stored: trying again'), { what: 'a retry' })
    scene.kafka.node(1).resume()
    await scene.stored()
    await scene.stop()
  })

  test('is refused by a node that is down, while its partitions move to another node', async (t) => {
    const scene = await openFaultScene(t)
    scene.write(50)
    await scene.stored()
    await scene.kafka.node(1).down()
    for (const partition of [0, 2]) scene.kafka.moveLeader('logs', partition, 2)
    scene.write(500)
    await scene.stored()
    await scene.kafka.node(1).up()
    for (const partition of [0, 1, 2, 3]) scene.kafka.moveLeader('logs', partition, 1)
    scene.write(500)
    await scene.stored()
    await scene.stop()
  })

  test('is closed by the broker when it is idle', async (t) => {
    const scene = await openFaultScene(t)
    for (let n = 0; n < 5; n++) {
      scene.write(100)
      await scene.stored()
      for (const node of scene.kafka.nodes) node.drop()
    }
    scene.write(100)
    await scene.stored()
    assert.equal(await scene.stop(), 0)
  })
})

describe('before it has sent a record', () => {
  const faults: readonly (() => Fault)[] = [
    fault.requestLost,
    fault.responseLost,
    fault.never,
    fault.garbage,
    fault.twice,
    () => fault.frameLength(2 ** 31 - 1),
    // COORDINATOR_LOAD_IN_PROGRESS
    () => fault.error(14),
  ]
  for (const api of ['Metadata', 'InitProducerId', 'ApiVersions'] satisfies ApiName[]) {
    test(`recovers when ${api} requests meet every fault in turn`, async (t) => {
      const kafka = await FakeKafka.start({ nodes: 1, topics: { logs: 1 } })
      atEnd(t, async () => kafka.close())
      for (const made of faults) kafka.on(api, made())
      const directory = freshDirectory(t)
      const writer = new LogWriter('f', join(directory, 'f.log'))
      writer.write(500)
      writer.close()
      const agent = startAgent(t, {
        args: [
          ...[
            'run',
            '--kafka-brokers',
            `127.0.0.1:${kafka.node(1).port}`,
            '--kafka-topic',
            'logs',
            '--encoding',
            'raw',
          ],
          ...['--paths', join(directory, '*.log'), '--state-dir', freshDirectory(t)],
          ...['--kafka-request-timeout-ms', '500', '--kafka-retry-min-ms', '5', '--kafka-retry-max-ms', '50'],
        ],
      })
      await until(() => kafka.log('logs', 0).records >= 500, { what: 'all records', within: 60_000 })
      agent.signal('SIGTERM')
      await agent.exitsWith(0)
      const sum = account(storedRecords(kafka, 'logs', 1), new Map([['f', 500]]))
      assert.deepEqual(sum, { ...sum, missing: [], changed: [], repeated: 0, disordered: 0 })
    })
  }
})

test('loses no line when all faults come together, at random', async (t) => {
  const scene = await openFaultScene(t)
  const chance = chances(seeded(t, 1).seed)
  const codes = [-1, 2, 3, 5, 6, 7, 13, 19, 20, 45, 47, 56, 59]
  const faults: readonly (() => Fault)[] = [
    fault.requestLost,
    fault.responseLost,
    fault.closedMidResponse,
    fault.twice,
    fault.garbage,
    fault.wrongCorrelation,
    () => fault.late(afterMs(chance(100))),
    () => fault.error(codes[chance(codes.length)] ?? 6, chance(PARTITIONS)),
    () => fault.error(codes[chance(codes.length)] ?? 6, chance(PARTITIONS)),
  ]
  scene.write(10)
  await scene.stored()
  const before = scene.kafka.requests.length
  for (let n = 0; n < 200; n++) {
    scene.kafka.onProduce(faults[chance(faults.length)]!())
    if (n % 10 === 0) scene.kafka.node(1 + chance(2)).closeAfter(chance(50_000))
    if (n % 25 === 0) scene.kafka.moveLeader('logs', chance(PARTITIONS), 1 + chance(2))
    scene.write(1 + chance(20))
    const served = scene.kafka.requests.length
    await until(() => scene.kafka.requests.length > served, { what: 'another request', every: 1 })
  }
  scene.kafka.heal()
  await scene.stored()
  const repeated = await scene.stop()
  t.diagnostic(`${scene.kafka.requests.length - before} requests, ${repeated} records twice`)
})
