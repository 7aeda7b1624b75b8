/**
 * The parts of kafkajs 2.2.4 that kafka-client.ts and topic-reader.ts use and its own types leave out. The version is
 * pinned and unmaintained, so these parts no longer change. Types only, checked by hand against the sources.
 */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  interface RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests: (this: RequestQueue) => void
  }
  const requestQueue: { readonly prototype: RequestQueue }
  export default requestQueue
}

declare module 'kafkajs/src/cluster/index.js' {
  import type { ISocketFactory, Logger, RetryOptions } from 'kafkajs'
  import type { PartitionData } from 'kafkajs/src/consumer/batch.js'

  export interface ClusterOptions {
    readonly logger: Logger
    readonly brokers: readonly string[]
    readonly clientId: string
    readonly socketFactory: ISocketFactory
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly enforceRequestTimeout: boolean
    readonly retry: RetryOptions
    readonly metadataMaxAge: number
    readonly allowAutoTopicCreation: boolean
    /** 0: read uncommitted, 1: read committed. */
    readonly isolationLevel: 0 | 1
  }

  interface FetchRequest {
    /** -1 for a consumer. */
    readonly replicaId: number
    readonly isolationLevel: 0 | 1
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[]
    }[]
  }

  export interface Broker {
    fetch(request: FetchRequest): Promise<{
      readonly responses: readonly { readonly topicName: string; readonly partitions: readonly PartitionData[] }[]
    }>
  }

  class Cluster {
    constructor(options: ClusterOptions)
    connect(): Promise<void>
    disconnect(): Promise<void>
    /** Fetches metadata; rejects with UNKNOWN_TOPIC_OR_PARTITION if the topic is not there. */
    addTargetTopic(topic: string): Promise<void>
    refreshMetadata(): Promise<void>
    refreshMetadataIfNecessary(): Promise<void>
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number }[]
    /** Partitions by the node id of their leader. */
    findLeaderForPartitions(topic: string, partitions: readonly number[]): Readonly<Record<string, readonly number[]>>
    findBroker(node: { nodeId: string }): Promise<Broker>
    fetchTopicsOffset(
      topics: readonly { topic: string; partitions: readonly { partition: number }[]; fromBeginning: boolean }[],
    ): Promise<readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]>
  }
  export default Cluster
}

declare module 'kafkajs/src/consumer/batch.js' {
  import type { KafkaMessage } from 'kafkajs'

  /** A Fetch response's part for one partition. */
  export interface PartitionData {
    readonly partition: number
    readonly highWatermark: string
    readonly messages: readonly KafkaMessage[]
    readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[]
  }

  class Batch {
    constructor(topic: string, fetchedOffset: string, data: PartitionData)
    readonly partition: number
    /** All records of the response, also those before the fetched offset, aborted ones and control records. */
    readonly rawMessages: readonly KafkaMessage[]
    /** The records that a consumer should see. */
    readonly messages: readonly KafkaMessage[]
    lastOffset(): string
  }
  export default Batch
}
