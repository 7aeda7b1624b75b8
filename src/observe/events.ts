/**
 * Everything worth telling, each a named method. Counters, log and tests are implementations of {@link Events}; code
 * that has something to tell calls the method and knows nothing of who listens. Called per chunk, batch or incident,
 * never per line. Byte counts are bytes of source files unless said otherwise.
 */
import type { FoundReason, Generation, IgnoreReason, LossReason, Receipt, SettleReason } from '../flow.ts'

/** One batch that Kafka has stored. */
export interface StoredBatch {
  readonly topic: string
  readonly partition: number
  /** Offset of the batch's first record, -1 where the broker does not tell (acks 0, a recognised repeat). */
  readonly baseOffset: number
  readonly records: number
  /** Bytes on the wire. */
  readonly bytes: number
  /** From the first send to the answer. */
  readonly latencyMs: number
}

export interface Events {
  // input
  fileFound(file: Generation, from: { offset: number; reason: FoundReason }): void
  fileRotated(file: Generation): void
  /** A file was cut that had at least `unreadBytes` more than was read: lost if no copy turns up that has them. */
  fileTruncated(file: Generation, unreadBytes: number): void
  fileLetGo(file: Generation): void
  fileDenied(path: string, reason: string): void
  fileIgnored(path: string, reason: IgnoreReason): void
  /** The server of a mount has not answered a call for seconds. */
  mountHangs(point: string): void
  /** A mount is not called, because as many calls to others are without an answer as there may be. */
  mountWaits(point: string): void
  /** Of a mount that hung or waited, as reported before. */
  mountAnswers(point: string): void
  bytesRead(bytes: number): void
  watchUnavailable(directory: string, reason: string): void
  settled(file: Generation, reason: SettleReason, what: { lines: number; bytes: number; offset: number }): void
  /**
   * The offset may move over so many bytes that were read. stored: they are in a record that Kafka has, or told by one as
   * skipped; settled: they need none, or one will tell of them later. What is read again comes here again.
   */
  finished(file: Generation, outcome: Receipt['outcome'], bytes: number): void
  lost(file: Generation, reason: LossReason, bytes: number): void
  /** A stop leaves so many bytes behind, for the next start. */
  undelivered(file: Generation, bytes: number): void
  // encode
  /** `cutBytes`: source bytes of truncated records that are in none. */
  encoded(what: { records: number; bytes: number; invalidUtf8: number; truncated: number; cutBytes: number }): void
  /** Records too large for any batch were cut; `offset`: of the first in the file. */
  recordsCut(file: Generation, what: { records: number; offset: number }): void
  // output
  batchStored(batch: StoredBatch): void
  batchRetried(topic: string, partition: number, reason: string): void
  /** Tried again all the same, but somebody has to do something about it first. */
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
  /** A record too large for the broker was cut; `records`: 0 if it had been cut before, `cutBytes`: of the line. */
  recordTruncated(what: { records: number; cutBytes: number }): void
  possibleRepeats(topic: string, partition: number, records: number): void
  filesMoved(topic: string, partition: number, files: number): void
  brokerConnected(node: number, address: string): void
  brokerUnreachable(node: number, address: string, reason: string): void
  producerIdWaiting(address: string, reason: string): void
  /** Asked for again all the same, but somebody has to do something about it first. */
  producerIdRefused(address: string, reason: string): void
  topicWaiting(topic: string, reason: string): void
  /** Waited for all the same, but somebody has to do something about it first. */
  topicRefused(topic: string, reason: string): void
  topicReady(topic: string, partitions: number): void
  partitionWaiting(topic: string, partition: number, reason: string): void
  // state
  checkpointWritten(entries: number, bytes: number, milliseconds: number): void
  checkpointFailed(reason: string): void
  stateTorn(file: string, bytes: number): void
  stateSetAside(file: string, movedTo: string, reason: string): void
  /** Nobody can be kept out of the state directory. */
  stateUnlocked(directory: string, reason: string): void
}

/** What an implementation has for an event that it leaves to others: whoever joins several need not call it. */
export function nothing(): void {
  // on purpose
}
