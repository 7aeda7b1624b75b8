/** Making a topic that is missing, by kafkajs's admin: loaded only when `topic.create` is on and a topic is missing. */
import type { Config } from '../config/load.ts'
import { kafkaError, openKafka } from './kafka-client.ts'

/** Resolves when the topic is there, also if somebody else made it. Throws AgentError otherwise. */
export async function createTopic(name: string, { kafka, topic }: Config): Promise<void> {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs } = kafka
  const admin = openKafka({ brokers, clientId, connectTimeoutMs, requestTimeoutMs }).admin()
  try {
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: name, numPartitions: topic.partitions, replicationFactor: topic.replicationFactor }],
      waitForLeaders: false,
    })
  } catch (error) {
    throw kafkaError(error)
  } finally {
    await admin.disconnect()
  }
}
