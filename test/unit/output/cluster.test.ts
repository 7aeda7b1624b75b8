import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { Cluster, type ClusterOptions } from '../../../src/output/cluster.ts'
import { fakeItem } from '../../support/fake-batch.ts'
import { FakeKafka } from '../../support/fake-broker.ts'
import { fault, type Fault } from '../../support/fake-fault.ts'
import { until } from '../../support/wait.ts'

type Told = readonly [event: string, ...details: readonly (string | number)[]]

const toClose: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

async function start(settings: Parameters<typeof FakeKafka.start>[0] = { topics: { logs: 2 } }): Promise<FakeKafka> {
  const kafka = await FakeKafka.start(settings)
  toClose.push(() => kafka.close())
  return kafka
}

/** A cluster at this Kafka, and everything it tells. */
function open(kafka: FakeKafka, changes: Partial<ClusterOptions> = {}) {
  const told: Told[] = []
  const changed: string[] = []
  const becameReady: number[] = []
  const tell =
    (event: string) =>
    (...details: (string | number)[]) =>
      void told.push([event, ...details])
  const cluster = new Cluster({
    bootstrap: kafka.bootstrap,
    clientId: 'test',
    acks: -1,
    requestTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
    metadataMaxAgeMs: 300_000,
    retry: { minMs: 5, maxMs: 40 },
    events: {
      brokerConnected: tell('brokerConnected'),
      brokerUnreachable: tell('brokerUnreachable'),
      topicWaiting: tell('topicWaiting'),
      topicReady: tell('topicReady'),
      partitionWaiting: tell('partitionWaiting'),
    },
    random: Math.random,
    now: () => performance.now(),
    ...changes,
  })
  toClose.push(() => cluster.close())
  cluster.onChange = (topic) => void changed.push(topic)
  cluster.onReady = (node) => void becameReady.push(node)
  return {
    cluster,
    told,
    changed,
    becameReady,
    events: (name: string) => told.filter(([event]) => event === name),
    /** Waits until the topic's leaders are known. */
    known: (topic: string) => until(() => cluster.view(topic)?.leaders, { what: `leaders of ${topic}`, every: 2 }),
    ready: (node: number) => until(() => cluster.ready(node), { what: `node ${node}`, every: 2 }),
  }
}

/** The same, with the topic known and node 1 ready. */
async function opened(kafka: FakeKafka, changes: Partial<ClusterOptions> = {}) {
  const opened = open(kafka, changes)
  opened.cluster.want('logs')
  await opened.known('logs')
  await opened.ready(1)
  return opened
}

const stored = (baseOffset: number) => ({ kind: 'answered', code: 0, message: null, baseOffset })

