import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import { MetadataRefresh, type RefreshOptions } from '../../../../src/output/kafka/metadata-refresh.ts'
import { until } from '../../../support/wait.ts'

type Send = RefreshOptions['request']

const open: MetadataRefresh[] = []
afterEach(() => {
  for (const refresh of open.splice(0)) refresh.close()
})

const well: Send = () => Promise.resolve({ troubled: [], news: false })
const unreachable: Send = () => Promise.reject(new AgentError('kafka-unreachable', 'nobody there'))

/** The requests sent so far, and when. `send` responds to them. */
function refreshing(send: Send, changes: Partial<RefreshOptions> = {}) {
  const requests: { topics: string; at: number }[] = []
  const refresh = new MetadataRefresh({
    maxAgeMs: 300_000,
    retry: { minMs: 20, maxMs: 40 },
    random: () => 0,
    now: () => performance.now(),
    request: (topics) => {
      requests.push({ topics: topics.join(), at: performance.now() })
      return send(topics)
    },
    ...changes,
  })
  open.push(refresh)
  const times = (count: number): Promise<boolean> =>
    until(() => requests.length >= count, { what: `${count} requests`, every: 2 })
  return { refresh, requests, times, topics: () => requests.map(({ topics }) => topics) }
}

describe('metadata', () => {
  test('is requested in one request for all new topics', async () => {
    const { refresh, times, topics } = refreshing(well)
    refresh.want('a')
    refresh.want('b')
    await times(1)
    refresh.want('c')
    refresh.want('a')
    await times(2)
    assert.deepEqual(topics(), ['a,b', 'c'])
  })

  test('is requested again at its age, of all topics', async () => {
    const { refresh, times, topics } = refreshing(well, { maxAgeMs: 20 })
    refresh.want('a')
    await times(1)
    refresh.want('b')
    await times(4)
    assert.deepEqual(topics().slice(2, 4), ['a,b', 'a,b'])
  })

  test('is requested once after any number of doubts, and not at once', async () => {
    const { refresh, requests, times, topics } = refreshing(well)
    refresh.want('a')
    refresh.want('b')
    await times(1)
    for (let doubts = 0; doubts < 1_000; doubts++) refresh.doubt('a')
    refresh.doubt('nobody wants this')
    await times(2)
    refresh.doubtAll()
    await times(3)
    assert.deepEqual(topics(), ['a,b', 'a', 'a,b'])
    assert.ok(requests[1]!.at - requests[0]!.at >= 9)
    assert.ok(requests[2]!.at - requests[1]!.at >= 19, 'the pause grows')
  })

  test('is requested again with pauses where something is missing', async () => {
    const { refresh, requests, times, topics } = refreshing(() => Promise.resolve({ troubled: ['b'], news: false }))
    refresh.want('a')
    refresh.want('b')
    await times(4)
    assert.deepEqual(topics().slice(0, 4), ['a,b', 'b', 'b', 'b'])
    assert.ok(requests[3]!.at - requests[0]!.at >= 48)
  })

  test('is requested with pauses while nobody responds, also when it is past its age', async () => {
    let responses = 1
    const { refresh, requests, times, topics } = refreshing(
      (topics) => (responses-- > 0 ? well(topics) : unreachable(topics)),
      {
        maxAgeMs: 5,
      },
    )
    refresh.want('a')
    refresh.want('b')
    await times(5)
    assert.deepEqual(new Set(topics()), new Set(['a,b']))
    assert.ok(requests[4]!.at - requests[1]!.at >= 48, 'three pauses')
    responses = 1
    const before = requests.length
    await times(before + 3)
  })
})
