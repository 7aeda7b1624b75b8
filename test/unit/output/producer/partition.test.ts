import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  PartitionChooser,
  type TopicState,
  strongerAffinity,
  murmur2,
  partitionOfKey,
  affinityOf,
  substituteFor,
} from '../../../../src/output/producer/partition.ts'
import { murmur2Fixtures } from '../../../support/fixtures.ts'

const topic = (
  leaders: readonly number[],
  abandoned: readonly number[] = [],
  stalled: readonly number[] = [],
): TopicState => ({
  leaders,
  abandoned: new Set(abandoned),
  stalled: new Set(stalled),
})
const chooser = (random = 0): PartitionChooser => new PartitionChooser(() => random)
const file = { key: null, id: '5c1f', sticky: -1 }
const key = Buffer.from('key')

describe('the hash of a key', () => {
  test("is Java's, and so is the partition", () => {
    for (const { key, hash, partitions } of murmur2Fixtures()) {
      assert.equal(murmur2(key) | 0, hash, key.toString('hex'))
      for (const [count, partition] of Object.entries(partitions)) {
        assert.equal(partitionOfKey(key, Number(count)), partition, `${key.toString('hex')} of ${count}`)
      }
    }
  })
})

describe('records keep their partition', () => {
  test('while their order depends on it', () => {
    assert.equal(affinityOf('sticky', null), 'while-led')
    assert.equal(affinityOf('sticky', key), 'while-led')
    assert.equal(affinityOf('hash', null), 'while-led')
    assert.equal(affinityOf('hash', key), 'while-there')
    assert.equal(affinityOf('round-robin', null), 'while-led')
    assert.equal(affinityOf('random', key), 'while-led')
    assert.equal(affinityOf(3, null), 'always')
    assert.equal(strongerAffinity('always', 'while-led'), 'always')
    assert.equal(strongerAffinity('while-led', 'while-there'), 'while-there')
  })
})

describe('the partition', () => {
  test('of a keyed record is that of its key, with a leader or without, abandoned or not', () => {
    const partition = partitionOfKey(key, 3)
    for (const sticky of [-1, 0, 1, 2]) {
      for (const state of [topic([1, 1, 1]), topic([-1, -1, -1]), topic([1, -1, -1], [1, 2]), topic([-1, 1, 1], [0])]) {
        assert.equal(chooser().choose({ ...file, partitioner: 'hash', key, sticky }, state), partition)
      }
    }
  })

  test('with a fixed number is that one, if it exists', () => {
    assert.equal(chooser().choose({ ...file, partitioner: 2 }, topic([1, 1, -1], [2])), 2)
    assert.equal(chooser().choose({ ...file, partitioner: 3 }, topic([1, 1, 1])), -1)
  })

  for (const partitioner of ['sticky', 'hash'] as const) {
    describe(`of a file without a key, by ${partitioner}`, () => {
      const choose = (sticky: number, state: TopicState): number =>
        chooser().choose({ ...file, partitioner, sticky }, state)
      const own = partitionOfKey(Buffer.from(file.id), 4)

      test('is that of its id', () => assert.equal(choose(-1, topic([1, 1, 1, 1])), own))

      test('has a leader, if there is any, when the file is new', () => {
        const leaders = [1, 1, 1, 1].map((leader, index) => (index === own ? -1 : leader))
        const other = choose(-1, topic(leaders))
        assert.ok(other !== own && leaders[other] === 1)
        assert.equal(choose(-1, topic([-1, -1, -1, -1])), own)
      })

      test('is not where sending fails, when the file is new and there is another', () => {
        const other = choose(-1, topic([1, 1, 1, 1], [], [own]))
        assert.ok(other !== own && other >= 0)
        assert.equal(choose(own, topic([1, 1, 1, 1], [], [own])), own)
        assert.equal(choose(-1, topic([1, 1, 1, 1], [], [0, 1, 2, 3])), own)
      })

      test('stays the same when it has lost its leader, and when there are more partitions', () => {
        assert.equal(choose(3, topic([1, 1, 1, -1])), 3)
        assert.equal(choose(3, topic([1, 1, 1, 1, 1, 1, 1, 1])), 3)
      })

      test('is another one when it is abandoned, the same for all its files', () => {
        assert.equal(choose(3, topic([1, 1, 1, -1], [3])), 0)
        assert.equal(choose(1, topic([1, -1, -1, 1], [1, 2])), 3)
        assert.equal(choose(1, topic([-1, -1], [1])), 1, 'nobody can be reached')
      })

      test('is another one when it is gone, but not before it is abandoned', () => {
        assert.equal(choose(7, topic([1, 1, 1, 1])), 7)
        assert.equal(choose(7, topic([1, 1, 1, 1], [7])), 0)
        assert.equal(choose(7, topic([1], [7])), 0)
      })
    })
  }

  test('by turns or at random has a leader', () => {
    const turns = chooser()
    const state = topic([-1, 1, -1, 2, 3])
    const choose = (): number => turns.choose({ ...file, partitioner: 'round-robin' }, state)
    assert.deepEqual([choose(), choose(), choose(), choose()], [1, 3, 4, 1])
    assert.equal(chooser(0.99).choose({ ...file, partitioner: 'random' }, state), 4)
    assert.equal(chooser(0).choose({ ...file, partitioner: 'random' }, state), 1)
    assert.equal(chooser().choose({ ...file, partitioner: 'random' }, topic([-1])), -1)
  })

  test('by turns or at random is one where sending works, if there is any', () => {
    const turns = chooser()
    const choose = (state: TopicState): number => turns.choose({ ...file, partitioner: 'round-robin' }, state)
    const some = topic([1, 2, 1, -1], [], [0, 2])
    assert.deepEqual([choose(some), choose(some), choose(some)], [1, 1, 1])
    const none = topic([1, -1, 1], [], [0, 2])
    assert.deepEqual(new Set([choose(none), choose(none)]), new Set([0, 2]))
  })

  test('waits for a topic without partitions', () => {
    assert.equal(chooser().choose({ ...file, partitioner: 'sticky' }, topic([])), -1)
  })

  test('that replaces another is the next one with a leader; after the last comes the first', () => {
    assert.equal(substituteFor(0, topic([-1, -1, 5])), 2)
    assert.equal(substituteFor(2, topic([4, -1, -1])), 0)
    assert.equal(substituteFor(0, topic([4, -1])), -1, 'never itself')
    assert.equal(substituteFor(0, topic([4])), -1)
    assert.equal(substituteFor(5, topic([4])), 0, 'also for one that is gone')
  })
})
