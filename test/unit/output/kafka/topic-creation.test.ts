/** The creation of missing topics, seen through a cluster. */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { AgentError } from '../../../../src/errors.ts'
import { closeAll, open, startFake } from '../../../support/open-cluster.ts'
import { until } from '../../../support/wait.ts'

afterEach(closeAll)

describe('a topic that is missing', () => {
  test('is created once when it is missing', async () => {
    const kafka = await startFake()
    const created: string[] = []
    const createTopic = async (topic: string): Promise<void> => {
      created.push(topic)
      await until(() => kafka.requests.length > 8, { what: 'more requests', every: 2 })
      kafka.createTopic(topic, 1)
    }
    const { cluster, known } = open(kafka, { createTopic })
    cluster.want('new')
    await known('new')
    assert.deepEqual(created, ['new'])
  })

  test('is waited for when it cannot be created, and the reason is reported', async () => {
    const kafka = await startFake()
    const createTopic = (): Promise<void> => Promise.reject(new Error('no permission'))
    const { cluster, known, events } = open(kafka, { createTopic })
    cluster.want('new')
    await until(() => events('topicWaiting').length === 2, { what: 'the reason' })
    assert.match(String(events('topicWaiting')[1]?.[2]), /could not be created: no permission/)
    kafka.createTopic('new', 1)
    await known('new')
  })

  test('is reported as refused where Kafka refuses to create it', async () => {
    const createTopic = (): Promise<void> => Promise.reject(new AgentError('kafka-refused', 'POLICY_VIOLATION'))
    const { cluster, events } = open(await startFake(), { createTopic })
    cluster.want('new')
    await until(() => events('topicRefused').length === 1, { what: 'the reason' })
    assert.match(String(events('topicRefused')[0]?.[2]), /could not be created: POLICY_VIOLATION/)
  })

  test('is given up when the cluster is closed while it is created, and nothing is reported', async () => {
    const kafka = await startFake()
    let ended = false
    const createTopic = async (_topic: string, signal: AbortSignal): Promise<void> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      await until(() => kafka.node(1).connections === 0, { what: 'the other sockets closed' })
      ended = true
      throw new Error('given up')
    }
    const { cluster, events } = open(kafka, { createTopic })
    cluster.want('new')
    await until(() => events('topicWaiting').length === 1, { what: 'the topic missing' })
    await cluster.close()
    assert.equal(ended, true)
    assert.equal(events('topicWaiting').length, 1)
  })
})
