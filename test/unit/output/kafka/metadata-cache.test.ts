import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MetadataCache } from '../../../../src/output/kafka/metadata-cache.ts'
import type { MetadataResponse, TopicMetadata } from '../../../../src/output/kafka/wire/metadata.ts'

const ID = 'a'.repeat(32)

/** Partitions as [leader, leader epoch]. */
function topic(
  partitions: readonly (readonly [number, number])[],
  changes: Partial<TopicMetadata> = {},
): TopicMetadata {
  return {
    code: 0,
    name: 'logs',
    id: ID,
    partitions: partitions.map(([leader, leaderEpoch], partition) => ({ partition, leader, leaderEpoch })),
    authorizedOperations: 0,
    ...changes,
  }
}

function response(
  topics: readonly TopicMetadata[],
  nodes: readonly number[] = [1, 2, 3],
  clusterId = 'cluster',
): MetadataResponse {
  const brokers = nodes.map((node) => ({ node, host: 'kafka', port: 9092 }))
  return { throttleMs: 0, clusterId, brokers, topics }
}

/** An id of 32 times this digit. */
const id = (digit: string): { id: string } => ({ id: digit.repeat(32) })

function cache() {
  const reported: string[] = []
  const clock = { now: 0 }
  const metadata = new MetadataCache(
    {
      topicWaiting: (topic, reason) => void reported.push(`${topic} waits: ${reason}`),
      topicRefused: (topic, reason) => void reported.push(`${topic} is refused: ${reason}`),
      topicReady: (topic, partitions) => void reported.push(`${topic} has ${partitions}`),
      partitionWaiting: (topic, partition, reason) => void reported.push(`${topic}-${partition} waits: ${reason}`),
    },
    () => clock.now,
  )
  return { metadata, reported, clock, leaders: () => metadata.view('logs')?.leaders }
}