describe('a cluster', () => {
  test('learns the leaders of a wanted topic and says so', async () => {
    const kafka = await start({ nodes: 3, topics: { logs: 4 } })
    const { cluster, known, changed, told } = open(kafka)
    assert.equal(cluster.view('logs'), null)
    cluster.want('logs')
    cluster.want('logs')
    assert.deepEqual(await known('logs'), [1, 2, 3, 1])
    assert.deepEqual(changed, ['logs'])
    assert.deepEqual(told, [['topicReady', 'logs', 4]])
    assert.equal(kafka.requests.filter(({ api }) => api === 'Metadata').length, 1)
  })

  test('connects when asked whether a node is ready, and tells when it is', async () => {
    const kafka = await start({ nodes: 2, topics: { logs: 2 } })
    const { cluster, known, becameReady, events } = open(kafka)
    cluster.want('logs')
    await known('logs')
    assert.equal(cluster.ready(2), false)
    assert.equal(cluster.ready(2), false)
    await until(() => becameReady.length > 0, { what: 'onReady' })
    assert.deepEqual(becameReady, [2])
    assert.equal(cluster.ready(2), true)
    assert.equal(kafka.node(2).accepted <= 2, true)
    assert.deepEqual(events('brokerConnected').at(-1), ['brokerConnected', 2, `127.0.0.1:${kafka.node(2).port}`])
  })

  test('sends batches of several topics in one request and gives each its answer', async () => {
    const kafka = await start({ topics: { logs: 2, other: 1 } })
    const { cluster } = await opened(kafka)
    const items = [fakeItem('logs', 1), fakeItem('other', 0), fakeItem('logs', 0), fakeItem('logs', 7)]
    assert.deepEqual(await cluster.produce(1, items), [
      stored(0),
      stored(0),
      stored(0),
      { kind: 'answered', code: 3, message: null, baseOffset: -1 },
    ])
    const again = await cluster.produce(1, [fakeItem('logs', 1, { values: ['a', 'b'] })])
    assert.deepEqual(again, [stored(1)])
    assert.deepEqual(
      [kafka.log('logs', 0), kafka.log('logs', 1)].map((log) => log.records),
      [1, 3],
    )
  })

  test('gives an error of one partition to that one alone, with the words of the broker', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka)
    kafka.onProduce(fault.error(87, 1, 'no key'))
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0), fakeItem('logs', 1)]), [
      stored(0),
      { kind: 'answered', code: 87, message: 'no key', baseOffset: -1 },
    ])
  })

  test('is content with a request written when acks is 0', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka, { acks: 0 })
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(-1)])
    await until(() => kafka.log('logs', 0).records === 1, { what: 'the record' })
  })

  test('asks for acks 1 as for all', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka, { acks: 1 })
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(0)])
  })

  test('says that nothing was sent to a node that is not there', async () => {
    const { cluster } = await opened(await start())
    const [answer] = await cluster.produce(9, [fakeItem('logs', 0)])
    assert.deepEqual(answer, { kind: 'unanswered', maybeSent: false, reason: 'broker 9 is not connected' })
    assert.equal(cluster.ready(9), false)
  })

  test('gives a producer id once the coordinator has loaded', async () => {
    const kafka = await start()
    const { cluster, events } = open(kafka)
    kafka.on('InitProducerId', fault.error(14), { times: 3 })
    const { id, epoch } = await cluster.producerId(AbortSignal.timeout(10_000))
    assert.ok(id >= 1000)
    assert.equal(epoch, 0)
    assert.deepEqual(events('brokerUnreachable'), [])
  })

  test('gives up on a producer id only when told to', async () => {
    const kafka = await start()
    const { cluster, events } = open(kafka)
    kafka.on('InitProducerId', fault.error(31), { times: Infinity })
    await assert.rejects(cluster.producerId(AbortSignal.timeout(100)), { name: /Timeout|Abort/ })
    assert.equal(events('brokerUnreachable').length, 1)
    assert.match(String(events('brokerUnreachable')[0]?.[3]), /no producer id: .*CLUSTER_AUTHORIZATION_FAILED/)
  })

  test('asks for everything again at the age set, and needs no other timer', async () => {
    const kafka = await start()
    const { changed } = await opened(kafka, { metadataMaxAgeMs: 50 })
    kafka.addPartitions('logs', 1)
    await until(() => changed.length === 2, { what: 'the new partition' })
    const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout')
    assert.ok(timers.length <= 2, `${timers.length} timers`)
  })

  test('ends what is pending, unanswered, when it is closed', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka)
    kafka.onProduce(fault.never())
    const producing = cluster.produce(1, [fakeItem('logs', 0)])
    const noId = assert.rejects(cluster.producerId(new AbortController().signal))
    await cluster.close()
    assert.deepEqual(await producing, [{ kind: 'unanswered', maybeSent: true, reason: 'the agent stops' }])
    await noId
    assert.equal(cluster.ready(1), false)
    await until(() => kafka.node(1).connections === 0, { what: 'the last socket' })
  })
})

