/** The topics of a Kafka, the shared one or one of a test's own, through Kafka's own Java client. */
import type { KafkaRecord } from './java-reader.ts'
import type { PeerSession, TopicDescription } from './java-peer.ts'

export interface TopicSettings {
  readonly partitions?: number
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
  /** Instead of the two numbers: the nodes of the replicas of each partition, the preferred leader first. */
  readonly assignment?: readonly (readonly number[])[]
}

export interface ReadSettings {
  /** The first offset to read, by partition (index); the beginning where there is none. */
  readonly from?: readonly number[]
  /** true: read only records of committed transactions. */
  readonly committed?: boolean
  readonly within?: number
}

/** Operations on topics. Each resolves once the cluster shows its effect. */
export interface Topics {
  readonly bootstrap: string
  createTopic(topic: string, settings?: TopicSettings): Promise<TopicDescription>
  deleteTopic(topic: string): Promise<void>
  addPartitions(topic: string, partitions: number): Promise<TopicDescription>
  configureTopic(topic: string, configs: Readonly<Record<string, string>>): Promise<void>
  describeTopic(topic: string): Promise<TopicDescription>
  /** Makes the node the leader, and gives it a replica if it has none. */
  moveLeader(topic: string, partition: number, node: number): Promise<void>
  /** The offset after the last record, by partition. */
  endOffsets(topic: string): Promise<number[]>
  startOffsets(topic: string): Promise<number[]>
  /** All records up to the current end offsets, each partition in its order. */
  readAll(topic: string, settings?: ReadSettings): Promise<KafkaRecord[]>
  /** Reads as {@link readAll}, and resolves to the number of records. A record is valid only during `onRecord`. */
  readEach(topic: string, onRecord: (record: KafkaRecord) => void, settings?: ReadSettings): Promise<number>
}

export function topicsOf(peer: PeerSession, bootstrap: string): Topics {
  const readEach: Topics['readEach'] = async (topic, onRecord, { within = 60_000, ...settings } = {}) =>
    peer.request({ op: 'read', bootstrap, topic, ...settings, withinMs: within }, onRecord)
  return {
    bootstrap,
    readEach,
    createTopic: async (topic, settings = {}) => peer.request({ op: 'createTopic', bootstrap, topic, ...settings }),
    deleteTopic: async (topic) => void (await peer.request({ op: 'deleteTopic', bootstrap, topic })),
    addPartitions: async (topic, partitions) => peer.request({ op: 'addPartitions', bootstrap, topic, partitions }),
    configureTopic: async (topic, configs) =>
      void (await peer.request({ op: 'configureTopic', bootstrap, topic, configs })),
    describeTopic: async (topic) => peer.request({ op: 'describeTopic', bootstrap, topic }),
    moveLeader: async (topic, partition, node) =>
      void (await peer.request({ op: 'moveLeader', bootstrap, topic, partition, node })),
    endOffsets: async (topic) => peer.request({ op: 'offsets', bootstrap, topic, spec: 'end' }),
    startOffsets: async (topic) => peer.request({ op: 'offsets', bootstrap, topic, spec: 'start' }),
    readAll: async (topic, settings) => {
      const records: KafkaRecord[] = []
      await readEach(topic, (record) => records.push(record), settings)
      return records
    },
  }
}
