/**
 * The producer state of one lane: which of its batches may be sent now, under which id, epoch and sequence, and what
 * the outcome of one means for the others. It is pure bookkeeping, without input and output. The broker's side of the
 * rules is in test/property/sequence.property.test.ts, which plays both sides against each other.
 *
 * Rules (idempotent; KIP-98, KIP-360, and what brokers were seen to do):
 * - at most 5 batches are in flight, and exactly 1 until the first is stored under this id and epoch in this log: a
 *   broker that does not know the id takes whatever sequence comes first, so a second batch that overtakes the first
 *   would leave a hole for good;
 * - after any failure only the lowest batch is sent, alone, until it is stored; then the others follow in order;
 * - a batch keeps its sequence over every retry, so that a broker which has stored it recognises it; no batch behind
 *   one that is sent in parts is sent before the last part, whose sequence numbers come first;
 * - a new epoch begins only with nothing in flight, and numbers all batches of the queue from 0 again. Records that may
 *   be stored already can then be stored twice, and are counted.
 * Not idempotent: one batch in flight with acks 1 (a second could overtake a failed first), no limit with acks 0;
 * records that may be stored already and are sent again are counted.
 *
 * The batches in flight are always the first `inFlight` ones of the lane's queue, except after a failure: then no batch
 * is sent until none is in flight.
 */
import { type Batch, NO_PRODUCER, type Stamp, nextSequence } from './batch.ts'
import type { ProducerId } from '../transport.ts'

const MAX_IN_FLIGHT = 5
const LAST_EPOCH = 32767

export type Mode = 'idempotent' | 'one-in-flight' | 'fire-and-forget'

export interface BatchFailure {
  /** The records that were sent may be stored all the same. */
  readonly maybeStored: boolean
  /** The part of the stamp that the broker does not accept any more: the batch's sequence, or the producer id. */
  readonly refused: 'nothing' | 'sequence' | 'producer'
}

export class SequenceState {
  readonly #mode: Mode
  readonly #onRepeats: (batch: Batch, records: number) => void
  #producer: ProducerId | null = null
  #formerId = -1
  #epoch = 0
  #next = 0
  /** A batch is stored under this id and epoch, in this log. */
  #confirmed = false
  /** From a {@link doubt} until no batch is in flight that was in flight then. */
  #isDoubtful = false
  /** After a failure: only the lowest batch is sent, alone. */
  #recovering = false
  /** The batch in flight was sent while recovering. */
  #alone = false
  #renumber = false
  #producerLost = false
  inFlight = 0

  /** `onRepeats`: the first `records` records of a batch may be stored twice, and it is too late to avoid that. */
  constructor(mode: Mode, onRepeats: (batch: Batch, records: number) => void) {
    this.#mode = mode
    this.#onRepeats = onRepeats
  }

  /** True while batches cannot be stamped, because there is no producer id or its epochs are used up. */
  get needsProducer(): boolean {
    return this.#mode === 'idempotent' && this.#producer === null
  }

  /** The last id that cannot be used any more, -1 if there was none. */
  get formerId(): number {
    return this.#formerId
  }

  /** Uses this producer id from now on. Called while {@link needsProducer}; the id must not be {@link formerId}. */
  adopt(producer: ProducerId): void {
    this.#producer = producer
    this.#epoch = producer.epoch
    this.#next = 0
    this.#confirmed = false
  }

