/**
 * The producer state of one lane: which of its batches may be sent now, under which id, epoch and sequence, and what an
 * answer means for the rest. Pure bookkeeping, no input and output; the broker's side of the rules is told at
 * test/property/sequence.property.test.ts, which plays both against each other.
 *
 * Rules (idempotent; KIP-98, KIP-360, and what brokers were seen to do):
 * - at most 5 batches are unanswered, and exactly 1 until the first is stored under this id and epoch: on a fresh id a
 *   broker takes whatever sequence comes first, so a second batch that overtakes the first would open a hole for good;
 * - after any failure only the lowest batch is sent, alone, until it is settled; then the rest follow in order;
 * - a batch keeps its sequence over every retry, so that a broker which has it recognises it;
 * - a new epoch numbers everything unsettled from 0 again, and only with nothing in flight. A batch that was uncertain
 *   then can be stored twice: the caller counts it.
 * Not idempotent: one batch in flight with acks 1 (a second could overtake a failed first), no limit with acks 0.
 */
import { type Batch, NO_PRODUCER, type Stamp, nextSequence } from './batch.ts'
import type { ProducerId } from './transport.ts'

const MAX_IN_FLIGHT = 5
const LAST_EPOCH = 32767

export type Mode = 'idempotent' | 'one-in-flight' | 'fire-and-forget'

export class SequenceState {
  readonly #mode: Mode
  #producer: ProducerId | null = null
  #epoch = 0
  #next = 0
  /** Something is stored under this id and epoch. */
  #confirmed = false
  /** After a failure: only the lowest batch, alone. */
  #recovering = false
  #newEpochWanted = false
  inFlight = 0

  constructor(mode: Mode) {
    this.#mode = mode
  }

  /** True while batches cannot be stamped because there is no producer id, or its epochs are used up. */
  get needsProducer(): boolean {
    return this.#mode === 'idempotent' && this.#producer === null
  }

  /** A producer id for this lane, at its start or after {@link needsProducer}. */
  adopt(producer: ProducerId): void {
    this.#producer = producer
    this.#epoch = producer.epoch
    this.#next = 0
    this.#confirmed = false
  }

  /** The batch to send now, of the lane's batches in order, or null. */
  next(queue: readonly Batch[]): Batch | null {
    if (this.needsProducer) return null
    if (this.#recovering) {
      const lowest = queue[0]
      return this.inFlight === 0 && lowest !== undefined && lowest.ready ? lowest : null
    }
    if (this.inFlight >= this.#limit()) return null
    const batch = queue[this.inFlight]
    return batch !== undefined && batch.ready ? batch : null
  }

  /** Whether one more batch could be sent, if it were ready. */
  get free(): boolean {
    return !this.needsProducer && !this.#recovering && this.inFlight < this.#limit()
  }

  /** Number the batch if it has no sequence yet, and count it in flight. */
  send(batch: Batch): Stamp {
    batch.inFlight = true
    this.inFlight++
    if (this.#mode !== 'idempotent' || this.#producer === null) return NO_PRODUCER
    if (batch.sequence < 0) {
      batch.sequence = this.#next
      this.#next = nextSequence(this.#next, batch.records)
    }
    return { producerId: this.#producer.id, epoch: this.#epoch, sequence: batch.sequence }
  }

  /** The batch, or the part of it that was sent, is stored. Call before it leaves the queue. */
  stored(batch: Batch, queue: readonly Batch[]): void {
    this.#landed(batch)
    batch.uncertain = false
    this.#confirmed = true
    // While something is still in flight behind a failed batch, the lane is not in order yet: 1 and 3 in flight, 2
    // failed, 1 stored: sending "the next one" would send 3 a second time.
    if (batch === queue[0] && this.inFlight === 0) this.#recovering = false
  }

  /**
   * The batch has to be sent again. `maybeStored`: its fate is not known. `newEpoch`: the broker will not take it under
   * the sequence it has. Returns the batches that may come to be stored twice, because they get new numbers although
   * their fate is not known.
   */
  failed(batch: Batch, queue: readonly Batch[], why: { maybeStored: boolean; newEpoch: boolean }): Batch[] {
    this.#landed(batch)
    if (why.maybeStored) batch.uncertain = true
    if (this.#mode !== 'fire-and-forget') this.#recovering = true
    // only for the lowest does it mean that the sequence is refused: the others fail because something before them did
    if (why.newEpoch && batch === queue[0]) this.#newEpochWanted = true
    return this.#restartWhenDrained(queue)
  }

  /** Give every unsettled batch new numbers as soon as nothing is in flight; as `failed` otherwise. */
  restart(queue: readonly Batch[]): Batch[] {
    this.#newEpochWanted = true
    this.#recovering = true
    return this.#restartWhenDrained(queue)
  }

  /** The id is no good any more (fenced, or unknown for good): a new one has to be adopted. */
  loseProducer(queue: readonly Batch[]): Batch[] {
    this.#epoch = LAST_EPOCH
    return this.restart(queue)
  }

  #restartWhenDrained(queue: readonly Batch[]): Batch[] {
    if (!this.#newEpochWanted || this.inFlight > 0) return []
    this.#newEpochWanted = false
    this.#confirmed = false
    this.#next = 0
    if (this.#mode !== 'idempotent') return []
    if (this.#epoch >= LAST_EPOCH) this.#producer = null
    else this.#epoch++
    const repeated: Batch[] = []
    for (const batch of queue) {
      batch.sequence = -1
      if (batch.uncertain) repeated.push(batch)
      batch.uncertain = false
    }
    return repeated
  }

  #landed(batch: Batch): void {
    batch.inFlight = false
    this.inFlight--
  }

  #limit(): number {
    if (this.#mode === 'fire-and-forget') return Number.MAX_SAFE_INTEGER
    if (this.#mode === 'one-in-flight') return 1
    return this.#confirmed ? MAX_IN_FLIGHT : 1
  }
}
