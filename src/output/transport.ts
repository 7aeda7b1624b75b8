/**
 * What the producer needs of a Kafka cluster: where a partition's leader is, a producer id, and batches sent with a
 * response for each. cluster.ts is the real transport; `--output stdout` and the tests have others. Types only, and
 * what they mean.
 */

/** One record batch for one partition, as it goes over the wire (already stamped). */
export interface ProduceItem {
  readonly topic: string
  readonly partition: number
  /** The batch's bytes, in parts, lying in the kernel's memory. They must not change until there is a response. */
  readonly parts: readonly Uint8Array[]
}

/**
 * The response for one {@link ProduceItem}, or that there is none. It is given only when the socket can no longer touch
 * the item's bytes (its write callback has come, or the socket is closed), so the buffers may be used again.
 */
export type ItemResponse =
  /**
   * The broker's response for this partition. `code` is Kafka's error code, 0 is success; `baseOffset` is -1 if
   * unknown.
   */
  | { readonly kind: 'response'; readonly code: number; readonly message: string | null; readonly baseOffset: number }
  /** No response will come. `maybeSent`: whether any byte of the request may have reached the socket. */
  | { readonly kind: 'no-response'; readonly maybeSent: boolean; readonly reason: string }

export interface ProducerId {
  /** int64 from the broker; below 2^53 in practice, checked when read. */
  readonly id: number
  readonly epoch: number
}

/** A topic's id where the brokers give none: 32 hexadecimal digits, like every id. */
export const NO_TOPIC_ID = '0'.repeat(32)

/** The state of a topic, as far as it is known now. */
export interface TopicView {
  /**
   * Another id under the same name is another topic: its logs are empty, and have none of our producer ids. All zeros
   * ({@link NO_TOPIC_ID}) where the brokers give none.
   */
  readonly id: string
  /** Leader's node id per partition, by index; -1 where there is none now. */
  readonly leaders: readonly number[]
}

export interface Transport {
  /** Fetches the metadata of a topic, and keeps it fresh until {@link close}. Idempotent. */
  want(topic: string): void
  /** The topic as last seen; null while its state is not known (not requested yet, missing, not authorised). */
  view(topic: string): TopicView | null
  /** Called with the topic's name whenever the result of {@link view} has changed. Set by the producer. */
  onChange: (topic: string) => void
  /** The known leaders may be wrong: fetch metadata soon (coalesced, with back-off). Never throws. */
  refresh(topic: string): void
  /** A producer id for idempotence. Retried with back-off until there is one; rejects only when `signal` aborts. */
  producerId(signal: AbortSignal): Promise<ProducerId>
  /**
   * Whether a request to this node would be sent now: it is connected and not throttled. If not, a connection attempt
   * is begun (with back-off), and {@link onReady} is called once the node can be used.
   */
  ready(node: number): boolean
  onReady: (node: number) => void
  /**
   * Sends one Produce request with these items (each partition at most once) to a node.
   * Resolves with one response per item, in their order; never rejects. With acks 0 the response is
   * `{kind: 'response', code: 0, baseOffset: -1}` once all bytes are written.
   */
  produce(node: number, items: readonly ProduceItem[]): Promise<readonly ItemResponse[]>
  /** Closes every connection; pending requests get no response. Resolves when all sockets are closed. */
  close(): Promise<void>
}