  /** The batch of the lane's queue to send now, or null. */
  next(queue: readonly Batch[]): Batch | null {
    if (!this.#mayFollow(queue)) return null
    const batch = queue[this.inFlight]
    return batch !== undefined && batch.ready ? batch : null
  }

  /** Whether a batch could be sent at once if it were put behind all others. */
  hasRoom(queue: readonly Batch[]): boolean {
    return queue.length === this.inFlight && this.#mayFollow(queue)
  }

  #mayFollow(queue: readonly Batch[]): boolean {
    if (this.needsProducer || this.inFlight >= this.#limit) return false
    const before = queue[this.inFlight - 1]
    return before === undefined || before.sending === before.records
  }

  /** Numbers the batch if it has no sequence yet, and counts it in flight. */
  send(batch: Batch): Stamp {
    batch.inFlight = true
    this.inFlight++
    this.#alone = this.#recovering
    if (this.#mode !== 'idempotent' || this.#producer === null) {
      this.#countRepeats(batch)
      return NO_PRODUCER
    }
    if (batch.sequence < 0) {
      batch.sequence = this.#next
      this.#next = nextSequence(this.#next, batch.records)
    }
    return { producerId: this.#producer.id, epoch: this.#epoch, sequence: batch.sequence }
  }

  /**
   * The broker may have forgotten our id, or the log may be another one. As with a fresh id, the next batch is sent
   * alone. Batches that are in flight now prove nothing when they are stored, since they may be in either log.
   */
  doubt(): void {
    this.#confirmed = false
    this.#isDoubtful = this.inFlight > 0
  }

  /**
   * The batch, or the part of it that was sent, is stored. Call it when these records are removed from the batch, and
   * the batch, if it is empty, from the queue.
   */
  stored(batch: Batch, queue: readonly Batch[]): void {
    // A batch that was sent before a doubt does not end it.
    if (!this.#isDoubtful) this.#confirmed = true
    // Only the batch that was sent alone ends the recovery: when 1, 2 and 3 are in flight and 2 fails, the outcomes of
    // 1 and 3 say nothing about it.
    if (this.#alone) this.#recovering = false
    this.#landed(batch, queue)
  }

  /** The batch is not stored, as far as is known, and has to be sent again. */
  failed(batch: Batch, queue: readonly Batch[], { maybeStored, refused }: BatchFailure): void {
    if (maybeStored) batch.uncertain = Math.max(batch.uncertain, batch.sending)
    this.#recovering = true
    // That the sequence is refused has a meaning only for the lowest batch: the others fail because one before them
    // did.
    if (refused === 'producer' || (refused === 'sequence' && batch === queue[0])) this.#renumber = true
    if (refused === 'producer') this.#producerLost = true
    this.#landed(batch, queue)
  }

  /**
   * Numbers every batch of the queue anew as soon as nothing is in flight, since some of the given numbers won't be
   * used.
   */
  restart(queue: readonly Batch[]): void {
    this.#renumber = true
    this.#recovering = true
    this.#renumberWhenLanded(queue)
  }

  #landed(batch: Batch, queue: readonly Batch[]): void {
    batch.inFlight = false
    this.inFlight--
    this.#alone = false
    if (this.inFlight === 0) this.#isDoubtful = false
    this.#renumberWhenLanded(queue)
  }

  #renumberWhenLanded(queue: readonly Batch[]): void {
    if (!this.#renumber || this.inFlight > 0) return
    this.#renumber = false
    // the first batch of an epoch is alone anyway
    this.#recovering = false
    this.#confirmed = false
    this.#next = 0
    if (this.#mode !== 'idempotent') return
    if (this.#producerLost || this.#epoch >= LAST_EPOCH) {
      this.#formerId = this.#producer?.id ?? this.#formerId
      this.#producer = null
      this.#producerLost = false
    } else this.#epoch++
    for (const batch of queue) {
      batch.sequence = -1
      this.#countRepeats(batch)
    }
  }

  /** The broker may have forgotten our batches, and store this one once more without an error. */
  suspect(batch: Batch): void {
    this.#countRepeats(batch)
  }

  #countRepeats(batch: Batch): void {
    if (batch.uncertain > 0) this.#onRepeats(batch, batch.uncertain)
    batch.uncertain = 0
  }

  get #limit(): number {
    if (this.#recovering) return 1
    if (this.#mode === 'fire-and-forget') return Number.MAX_SAFE_INTEGER
    if (this.#mode === 'one-in-flight') return 1
    return this.#confirmed ? MAX_IN_FLIGHT : 1
  }
}