describe('a cluster with topics in trouble', () => {
  test('waits for a missing topic, tells so once, and serves the others meanwhile', async () => {
    const kafka = await start()
    const { cluster, known, events } = open(kafka)
    cluster.want('later')
    cluster.want('logs')
    await known('logs')
    const asked = (): number =>
      kafka.requests.filter(({ api, about }) => api === 'Metadata' && about[0] === 'later').length
    await until(() => asked() > 4, { what: 'asking again' })
    assert.equal(events('topicWaiting').length, 1)
    assert.match(String(events('topicWaiting')[0]?.[2]), /does not exist/)
    kafka.createTopic('later', 3)
    assert.equal((await known('later')).length, 3)
    assert.deepEqual(events('topicReady').at(-1), ['topicReady', 'later', 3])
  })

  test('has a missing topic made, once', async () => {
    const kafka = await start()
    const made: string[] = []
    const createTopic = async (topic: string): Promise<void> => {
      made.push(topic)
      await until(() => kafka.requests.length > 8, { what: 'asking again', every: 2 })
      kafka.createTopic(topic, 1)
    }
    const { cluster, known } = open(kafka, { createTopic })
    cluster.want('new')
    await known('new')
    assert.deepEqual(made, ['new'])
  })

  test('tells why a topic could not be made, and goes on waiting', async () => {
    const kafka = await start()
    const createTopic = (): Promise<void> => Promise.reject(new Error('no permission'))
    const { cluster, known, events } = open(kafka, { createTopic })
    cluster.want('new')
    await until(() => events('topicWaiting').length === 2, { what: 'the reason' })
    assert.match(String(events('topicWaiting')[1]?.[2]), /could not be created: no permission/)
    kafka.createTopic('new', 1)
    await known('new')
  })

  test('notices that a topic was deleted and made anew', async () => {
    const kafka = await start()
    const { cluster, changed, known, events } = await opened(kafka)
    kafka.deleteTopic('logs')
    cluster.refresh('logs')
    await until(() => cluster.view('logs') === null, { what: 'the topic gone' })
    kafka.createTopic('logs', 2)
    await known('logs')
    kafka.createTopic('logs', 2)
    cluster.refresh('logs')
    await until(() => changed.length === 4, { what: 'another id' })
    assert.equal(events('topicReady').length, 3)
  })

  test('follows a leader that moves, and one that goes', async () => {
    const kafka = await start({ nodes: 2, topics: { logs: 2 } })
    const { cluster, events } = await opened(kafka)
    kafka.moveLeader('logs', 0, 2)
    kafka.moveLeader('logs', 1, -1)
    for (let calls = 0; calls < 100; calls++) cluster.refresh('logs')
    await until(() => String(cluster.view('logs')?.leaders) === '2,-1', { what: 'new leaders', every: 2 })
    assert.deepEqual(events('partitionWaiting'), [['partitionWaiting', 'logs', 1, 'it has no leader now']])
    kafka.moveLeader('logs', 1, 1)
    await until(() => String(cluster.view('logs')?.leaders) === '2,1', { what: 'a leader again' })
    assert.equal(events('partitionWaiting').length, 1)
  })
})

