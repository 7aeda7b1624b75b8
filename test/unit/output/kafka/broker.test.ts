import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { fakeItem } from '../../../support/fake-batch.ts'
import { fault, type Fault } from '../../../support/fake-fault.ts'
import { closeAll, open, opened, startFake, stored } from '../../../support/open-cluster.ts'
import { until } from '../../../support/wait.ts'

afterEach(closeAll)

describe('a cluster with brokers in trouble', () => {
  const lost: readonly (readonly [string, Fault, number])[] = [
    ['a lost request', fault.requestLost(), 0],
    ['a lost response', fault.responseLost(), 1],
    ['a response cut off', fault.closedMidResponse(), 1],
    ['garbage', fault.garbage(), 1],
    ['a length of 2 GB', fault.frameLength(2 ** 31 - 1), 1],
    ['a negative length', fault.frameLength(-5), 1],
    ['a wrong correlation id', fault.wrongCorrelation(), 1],
  ]
  for (const [what, wrong, records] of lost) {
    test(`survives ${what}: no response, then stored or recognised when sent again`, async () => {
      const kafka = await startFake()
      const { cluster, ready, events } = await opened(kafka)
      const item = fakeItem('logs', 0, { producerId: 7, epoch: 0, sequence: 0 })
      kafka.onProduce(wrong)
      const [response] = await cluster.produce(1, [item])
      assert.equal(response?.kind === 'no-response' && response.maybeSent, true)
      assert.equal(kafka.log('logs', 0).records, records)
      await ready(1)
      assert.deepEqual(await cluster.produce(1, [item]), [stored(0)])
      assert.equal(kafka.log('logs', 0).records, 1)
      assert.equal(events('brokerUnreachable').length, 1)
    })
  }

  test('keeps the first of two responses and connects again', async () => {
    const kafka = await startFake()
    const { cluster, ready } = await opened(kafka)
    kafka.onProduce(fault.twice())
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(0)])
    await until(() => !cluster.ready(1), { what: 'the connection ended', every: 1 })
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(1)])
  })

  test('accepts a late response, and those behind it', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka)
    const release = Promise.withResolvers<void>()
    kafka.onProduce(fault.late(release.promise))
    const both = Promise.all([cluster.produce(1, [fakeItem('logs', 0)]), cluster.produce(1, [fakeItem('logs', 1)])])
    await until(() => kafka.log('logs', 0).records === 1, { what: 'the record' })
    release.resolve()
    assert.deepEqual(await both, [[stored(0)], [stored(0)]])
  })

  test('ends a connection closed in the middle of a write, and says that bytes may have arrived', async () => {
    const kafka = await startFake()
    const { cluster, ready } = await opened(kafka)
    kafka.node(1).closeAfter(100_000)
    const large = fakeItem('logs', 0, { values: ['x'.repeat(900_000)] })
    const [response] = await cluster.produce(1, [large])
    assert.equal(response?.kind === 'no-response' && response.maybeSent, true)
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [large]), [stored(0)])
  })

  test('gives up on a broker that stops reading, at the deadline', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka, { requestTimeoutMs: 150 })
    kafka.node(1).stall()
    const requests = Array.from({ length: 40 }, () =>
      cluster.produce(1, [fakeItem('logs', 0, { values: ['x'.repeat(900_000)] })]),
    )
    const responses = (await Promise.all(requests)).flat()
    assert.ok(responses.every((response) => response.kind === 'no-response'))
    const sent = responses.map((response) => response.kind === 'no-response' && response.maybeSent)
    assert.equal(sent[0], true)
    assert.equal(sent.at(-1), false, 'bytes that the socket never got')
    kafka.node(1).resume()
  })

  test('sends nothing to a broker for as long as it throttles us', async () => {
    const kafka = await startFake()
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

  test('does not report an idle connection that is closed', async () => {
    const kafka = await startFake()
    const { cluster, ready, reported } = await opened(kafka)
    await cluster.produce(1, [fakeItem('logs', 0)])
    const before = reported.length
    kafka.node(1).drop()
    await until(() => !cluster.ready(1), { what: 'the connection ended', every: 1 })
    await ready(1)
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(1)])
    assert.equal(reported.length, before)
  })

  test('reports a broker that is down at each attempt, with growing pauses, and once when it is back', async () => {
    const kafka = await startFake({ nodes: 2, topics: { logs: 2 } })
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
    await until(() => events('brokerUnreachable').length >= 3, { what: 'more attempts' })
    await kafka.node(1).up()
    await until(() => becameReady.includes(1), { what: 'onReady' })
    assert.equal(events('brokerConnected').filter(([, node]) => node === 1).length, 2)
  })

  test('goes back to the bootstrap addresses when no broker it knows can be reached', async () => {
    const kafka = await startFake({ nodes: 2, topics: { logs: 2 } })
    for (const node of kafka.nodes) node.advertised = { host: '127.0.0.1', port: 1 }
    const { cluster, known, ready } = open(kafka)
    cluster.want('logs')
    await known('logs')
    assert.equal(cluster.ready(1), false)
    for (const node of kafka.nodes) node.advertised = node
    await ready(1)
    await ready(2)
  })

  test('reports which APIs a broker lacks', async () => {
    const kafka = await startFake()
    kafka.apis = [
      [0, 0, 8],
      [3, 0, 12],
    ]
    const { cluster, events } = open(kafka)
    cluster.want('logs')
    await until(() => events('brokerUnreachable').length > 0, { what: 'the reason' })
    assert.match(
      String(events('brokerUnreachable')[0]?.[3]),
      /^127.0.0.1:\d+ is too old or too new: Produce version 9 \(the broker supports 0 to 8\), InitProducerId \(not supported\)$/,
    )
  })

  test('reports a broker that does not know the request for its versions', async () => {
    const kafka = await startFake()
    kafka.knowsApiVersions3 = false
    const { cluster, events } = open(kafka)
    cluster.want('logs')
    await until(() => events('brokerUnreachable').length > 0, { what: 'the reason' })
    assert.match(String(events('brokerUnreachable')[0]?.[3]), /ApiVersions: .*UNSUPPORTED_VERSION/)
  })

  test('does not connect too often to a broker that closes every connection', async () => {
    const kafka = await startFake()
    kafka.on('ApiVersions', fault.requestLost(), { times: Infinity })
    const { cluster } = open(kafka, { retry: { minMs: 20, maxMs: 40 } })
    const before = performance.now()
    cluster.want('logs')
    const id = cluster.producerId(AbortSignal.timeout(300))
    await assert.rejects(id)
    const attempts = kafka.node(1).accepted
    // Two requests (metadata, producer id) go to one broker: never more often than every minMs / 2.
    assert.ok(attempts >= 3 && attempts <= 2 + (performance.now() - before) / 10, `${attempts} attempts`)
  })
})
