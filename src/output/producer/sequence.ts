/**
 * The producer state of one lane: which of its batches may be sent now, under which id, epoch and sequence, and what an
 * answer means for the rest. Pure bookkeeping, no input and output; the broker's side of the rules is told at
 * test/property/sequence.property.test.ts, which plays both against each other.
 *
 * Rules (idempotent; KIP-98, KIP-360, and what brokers were seen to do):
 * - at most 5 batches are unanswered, and exactly 1 until the first is stored under this id and epoch in this log: where
 *   a broker does not know the id it takes whatever sequence comes first, so a second batch that overtakes the first would
 *   open a hole for good;
 * - after any failure only the lowest batch is sent, alone, until it is settled; then the rest follow in order;
 * - a batch keeps its sequence over every retry, so that a broker which has it recognises it; nothing behind a batch
 *   that goes out in parts is sent before its last part, whose numbers come first;
 * - a new epoch numbers everything unsettled from 0 again, and only with nothing in flight. What was uncertain then can
 *   be stored twice, and is counted.
 * Not idempotent: one batch in flight with acks 1 (a second could overtake a failed first), no limit with acks 0; what is
 * uncertain and sent again is counted.
 *
 * In flight are always the first `inFlight` batches of the lane's queue, but for a failure: then nothing is sent until
 * all have landed.
 */
import { type Batch, NO_PRODUCER, type Stamp, nextSequence } from './batch.ts'
import type { ProducerId } from '../transport.ts'

const MAX_IN_FLIGHT = 5
const LAST_EPOCH = 32767

export type Mode = 'idempotent' | 'one-in-flight' | 'fire-and-forget'

export interface BatchFailure {
  /** The fate of what was sent is not known. */
  readonly maybeStored: boolean
  /** What the broker will not take any more: the sequence the batch has, or the producer id altogether. */
  readonly refused: 'nothing' | 'sequence' | 'producer'
}

export class SequenceState {
  readonly #mode: Mode
  readonly #repeats: (batch: Batch, records: number) => void
  #producer: ProducerId | null = null
  #formerId = -1
  #epoch = 0
  #next = 0
  /** Something is stored under this id and epoch, in this log. */
  #confirmed = false
  /** Since a doubt, until all that was in flight then has landed. */
  #isDoubtful = false
  /** After a failure: only the lowest batch, alone. */
  #recovering = false
  /** The batch that is sent alone while recovering is in flight. */
  #probing = false
  #renumber = false
  #producerLost = false
  inFlight = 0

  /** `repeats` hears that the first `records` of a batch may come to be stored twice, when that cannot be helped any more. */
  constructor(mode: Mode, repeats: (batch: Batch, records: number) => void) {
    this.#mode = mode
    this.#repeats = repeats
  }

  /** True while batches cannot be stamped because there is no producer id, or its epochs are used up. */
  get needsProducer(): boolean {
    return this.#mode === 'idempotent' && this.#producer === null
  }

  /** The id that is used up, -1 if there was none. */
  get formerId(): number {
    return this.#formerId
  }

  /** A producer id for this lane, at its start or after {@link needsProducer}; not the former one. */
  adopt(producer: ProducerId): void {
    this.#producer = producer
    this.#epoch = producer.epoch
    this.#next = 0
    this.#confirmed = false
  }

  /** The batch to send now, of the lane's batches in order, or null. */
  next(queue: readonly Batch[]): Batch | null {
    if (!this.#mayFollow(queue)) return null
    const batch = queue[this.inFlight]
    return batch !== undefined && batch.ready ? batch : null
  }

  /** Whether a batch put behind all others could be sent at once. */
  hasRoom(queue: readonly Batch[]): boolean {
    return queue.length === this.inFlight && this.#mayFollow(queue)
  }

  #mayFollow(queue: readonly Batch[]): boolean {
    if (this.needsProducer || this.inFlight >= this.#limit) return false
    const before = queue[this.inFlight - 1]
    return before === undefined || before.sending === before.records
  }

  /** Number the batch if it has no sequence yet, and count it in flight. */
  send(batch: Batch): Stamp {
    batch.inFlight = true
    this.inFlight++
    this.#probing = this.#recovering
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
   * The broker may have forgotten us, or the log is another one: as on a fresh id, one batch goes first, and before it all
   * that is in flight lands, which may have gone to either log.
   */
  doubt(): void {
    this.#confirmed = false
    this.#isDoubtful = this.inFlight > 0
  }

  /** The batch, or the part of it that was sent, is stored. Call when that has left the batch, and the batch the queue. */
  stored(batch: Batch, queue: readonly Batch[]): void {
    // What was sent before a doubt says nothing about it.
    if (!this.#isDoubtful) this.#confirmed = true
    // Only the batch that was sent alone ends it: 1 and 3 in flight, 2 failed, 1 and 3 answered: "the next one" would be
    // right by luck.
    if (this.#probing) this.#recovering = false
    this.#landed(batch, queue)
  }

  /** The batch has to be sent again. */
  failed(batch: Batch, queue: readonly Batch[], { maybeStored, refused }: BatchFailure): void {
    if (maybeStored) batch.uncertain = Math.max(batch.uncertain, batch.sending)
    this.#recovering = true
    // Only of the lowest it says that the sequence is refused: the others fail because something before them did.
    if (refused === 'producer' || (refused === 'sequence' && batch === queue[0])) this.#renumber = true
    if (refused === 'producer') this.#producerLost = true
    this.#landed(batch, queue)
  }

  /** Give every unsettled batch new numbers as soon as nothing is in flight: some of those given won't be used. */
  restart(queue: readonly Batch[]): void {
    this.#renumber = true
    this.#recovering = true
    this.#renumberWhenLanded(queue)
  }

  #landed(batch: Batch, queue: readonly Batch[]): void {
    batch.inFlight = false
    this.inFlight--
    this.#probing = false
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

  /** The broker may have forgotten what it has of us, and take the batch once more without a word. */
  suspect(batch: Batch): void {
    this.#countRepeats(batch)
  }

  #countRepeats(batch: Batch): void {
    if (batch.uncertain > 0) this.#repeats(batch, batch.uncertain)
    batch.uncertain = 0
  }

  get #limit(): number {
    if (this.#recovering) return 1
    if (this.#mode === 'fire-and-forget') return Number.MAX_SAFE_INTEGER
    if (this.#mode === 'one-in-flight') return 1
    return this.#confirmed ? MAX_IN_FLIGHT : 1
  }
}
