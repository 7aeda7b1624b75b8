/** Creates a missing topic with kafkajs's admin client. Loaded only if `topic.create` is on and a topic is missing. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../config/load.ts'
import { isPassing, toAgentError, openAdmin, retriesFor } from './kafka-client.ts'

const RETRY_MS = 250

/**
 * Creates a topic, and resolves when it exists, also if somebody else created it. Throws AgentError otherwise. Rejects
 * when `signal` aborts, with no connection left open.
 */
export async function createTopic(name: string, { kafka, topic }: Config, signal: AbortSignal): Promise<void> {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs } = kafka
  for (let attempt = 0; ; attempt++) {
    const seed = brokers[attempt % brokers.length]!
    const admin = openAdmin({ brokers: [seed], clientId, connectTimeoutMs, requestTimeoutMs }, signal)
    try {
      await admin.connect()
      await admin.createTopics({
        topics: [{ topic: name, numPartitions: topic.partitions, replicationFactor: topic.replicationFactor }],
        waitForLeaders: false,
      })
      return
    } catch (error) {
      if (attempt === retriesFor(brokers) || !isPassing(error)) throw toAgentError(error)
    } finally {
      await admin.disconnect()
    }
    await delay(RETRY_MS, undefined, { signal })
  }
}
