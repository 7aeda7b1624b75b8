/**
 * The meaning of Kafka's error codes for us: a closed table of the codes in responses to our requests (Produce, Metadata,
 * InitProducerId, ApiVersions). Any other code is retried: to give up records because of a code that we do not know
 * would be loss.
 * https://kafka.apache.org/protocol#protocol_error_codes
 */

/** The reaction to a code by the sender of the request. */
export type Action =
  /** Stored. */
  | 'success'
  /** Stored before: the broker recognised a repeat. This is as good as success. */
  | 'duplicate'
  /** Send the request again after a pause. */
  | 'retry'
  /**
   * The leader is another broker, or the broker does not know the topic: fetch metadata, then send the request again.
   */
  | 'refresh'
  /** The sequence doesn't follow the last one that the broker has: a new epoch, with sequences from 0 (sequence.ts). */
  | 'new-epoch'
  /** The producer id itself is not valid any more. */
  | 'new-producer-id'
  /** The batch is too large for the topic: split it. */
  | 'too-large'
  /**
   * Permission, setting, or records that the topic does not accept: someone must act. Logged as an error, retried
   * slowly.
   */
  | 'refused'

export interface KafkaError {
  readonly code: number
  /** Kafka's own name. */
  readonly name: string
  readonly action: Action
  /** An explanation for a person; follows "Kafka says" or a colon. */
  readonly words: string
  /**
   * Whether the batch may be in the log in spite of the error, so that sending it again may be a repeat. 'waiting':
   * only where the response waits for the replicas (acks all), since the leader may have appended the batch, and may
   * have lost the leadership while it waited.
   */
  readonly maybeStored: MaybeStored
}

export type MaybeStored = 'no' | 'yes' | 'waiting'

