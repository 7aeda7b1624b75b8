import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MetadataCache } from '../../../src/output/metadata-cache.ts'
import type { MetadataAnswer, TopicMetadata } from '../../../src/output/wire/metadata.ts'

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
    partitions: partitions.map(([leader, leaderEpoch], partition) => ({ code: 0, partition, leader, leaderEpoch })),
    authorizedOperations: 0,
    ...changes,
  }
}

function answer(topics: readonly TopicMetadata[], nodes: readonly number[] = [1, 2, 3]): MetadataAnswer {
  const brokers = nodes.map((node) => ({ node, host: 'kafka', port: 9092 }))
  return { throttleMs: 0, clusterId: null, brokers, topics }
}

function cache() {
  const told: string[] = []
  const clock = { now: 0 }
  const metadata = new MetadataCache(
    {
      topicWaiting: (topic, reason) => void told.push(`${topic} waits: ${reason}`),
      topicRefused: (topic, reason) => void told.push(`${topic} is refused: ${reason}`),
      topicReady: (topic, partitions) => void told.push(`${topic} has ${partitions}`),
      partitionWaiting: (topic, partition, reason) => void told.push(`${topic}-${partition} waits: ${reason}`),
    },
    () => clock.now,
  )
  return { metadata, told, clock, leaders: () => metadata.view('logs')?.leaders }
}

describe('what is known of topics', () => {
  test('does not go back to a leader of an older epoch', () => {
    const { metadata, leaders } = cache()
    metadata.apply(answer([topic([[2, 5]])]), ['logs'])
    assert.deepEqual(metadata.apply(answer([topic([[1, 4]])]), ['logs']).changed, [])
    assert.deepEqual(leaders(), [2])
    assert.deepEqual(metadata.apply(answer([topic([[3, 6]])]), ['logs']).changed, ['logs'])
    assert.deepEqual(leaders(), [3])
  })

  test('does not forget partitions that a broker which lags behind has not heard of', () => {
    const { metadata, leaders } = cache()
    metadata.apply(answer([topic([[1, 0], [2, 0], [3, 0]])]), ['logs']) // prettier-ignore
    assert.deepEqual(metadata.apply(answer([topic([[1, 0], [2, 0]])]), ['logs']).changed, []) // prettier-ignore
    assert.deepEqual(leaders(), [1, 2, 3])
    // a topic made again under its name does have fewer
    metadata.apply(answer([topic([[1, 0]], { id: 'b'.repeat(32) })]), ['logs'])
    assert.deepEqual(leaders(), [1])
  })

  test('starts epochs anew with another topic of the same name', () => {
    const { metadata, leaders } = cache()
    metadata.apply(answer([topic([[2, 5]])]), ['logs'])
    const { changed } = metadata.apply(answer([topic([[2, 0]], { id: 'b'.repeat(32) })]), ['logs'])
    assert.deepEqual(changed, ['logs'])
    assert.deepEqual(metadata.apply(answer([topic([[1, 1]], { id: 'b'.repeat(32) })]), ['logs']).changed, ['logs'])
    assert.deepEqual(leaders(), [1])
  })

  test('takes a leader that is not among the brokers for none, and asks again', () => {
    const { metadata, leaders } = cache()
    const { troubled } = metadata.apply(answer([topic([[9, 0]])]), ['logs'])
    assert.deepEqual(leaders(), [-1])
    assert.deepEqual(troubled, ['logs'])
  })

  test('distrusts an answer with partitions missing or a topic left out, and keeps to those asked about', () => {
    const { metadata } = cache()
    const strange = topic([[1, 0]], { partitions: [{ code: 0, partition: 2 ** 30, leader: 1, leaderEpoch: 0 }] })
    assert.deepEqual(metadata.apply(answer([strange]), ['logs', 'other']).troubled, ['logs', 'other'])
    assert.equal(metadata.view('logs'), null)
    metadata.apply(answer([topic([[1, 0]])]), ['other'])
    assert.equal(metadata.view('logs'), null)
  })

  test('tells a trouble at once, then every 30 s, and its end', () => {
    const { metadata, told, clock } = cache()
    const missing = answer([topic([], { code: 3 })])
    for (; clock.now <= 60_000; clock.now += 1_000) {
      assert.deepEqual(metadata.apply(missing, ['logs']).missing, ['logs'])
    }
    assert.equal(told.length, 3)
    metadata.apply(answer([topic([[1, 0]])]), ['logs'])
    metadata.apply(answer([topic([[1, 0]])]), ['logs'])
    assert.deepEqual(told.slice(3), ['logs has 1'])
  })

  test('says of a topic that is refused that somebody must act, and waits for it all the same', () => {
    const { metadata, told } = cache()
    const { troubled, missing } = metadata.apply(answer([topic([], { code: 29 })]), ['logs'])
    assert.deepEqual([troubled, missing], [['logs'], []])
    assert.deepEqual(told, ['logs is refused: we are not allowed to use the topic (TOPIC_AUTHORIZATION_FAILED)'])
  })

  test('names a few of many partitions without a leader', () => {
    const { metadata, told } = cache()
    metadata.apply(answer([topic(Array.from({ length: 100 }, () => [-1, 0]))]), ['logs'])
    assert.equal(told.length, 9)
    assert.equal(told.at(-1), 'logs-7 waits: it has no leader now, like 92 more partitions')
  })
})