describe('a cluster with brokers in trouble', () => {
  const lost: readonly (readonly [string, Fault, number])[] = [
    ['a lost request', fault.requestLost(), 0],
    ['a lost answer', fault.answerLost(), 1],
    ['an answer cut off', fault.closedMidAnswer(), 1],
    ['garbage', fault.garbage(), 1],
    ['a length of 2 GB', fault.frameLength(2 ** 31 - 1), 1],
    ['a negative length', fault.frameLength(-5), 1],
    ['a wrong correlation id', fault.wrongCorrelation(), 1],
  ]
  for (const [what, wrong, records] of lost) {
    test(`survives ${what}: unanswered, then stored or recognised when sent again`, async () => {
      const kafka = await start()
      const { cluster, ready, events } = await opened(kafka)
      const item = fakeItem('logs', 0, { producerId: 7, epoch: 0, sequence: 0 })
      kafka.onProduce(wrong)
      const [answer] = await cluster.produce(1, [item])
      assert.equal(answer?.kind === 'unanswered' && answer.maybeSent, true)
      assert.equal(kafka.log('logs', 0).records, records)
      await ready(1)
      assert.deepEqual(await cluster.produce(1, [item]), [stored(0)])
      assert.equal(kafka.log('logs', 0).records, 1)
      assert.equal(events('brokerUnreachable').length, 1)
    })
  }

  test('keeps the first of two answers and connects anew', async () => {
    const kafka = await start()
    const { cluster, ready } = await opened(kafka)
    kafka.onProduce(fault.twice())
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(0)])
    await until(() => !cluster.ready(1), { what: 'the connection ended', every: 1 })
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(1)])
  })

  test('takes a late answer, and those behind it', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka)
    const release = Promise.withResolvers<void>()
    kafka.onProduce(fault.late(release.promise))
    const both = Promise.all([cluster.produce(1, [fakeItem('logs', 0)]), cluster.produce(1, [fakeItem('logs', 1)])])
    await until(() => kafka.log('logs', 0).records === 1, { what: 'the record' })
    release.resolve()
    assert.deepEqual(await both, [[stored(0)], [stored(0)]])
  })

  test('ends a connection closed in the middle of a write, and says that bytes may have arrived', async () => {
    const kafka = await start()
    const { cluster, ready } = await opened(kafka)
    kafka.node(1).closeAfter(100_000)
    const large = fakeItem('logs', 0, { values: ['x'.repeat(900_000)] })
    const [answer] = await cluster.produce(1, [large])
    assert.equal(answer?.kind === 'unanswered' && answer.maybeSent, true)
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [large]), [stored(0)])
  })

  test('gives up on a broker that stops reading, at the deadline', async () => {
    const kafka = await start()
    const { cluster } = await opened(kafka, { requestTimeoutMs: 150 })
    kafka.node(1).stall()
    const requests = Array.from({ length: 40 }, () =>
      cluster.produce(1, [fakeItem('logs', 0, { values: ['x'.repeat(900_000)] })]),
    )
    const answers = (await Promise.all(requests)).flat()
    assert.ok(answers.every((answer) => answer.kind === 'unanswered'))
    const sent = answers.map((answer) => answer.kind === 'unanswered' && answer.maybeSent)
    assert.equal(sent[0], true)
    assert.equal(sent.at(-1), false, 'what the socket never got')
    kafka.node(1).resume()
  })

  test('leaves a broker alone for as long as it wants to be', async () => {
    const kafka = await start()
    const { cluster, becameReady } = await opened(kafka)
    kafka.onProduce(fault.throttle(60))
    becameReady.length = 0
    const before = performance.now()
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(0)])
    assert.equal(cluster.ready(1), false)
    await until(() => becameReady.length > 0, { what: 'onReady', every: 1 })
    assert.ok(performance.now() - before >= 60)
    assert.equal(cluster.ready(1), true)
  })

  test('thinks nothing of an idle connection that is closed', async () => {
    const kafka = await start()
    const { cluster, ready, told } = await opened(kafka)
    await cluster.produce(1, [fakeItem('logs', 0)])
    const before = told.length
    kafka.node(1).drop()
    await until(() => !cluster.ready(1), { what: 'the connection ended', every: 1 })
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(1)])
    assert.equal(told.length, before)
  })

  test('names a broker that is down once, knocks with growing pauses, and tells when it is back', async () => {
    const kafka = await start({ nodes: 2, topics: { logs: 2 } })
    const { cluster, events, becameReady } = await opened(kafka)
    kafka.node(1).partitioned = true
    await kafka.node(1).down()
    await until(() => !cluster.ready(1), { what: 'the connection ended', every: 1 })
    becameReady.length = 0
    await until(() => events('brokerUnreachable').length > 0, { what: 'the name of the broker' })
    assert.deepEqual(events('brokerUnreachable')[0]?.slice(0, 3), [
      'brokerUnreachable',
      1,
      `127.0.0.1:${kafka.node(1).port}`,
    ])
    await kafka.node(1).up()
    await until(() => becameReady.includes(1), { what: 'onReady' })
    assert.equal(events('brokerConnected').filter(([, node]) => node === 1).length, 2)
    assert.equal(events('brokerUnreachable').filter(([, node]) => node === 1).length, 1)
  })

  test('goes back to the bootstrap addresses when no broker it knows can be reached', async () => {
    const kafka = await start({ nodes: 2, topics: { logs: 2 } })
    for (const node of kafka.nodes) node.advertised = { host: '127.0.0.1', port: 1 }
    const { cluster, known, ready } = open(kafka)
    cluster.want('logs')
    await known('logs')
    assert.equal(cluster.ready(1), false)
    for (const node of kafka.nodes) node.advertised = node
    await ready(1)
    await ready(2)
  })

  test('says what a broker lacks', async () => {
    const kafka = await start()
    kafka.apis = [
      [0, 0, 8],
      [3, 0, 12],
    ]
    const { cluster, events } = open(kafka)
    cluster.want('logs')
    await until(() => events('brokerUnreachable').length > 0, { what: 'the reason' })
    assert.match(
      String(events('brokerUnreachable')[0]?.[3]),
      /^127.0.0.1:\d+ is too old or too new: Produce version 9 \(it speaks 0 to 8\), InitProducerId \(not spoken at all\)$/,
    )
  })

  test('says that a broker does not even know how to be asked', async () => {
    const kafka = await start()
    kafka.knowsApiVersions3 = false
    const { cluster, events } = open(kafka)
    cluster.want('logs')
    await until(() => events('brokerUnreachable').length > 0, { what: 'the reason' })
    assert.match(String(events('brokerUnreachable')[0]?.[3]), /ApiVersions: .*UNSUPPORTED_VERSION/)
  })

  test('does not storm a broker that hangs up on everybody', async () => {
    const kafka = await start()
    kafka.on('ApiVersions', fault.requestLost(), { times: Infinity })
    const { cluster } = open(kafka, { retry: { minMs: 20, maxMs: 40 } })
    const before = performance.now()
    cluster.want('logs')
    const id = cluster.producerId(AbortSignal.timeout(300))
    await assert.rejects(id)
    const attempts = kafka.node(1).accepted
    // Two ask (metadata, producer id), over one broker: never more often than every minMs / 2.
    assert.ok(attempts >= 3 && attempts <= 2 + (performance.now() - before) / 10, `${attempts} attempts`)
  })
})