const TABLE: readonly (readonly [code: number, name: string, action: Action, words: string, stored?: MaybeStored])[] = [
  [-1, 'UNKNOWN_SERVER_ERROR', 'retry', 'the broker failed in a way it does not explain', 'yes'],
  [0, 'NONE', 'success', 'no error'],
  [2, 'CORRUPT_MESSAGE', 'retry', 'the batch arrived damaged, or lacks what the topic demands'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION', 'refresh', 'the topic or partition does not exist', 'waiting'],
  [5, 'LEADER_NOT_AVAILABLE', 'refresh', 'the partition has no leader now'],
  [6, 'NOT_LEADER_OR_FOLLOWER', 'refresh', 'the partition has another leader now', 'waiting'],
  [7, 'REQUEST_TIMED_OUT', 'retry', 'the replicas did not confirm in time', 'yes'],
  [8, 'BROKER_NOT_AVAILABLE', 'refresh', 'the broker is not available'],
  [9, 'REPLICA_NOT_AVAILABLE', 'refresh', 'a replica is not available'],
  [10, 'MESSAGE_TOO_LARGE', 'too-large', "the batch is larger than the topic's max.message.bytes"],
  [13, 'NETWORK_EXCEPTION', 'refresh', 'the broker lost a connection of its own', 'yes'],
  [14, 'COORDINATOR_LOAD_IN_PROGRESS', 'retry', 'the coordinator is still loading'],
  [15, 'COORDINATOR_NOT_AVAILABLE', 'retry', 'the coordinator is not available'],
  [16, 'NOT_COORDINATOR', 'retry', 'another broker is the coordinator now'],
  [17, 'INVALID_TOPIC_EXCEPTION', 'refused', 'the name is not one a topic can have, or the topic is internal'],
  [18, 'RECORD_LIST_TOO_LARGE', 'too-large', "the batch is larger than the topic's segment size"],
  [19, 'NOT_ENOUGH_REPLICAS', 'retry', 'fewer replicas are in sync than min.insync.replicas'],
  [20, 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'retry', 'written, but fewer replicas are in sync than needed', 'yes'],
  [21, 'INVALID_REQUIRED_ACKS', 'refused', 'the broker does not accept this value of acks'],
  [29, 'TOPIC_AUTHORIZATION_FAILED', 'refused', 'we are not allowed to use the topic'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED', 'refused', 'we are not allowed to use an idempotent producer on this cluster'],
  [32, 'INVALID_TIMESTAMP', 'refused', 'a timestamp is farther from the broker than the topic allows'],
  [34, 'ILLEGAL_SASL_STATE', 'refused', 'the broker demands that we authenticate first'],
  [35, 'UNSUPPORTED_VERSION', 'refused', 'the broker does not support this version'],
  [41, 'NOT_CONTROLLER', 'retry', 'another broker is the controller now'],
  [42, 'INVALID_REQUEST', 'refused', 'the broker cannot understand the request'],
  [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 'refused', "the topic's record format is too old"],
  [44, 'POLICY_VIOLATION', 'refused', "a policy of the cluster's does not allow it"],
  [45, 'OUT_OF_ORDER_SEQUENCE_NUMBER', 'new-epoch', 'the sequence number does not follow the last one stored'],
  [46, 'DUPLICATE_SEQUENCE_NUMBER', 'duplicate', 'the batch was stored before'],
  [47, 'INVALID_PRODUCER_EPOCH', 'new-producer-id', 'a newer epoch of our producer id was seen'],
  [48, 'INVALID_TXN_STATE', 'new-producer-id', 'the producer id has a transaction open'],
  [49, 'INVALID_PRODUCER_ID_MAPPING', 'new-producer-id', 'the producer id belongs to someone else'],
  [51, 'CONCURRENT_TRANSACTIONS', 'retry', 'another operation on the producer id is under way'],
  [53, 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', 'refused', 'we are not allowed to use the transactional id'],
  [54, 'SECURITY_DISABLED', 'refused', 'security is switched off on the broker'],
  [56, 'KAFKA_STORAGE_ERROR', 'refresh', "the leader's disk has failed", 'waiting'],
  [58, 'SASL_AUTHENTICATION_FAILED', 'refused', 'the broker does not accept our credentials'],
  [59, 'UNKNOWN_PRODUCER_ID', 'new-epoch', 'the broker no longer remembers our producer id'],
  [72, 'LISTENER_NOT_FOUND', 'refresh', 'the leader has no listener of the kind we came through'],
  [74, 'FENCED_LEADER_EPOCH', 'refresh', 'the partition has a newer leader'],
  [75, 'UNKNOWN_LEADER_EPOCH', 'refresh', 'the broker has not heard of the newest leader yet'],
  [76, 'UNSUPPORTED_COMPRESSION_TYPE', 'refused', 'the topic does not accept this compression'],
  [87, 'INVALID_RECORD', 'refused', 'a record does not pass what the topic demands (a compacted one demands keys)'],
  [89, 'THROTTLING_QUOTA_EXCEEDED', 'retry', 'a quota is used up'],
  [90, 'PRODUCER_FENCED', 'new-producer-id', 'another producer took over our producer id'],
  [100, 'UNKNOWN_TOPIC_ID', 'refresh', 'the topic was deleted or made anew'],
  [103, 'INCONSISTENT_TOPIC_ID', 'refresh', 'the topic was made anew'],
]

const BY_CODE: ReadonlyMap<number, KafkaError> = new Map(
  TABLE.map(([code, name, action, words, maybeStored = 'no']) => [code, { code, name, action, words, maybeStored }]),
)

/** The meaning of a code. A code that isn't in the table is retried, and whether the batch is stored is unknown. */
export function meaningOf(code: number): KafkaError {
  return (
    BY_CODE.get(code) ?? {
      code,
      name: `error code ${code}`,
      action: 'retry',
      words: 'an error code logagent does not know',
      maybeStored: 'yes',
    }
  )
}

/** A code as one piece of text. */
export function describeError(code: number): string {
  const { name, words } = meaningOf(code)
  return `${words} (${name})`
}
