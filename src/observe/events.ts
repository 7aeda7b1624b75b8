/**
 * Every event that is reported, each as a named method. Counters, log and tests implement {@link Events}; code that
 * reports an event calls the method and does not know the listeners. Methods are called per chunk, batch or incident,
 * never per line. Byte counts are bytes of source files unless noted otherwise.
 */
import type { FoundReason, Generation, IgnoreReason, LossReason, Receipt, SettleReason } from '../flow.ts'

/** A batch that Kafka has stored. */
export interface StoredBatch {
  readonly topic: string
  readonly partition: number
  /** The offset of the batch's first record; -1 if the broker does not report it (acks 0, a recognised repeat). */
  readonly baseOffset: number
  readonly records: number
  /** Bytes on the wire. */
  readonly bytes: number
  /** From the first request to the response. */
  readonly latencyMs: number
}

export interface Events {
  // input
  fileFound(file: Generation, from: { offset: number; reason: FoundReason }): void
  fileRotated(file: Generation): void
  /**
   * A file was truncated that had at least `unreadBytes` bytes not read yet. They are lost unless a copy is found that
   * has them.
   */
  fileTruncated(file: Generation, unreadBytes: number): void
  fileLetGo(file: Generation): void
  fileDenied(path: string, reason: string): void
  fileIgnored(path: string, reason: IgnoreReason): void
  /** The server of a mount has not responded to a call for seconds. */
  mountHangs(point: string): void
  /** A mount is not called, because the most calls that may be under way already wait for other mounts. */
  mountWaits(point: string): void
  /** A mount responds again that was reported as hanging or waiting. */
  mountAnswers(point: string): void
  bytesRead(bytes: number): void
  watchUnavailable(directory: string, reason: string): void
  settled(file: Generation, reason: SettleReason, what: { lines: number; bytes: number; offset: number }): void
  /**
   * The offset may move over `bytes` bytes that were read. stored: Kafka has a record that contains them, or that
   * reports them as skipped. settled: they need no record, or a later one will report them. Bytes that are read again
   * are reported again.
   */
  finished(file: Generation, outcome: Receipt['outcome'], bytes: number): void
  lost(file: Generation, reason: LossReason, bytes: number): void
  /** A stop leaves `bytes` bytes of the file to the next start. */
  undelivered(file: Generation, bytes: number): void
  // encode
  /** Records were made of a chunk. `cutBytes` are source bytes of truncated records that no record contains. */
  encoded(what: { records: number; bytes: number; invalidUtf8: number; truncated: number; cutBytes: number }): void
  /** Records too large for any batch were cut; `offset` is the file offset of the first. */
  recordsCut(file: Generation, what: { records: number; offset: number }): void
  // output
  batchStored(batch: StoredBatch): void
  batchRetried(topic: string, partition: number, reason: string): void
  /** A batch was refused, and will be until somebody acts; the agent tries again all the same. */
  batchRefused(topic: string, partition: number, reason: string): void
  batchSplit(topic: string, partition: number, records: number, bytes: number): void
  recordTooLarge(what: {
    topic: string
    partition: number
    file: string
    offset: number
    bytes: number
    action: 'cut' | 'drop'
  }): void
  /**
   * A record too large for the broker was cut. `records` is 0 if it had been cut before; `cutBytes` are bytes of the
   * line.
   */
  recordTruncated(what: { records: number; cutBytes: number }): void
  possibleRepeats(topic: string, partition: number, records: number): void
  filesMoved(topic: string, partition: number, files: number): void
  brokerConnected(node: number, address: string): void
  brokerUnreachable(node: number, address: string, reason: string): void
  producerIdWaiting(address: string, reason: string): void
  /** A producer id was refused, and will be until somebody acts; the agent requests one again all the same. */
  producerIdRefused(address: string, reason: string): void
  topicWaiting(topic: string, reason: string): void
  /** A topic was refused, and will be until somebody acts; the agent waits for it all the same. */
  topicRefused(topic: string, reason: string): void
  topicReady(topic: string, partitions: number): void
  partitionWaiting(topic: string, partition: number, reason: string): void
  // state
  checkpointWritten(entries: number, bytes: number, milliseconds: number): void
  checkpointFailed(reason: string): void
  stateTorn(file: string, bytes: number): void
  stateSetAside(file: string, movedTo: string, reason: string): void
  /** The state directory cannot be locked, so another agent could use it too. */
  stateUnlocked(directory: string, reason: string): void
}

/** The method of an implementation that ignores an event. Code that joins several listeners need not call it. */
export function nothing(): void {
  // on purpose
}