describe('the metadata cache', () => {
  test('does not go back to a leader of an older epoch', () => {
    const { metadata, leaders } = cache()
    metadata.apply(response([topic([[2, 5]])]), ['logs'])
    assert.deepEqual(metadata.apply(response([topic([[1, 4]])]), ['logs']).changed, [])
    assert.deepEqual(leaders(), [2])
    assert.deepEqual(metadata.apply(response([topic([[3, 6]])]), ['logs']).changed, ['logs'])
    assert.deepEqual(leaders(), [3])
  })

  test('keeps partitions that a broker which lags behind does not know yet', () => {
    const { metadata, leaders } = cache()
    metadata.apply(response([topic([[1, 0], [2, 0], [3, 0]])]), ['logs']) // prettier-ignore
    assert.deepEqual(metadata.apply(response([topic([[1, 0], [2, 0]])]), ['logs']).changed, []) // prettier-ignore
    assert.deepEqual(leaders(), [1, 2, 3])
    // a topic created again under its name does have fewer
    metadata.apply(response([topic([[1, 0]], { id: 'b'.repeat(32) })]), ['logs'])
    assert.deepEqual(leaders(), [1])
  })

  test('begins with new epochs for another topic of the same name', () => {
    const { metadata, leaders } = cache()
    metadata.apply(response([topic([[2, 5]])]), ['logs'])
    const { changed } = metadata.apply(response([topic([[2, 0]], { id: 'b'.repeat(32) })]), ['logs'])
    assert.deepEqual(changed, ['logs'])
    assert.deepEqual(metadata.apply(response([topic([[1, 1]], { id: 'b'.repeat(32) })]), ['logs']).changed, ['logs'])
    assert.deepEqual(leaders(), [1])
  })

  test('does not go back to a topic that was replaced: its partitions are fewer, and its leaders others', () => {
    const { metadata, leaders, reported } = cache()
    metadata.apply(response([topic([[1, 9]], id('a'))]), ['logs'])
    metadata.apply(response([topic([[2, 0], [3, 0]], id('b'))]), ['logs']) // prettier-ignore
    const change = metadata.apply(response([topic([[1, 9]], id('a'))]), ['logs'])
    assert.deepEqual(change, { changed: [], troubled: ['logs'], missing: [] }, 'and requests it again')
    assert.deepEqual(leaders(), [2, 3])
    assert.equal(metadata.view('logs')?.id, id('b').id)
    assert.deepEqual(reported, ['logs has 1', 'logs has 2'])
  })

  test('does not take a topic that was replaced while there is none, either', () => {
    const { metadata, leaders, reported } = cache()
    metadata.apply(response([topic([[1, 9]], id('a'))]), ['logs'])
    metadata.apply(response([topic([[2, 0]], id('b'))]), ['logs'])
    assert.deepEqual(metadata.apply(response([topic([], { code: 3 })]), ['logs']).changed, ['logs'])
    assert.deepEqual(metadata.apply(response([topic([[1, 9]], id('a'))]), ['logs']).changed, [])
    assert.equal(metadata.view('logs'), null)
    assert.equal(reported.at(-1), 'logs waits: the topic or partition does not exist (UNKNOWN_TOPIC_OR_PARTITION)')
    // a topic that was missing for a moment is still the same: its metadata is still valid
    metadata.apply(response([topic([[3, -1]], id('b'))]), ['logs'])
    assert.deepEqual(leaders(), [3])
    metadata.apply(response([topic([[1, 0]], id('c'))]), ['logs'])
    assert.deepEqual(metadata.apply(response([topic([[3, 0]], id('b'))]), ['logs']).changed, [])
    assert.deepEqual(leaders(), [1])
  })

  test('remembers the last eight topics of a name that were replaced', () => {
    const { metadata } = cache()
    for (const digit of '0123456789'.slice(1)) metadata.apply(response([topic([[1, 0]], id(digit))]), ['logs'])
    for (const digit of '12345678') {
      assert.deepEqual(metadata.apply(response([topic([[1, 0]], id(digit))]), ['logs']).changed, [], digit)
    }
    metadata.apply(response([topic([[1, 0]], id('a'))]), ['logs'])
    assert.deepEqual(metadata.apply(response([topic([[1, 0]], id('1'))]), ['logs']).changed, ['logs'])
  })

  test('takes the topic of another cluster behind the same addresses, also when it comes back', () => {
    const { metadata, leaders } = cache()
    metadata.apply(response([topic([[1, 0]], id('a'))], [1, 2, 3], 'one'), ['logs'])
    metadata.apply(response([topic([[2, 0]], id('b'))], [1, 2, 3], 'other'), ['logs'])
    metadata.apply(response([topic([[3, 0]], id('a'))], [1, 2, 3], 'one'), ['logs'])
    assert.deepEqual(leaders(), [3])
  })

  test('takes every response as it is where topics have no ids: a topic created anew begins with small epochs', () => {
    const { metadata, leaders } = cache()
    metadata.apply(response([topic([[1, 9]], id('0'))]), ['logs'])
    metadata.apply(response([topic([[2, 0]], id('0'))]), ['logs'])
    assert.deepEqual(leaders(), [2])
    // brokers that are upgraded one by one
    metadata.apply(response([topic([[3, 0]], id('a'))]), ['logs'])
    metadata.apply(response([topic([[2, 0]], id('0'))]), ['logs'])
    metadata.apply(response([topic([[1, 1]], id('a'))]), ['logs'])
    assert.deepEqual(leaders(), [1])
  })

  test('takes a leader that is not among the brokers for none, and requests the topic again', () => {
    const { metadata, leaders } = cache()
    const { troubled } = metadata.apply(response([topic([[9, 0]])]), ['logs'])
    assert.deepEqual(leaders(), [-1])
    assert.deepEqual(troubled, ['logs'])
  })

  test('distrusts a response with partitions missing or a topic left out, and keeps to the requested topics', () => {
    const { metadata } = cache()
    const strange = topic([[1, 0]], { partitions: [{ partition: 2 ** 30, leader: 1, leaderEpoch: 0 }] })
    assert.deepEqual(metadata.apply(response([strange]), ['logs', 'other']).troubled, ['logs', 'other'])
    assert.equal(metadata.view('logs'), null)
    metadata.apply(response([topic([[1, 0]])]), ['other'])
    assert.equal(metadata.view('logs'), null)
  })

  test('reports trouble at once, then every 30 s, and its end', () => {
    const { metadata, reported, clock } = cache()
    const missing = response([topic([], { code: 3 })])
    for (; clock.now <= 60_000; clock.now += 1_000) {
      assert.deepEqual(metadata.apply(missing, ['logs']).missing, ['logs'])
    }
    assert.equal(reported.length, 3)
    metadata.apply(response([topic([[1, 0]])]), ['logs'])
    metadata.apply(response([topic([[1, 0]])]), ['logs'])
    assert.deepEqual(reported.slice(3), ['logs has 1'])
  })

  test('reports a topic as refused where somebody must act, and waits for it all the same', () => {
    const { metadata, reported } = cache()
    const { troubled, missing } = metadata.apply(response([topic([], { code: 29 })]), ['logs'])
    assert.deepEqual([troubled, missing], [['logs'], []])
    assert.deepEqual(reported, ['logs is refused: we are not allowed to use the topic (TOPIC_AUTHORIZATION_FAILED)'])
  })

  test('names a few of many partitions without a leader', () => {
    const { metadata, reported } = cache()
    metadata.apply(response([topic(Array.from({ length: 100 }, () => [-1, 0]))]), ['logs'])
    assert.equal(reported.length, 9)
    assert.equal(reported.at(-1), 'logs-7 waits: it has no leader now, like 92 more partitions')
  })
})
