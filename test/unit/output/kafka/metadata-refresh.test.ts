import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import { MetadataRefresh, type RefreshOptions } from '../../../../src/output/kafka/metadata-refresh.ts'
import { until } from '../../../support/wait.ts'

type Ask = RefreshOptions['ask']

const open: MetadataRefresh[] = []
afterEach(() => {
  for (const refresh of open.splice(0)) refresh.close()
})

const well: Ask = () => Promise.resolve({ troubled: [], news: false })
const unreachable: Ask = () => Promise.reject(new AgentError('kafka-unreachable', 'nobody there'))

/** The questions asked so far, and when. `ask` answers them. */
function refreshing(ask: Ask, changes: Partial<RefreshOptions> = {}) {
  const asked: { topics: string; at: number }[] = []
  const refresh = new MetadataRefresh({
    maxAgeMs: 300_000,
    retry: { minMs: 20, maxMs: 40 },
    random: () => 0,
    now: () => performance.now(),
    ask: (topics) => {
      asked.push({ topics: topics.join(), at: performance.now() })
      return ask(topics)
    },
    ...changes,
  })
  open.push(refresh)
  const times = (count: number): Promise<boolean> =>
    until(() => asked.length >= count, { what: `${count} questions`, every: 2 })
  return { refresh, asked, times, topics: () => asked.map(({ topics }) => topics) }
}

describe('metadata', () => {
  test('is asked for in one question for all that is new', async () => {
    const { refresh, times, topics } = refreshing(well)
    refresh.want('a')
    refresh.want('b')
    await times(1)
    refresh.want('c')
    refresh.want('a')
    await times(2)
    assert.deepEqual(topics(), ['a,b', 'c'])
  })

  test('is asked for again at its age, of all topics', async () => {
    const { refresh, times, topics } = refreshing(well, { maxAgeMs: 20 })
    refresh.want('a')
    await times(1)
    refresh.want('b')
    await times(4)
    assert.deepEqual(topics().slice(2, 4), ['a,b', 'a,b'])
  })

  test('is asked for once, whoever doubts it how often, and not at once', async () => {
    const { refresh, asked, times, topics } = refreshing(well)
    refresh.want('a')
    refresh.want('b')
    await times(1)
    for (let doubts = 0; doubts < 1_000; doubts++) refresh.doubt('a')
    refresh.doubt('nobody wants this')
    await times(2)
    refresh.doubtAll()
    await times(3)
    assert.deepEqual(topics(), ['a,b', 'a', 'a,b'])
    assert.ok(asked[1]!.at - asked[0]!.at >= 9)
    assert.ok(asked[2]!.at - asked[1]!.at >= 19, 'the pause grows')
  })

  test('is asked for again with pauses where something is missing', async () => {
    const { refresh, asked, times, topics } = refreshing(() => Promise.resolve({ troubled: ['b'], news: false }))
    refresh.want('a')
    refresh.want('b')
    await times(4)
    assert.deepEqual(topics().slice(0, 4), ['a,b', 'b', 'b', 'b'])
    assert.ok(asked[3]!.at - asked[0]!.at >= 48)
  })

  test('is asked for with pauses while nobody answers, also when it is past its age', async () => {
    let answers = 1
    const { refresh, asked, times, topics } = refreshing(
      (topics) => (answers-- > 0 ? well(topics) : unreachable(topics)),
      {
        maxAgeMs: 5,
      },
    )
    refresh.want('a')
    refresh.want('b')
    await times(5)
    assert.deepEqual(new Set(topics()), new Set(['a,b']))
    assert.ok(asked[4]!.at - asked[1]!.at >= 48, 'three pauses')
    answers = 1
    const before = asked.length
    await times(before + 3)
  })
})
