/**
 * Reads a topic from all partitions without a consumer group. A group would have to be joined (which waits for others),
 * would need a permission, and would be left behind. Order is kept within a partition. Only committed records are read.
 * No position is kept: every read starts at the beginning or at the end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { KafkaMessage } from 'kafkajs'
import type Cluster from 'kafkajs/src/cluster/index.js'
import Batch from 'kafkajs/src/consumer/batch.js'
import { AgentError } from '../errors.ts'
import { toAgentError } from './kafka-client.ts'
import { unlessAborted } from '../unless-aborted.ts'

export interface ReadOptions {
  readonly topic: string
  /** Whether to start at the first record; else only records that arrive later are read. */
  readonly fromBeginning: boolean
  /** Whether to go on after the end offsets that the topic has at the start. */
  readonly follow: boolean
  readonly signal: AbortSignal
}

/** Consecutive records of one partition. */
export interface ReadBatch {
  readonly partition: number
  readonly records: readonly KafkaMessage[]
}

/** How long a broker holds back an empty response, which is also how long a stop may wait for it. */
const FETCH_WAIT_MS = 250
const FETCH_BYTES = 4 * 1024 * 1024
/** How long errors are retried, since leaders move and brokers restart. */
const PATIENCE_MS = 30_000
const RETRY_MS = 250
/** How long a missing topic is retried, since it takes a moment until every broker knows a new topic. */
const NEW_TOPIC_MS = 3000
const NO_TOPIC = 'there is no topic'
/** Errors that a retry can't help. */
const FATAL = /AUTHORIZATION_FAILED|UNSUPPORTED|INVALID_TOPIC/

/**
 * Yields batches until the end, or until `signal` aborts, which is no error. Connects and disconnects the cluster.
 * Throws AgentError `kafka-unreachable` or `kafka-refused` within about {@link PATIENCE_MS} after the first failure.
 */
export async function* readTopic(cluster: Cluster, options: ReadOptions): AsyncGenerator<ReadBatch> {
  const { topic, follow, signal } = options
  try {
    await unlessAborted(cluster.connect(), signal)
    const { positions, ends } = await patiently(
      () => locate(cluster, options),
      () => cluster.refreshMetadata(),
      signal,
    )
    while (!signal.aborted) {
      const wanted = [...positions.keys()].filter((partition) => follow || isBefore(positions, ends, partition))
      if (wanted.length === 0) return
      const batches = await patiently(
        () => fetchAll(cluster, topic, { positions, wanted }),
        () => relocate(cluster, topic, positions),
        signal,
      )
      for (const batch of batches) {
        const from = positions.get(batch.partition) ?? 0
        // without records kafkajs's lastOffset() would jump over a transaction that is still open
        if (batch.rawMessages.length > 0) positions.set(batch.partition, Math.max(from, Number(batch.lastOffset()) + 1))
        const end = follow ? Infinity : (ends.get(batch.partition) ?? 0)
        const records = batch.messages.filter(({ offset }) => Number(offset) < end)
        if (records.length > 0) yield { partition: batch.partition, records }
      }
    }
  } catch (error) {
    if (!signal.aborted) throw toAgentError(error)
  } finally {
    await cluster.disconnect()
  }
}

/**
 * Does `work`, and after a failure tries again after a moment and `recover`, because leaders move, brokers restart, and
 * new topics take a moment to be known everywhere. How long it tries depends on the error.
 */
async function patiently<T>(work: () => Promise<T>, recover: () => Promise<unknown>, signal: AbortSignal): Promise<T> {
  const since = performance.now()
  const throwIfHopeless = (error: unknown): void => {
    if (signal.aborted || performance.now() - since > patienceWith(error)) throw error
  }
  for (;;) {
    try {
      return await unlessAborted(work(), signal)
    } catch (error) {
      throwIfHopeless(error)
    }
    // if this failed too, the next attempt shows it
    await unlessAborted(delay(RETRY_MS).then(recover), signal).catch(throwIfHopeless)
  }
}

function patienceWith(error: unknown): number {
  const { message } = toAgentError(error)
  if (FATAL.test(message)) return 0
  return message.startsWith(NO_TOPIC) ? NEW_TOPIC_MS : PATIENCE_MS
}

type Offsets = Map<number, number>

function isBefore(positions: Offsets, ends: Offsets, partition: number): boolean {
  return (positions.get(partition) ?? 0) < (ends.get(partition) ?? 0)
}

async function locate(cluster: Cluster, options: ReadOptions): Promise<{ positions: Offsets; ends: Offsets }> {
  const { topic, fromBeginning } = options
  try {
    await cluster.addTargetTopic(topic)
  } catch (error) {
    const failure = toAgentError(error)
    if (!failure.message.includes('UNKNOWN_TOPIC')) throw failure
    throw new AgentError('kafka-refused', `${NO_TOPIC} ${topic}`, { cause: error })
  }
  const ends = await offsetsOf(cluster, topic, false)
  return { positions: fromBeginning ? await offsetsOf(cluster, topic, true) : new Map(ends), ends }
}

async function offsetsOf(cluster: Cluster, topic: string, fromBeginning: boolean): Promise<Offsets> {
  const partitions = cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ partition: partitionId }))
  const [response] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }])
  return new Map(response?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
}

/** Sends one Fetch request to each leader, all at the same time. */
async function fetchAll(
  cluster: Cluster,
  topic: string,
  { positions, wanted }: { positions: Offsets; wanted: readonly number[] },
): Promise<readonly Batch[]> {
  await cluster.refreshMetadataIfNecessary()
  const leaders = Object.entries(cluster.findLeaderForPartitions(topic, wanted))
  const ofLeaders = await Promise.all(
    leaders.map(async ([nodeId, partitions]) => {
      const broker = await cluster.findBroker({ nodeId })
      const { responses } = await broker.fetch({
        replicaId: -1,
        isolationLevel: 1,
        maxWaitTime: FETCH_WAIT_MS,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        topics: [
          {
            topic,
            partitions: partitions.map((partition) => ({
              partition,
              fetchOffset: String(positions.get(partition) ?? 0),
              maxBytes: FETCH_BYTES,
            })),
          },
        ],
      })
      return responses.flatMap((response) => response.partitions)
    }),
  )
  return ofLeaders.flat().map((data) => new Batch(topic, String(positions.get(data.partition) ?? 0), data))
}

/**
 * To be called after a failed fetch: refreshes the leaders, and moves positions past records that retention has
 * deleted.
 */
async function relocate(cluster: Cluster, topic: string, positions: Offsets): Promise<void> {
  await cluster.refreshMetadata()
  for (const [partition, first] of await offsetsOf(cluster, topic, true)) {
    positions.set(partition, Math.max(first, positions.get(partition) ?? first))
  }
}
