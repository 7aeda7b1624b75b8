import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { fakeItem } from '../../../support/fake-batch.ts'
import { fault } from '../../../support/fake-fault.ts'
import { closeAll, open, opened, startFake, stored } from '../../../support/open-cluster.ts'
import { until } from '../../../support/wait.ts'

afterEach(closeAll)

describe('a cluster', () => {
  test('learns the leaders of a wanted topic and reports it', async () => {
    const kafka = await startFake({ nodes: 3, topics: { logs: 4 } })
    const { cluster, known, changed, reported } = open(kafka)
    assert.equal(cluster.view('logs'), null)
    cluster.want('logs')
    cluster.want('logs')
    assert.deepEqual(await known('logs'), [1, 2, 3, 1])
    assert.deepEqual(changed, ['logs'])
    assert.deepEqual(reported, [['topicReady', 'logs', 4]])
    assert.equal(kafka.requests.filter(({ api }) => api === 'Metadata').length, 1)
  })

  test('connects when it is called for a node that is not ready, and reports when it is', async () => {
    const kafka = await startFake({ nodes: 2, topics: { logs: 2 } })
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

  test('sends batches of several topics in one request and gives each its response', async () => {
    const kafka = await startFake({ topics: { logs: 2, other: 1 } })
    const { cluster } = await opened(kafka)
    const items = [fakeItem('logs', 1), fakeItem('other', 0), fakeItem('logs', 0), fakeItem('logs', 7)]
    assert.deepEqual(await cluster.produce(1, items), [
      stored(0),
      stored(0),
      stored(0),
      { kind: 'response', code: 3, message: null, baseOffset: -1 },
    ])
    const again = await cluster.produce(1, [fakeItem('logs', 1, { values: ['a', 'b'] })])
    assert.deepEqual(again, [stored(1)])
    assert.deepEqual(
      [kafka.log('logs', 0), kafka.log('logs', 1)].map((log) => log.records),
      [1, 3],
    )
  })

  test('gives an error of one partition to that one alone, with the message of the broker', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka)
    kafka.onProduce(fault.error(87, 1, 'no key'))
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0), fakeItem('logs', 1)]), [
      stored(0),
      { kind: 'response', code: 87, message: 'no key', baseOffset: -1 },
    ])
  })

  test('finishes a request when it is written where acks is 0', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka, { acks: 0 })
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(-1)])
    await until(() => kafka.log('logs', 0).records === 1, { what: 'the record' })
  })

  test('learns of another leader with acks 0, too, where the broker can only close the connection', async () => {
    const kafka = await startFake({ nodes: 2, topics: { logs: 1 } })
    const { cluster } = await opened(kafka, { acks: 0 })
    kafka.moveLeader('logs', 0, 2)
    await cluster.produce(1, [fakeItem('logs', 0)])
    await until(() => cluster.view('logs')?.leaders[0] === 2, { what: 'the new leader' })
  })

  test('sends with acks 1 as with all', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka, { acks: 1 })
    assert.deepEqual(await cluster.produce(1, [fakeItem('logs', 0)]), [stored(0)])
  })

  test('says that nothing was sent to a node that is not there, or not connected', async () => {
    const { cluster, known } = open(await startFake())
    cluster.want('logs')
    await known('logs')
    const [response] = await cluster.produce(9, [fakeItem('logs', 0)])
    assert.deepEqual(response, { kind: 'no-response', maybeSent: false, reason: 'broker 9 is not known' })
    assert.equal(cluster.ready(9), false)
    const [other] = await cluster.produce(1, [fakeItem('logs', 0)])
    assert.deepEqual(other, { kind: 'no-response', maybeSent: false, reason: 'broker 1 is not connected' })
  })

  test('gives a producer id once the coordinator has loaded', async () => {
    const kafka = await startFake()
    const { cluster, events } = open(kafka)
    kafka.on('InitProducerId', fault.error(14), { times: 3 })
    const { id, epoch } = await cluster.producerId(AbortSignal.timeout(10_000))
    assert.ok(id >= 1000)
    assert.equal(epoch, 0)
    assert.deepEqual(
      ['brokerUnreachable', 'producerIdWaiting', 'producerIdRefused'].flatMap((name) => events(name)),
      [],
    )
  })

  test('gives up on a producer id only when it is aborted', async () => {
    const kafka = await startFake()
    const { cluster, events } = open(kafka)
    kafka.on('InitProducerId', fault.error(31), { times: Infinity })
    await assert.rejects(cluster.producerId(AbortSignal.timeout(100)), { name: /Timeout|Abort/ })
    const [refused] = events('producerIdRefused')
    assert.equal(refused?.[1], `127.0.0.1:${kafka.node(1).port}`)
    assert.match(String(refused?.[2]), /CLUSTER_AUTHORIZATION_FAILED/)
    assert.deepEqual(events('brokerUnreachable'), [])
  })

  test('requests all metadata again at the age that is set, and needs no other timer', async () => {
    const kafka = await startFake()
    const { changed } = await opened(kafka, { metadataMaxAgeMs: 50 })
    kafka.addPartitions('logs', 1)
    await until(() => changed.length === 2, { what: 'the new partition' })
    const timers = process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout')
    assert.ok(timers.length <= 2, `${timers.length} timers`)
  })

  test('ends pending requests without a response when it is closed', async () => {
    const kafka = await startFake()
    const { cluster } = await opened(kafka)
    kafka.onProduce(fault.never())
    const producing = cluster.produce(1, [fakeItem('logs', 0)])
    const noId = assert.rejects(cluster.producerId(new AbortController().signal))
    await cluster.close()
    assert.deepEqual(await producing, [{ kind: 'no-response', maybeSent: true, reason: 'the agent stops' }])
    await noId
    assert.equal(cluster.ready(1), false)
    await until(() => kafka.node(1).connections === 0, { what: 'the last socket' })
  })
})

describe('a cluster with topics in trouble', () => {
  test('waits for a missing topic, reports it once, and serves the others meanwhile', async () => {
    const kafka = await startFake()
    const { cluster, known, events } = open(kafka)
    cluster.want('later')
    cluster.want('logs')
    await known('logs')
    const requests = (): number =>
      kafka.requests.filter(({ api, about }) => api === 'Metadata' && about[0] === 'later').length
    await until(() => requests() > 4, { what: 'more requests' })
    assert.equal(events('topicWaiting').length, 1)
    assert.match(String(events('topicWaiting')[0]?.[2]), /does not exist/)
    kafka.createTopic('later', 3)
    assert.equal((await known('later')).length, 3)
    assert.deepEqual(events('topicReady').at(-1), ['topicReady', 'later', 3])
  })

  test('notices that a topic was deleted and created anew', async () => {
    const kafka = await startFake()
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

  test('follows a leader that moves, and one that is lost', async () => {
    const kafka = await startFake({ nodes: 2, topics: { logs: 2 } })
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
