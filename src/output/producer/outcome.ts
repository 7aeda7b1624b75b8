/**
 * Decides what a response means for a batch and its lane; no other file does. Nothing is given up: a batch is sent
 * until it is stored. Only a record that is too large by itself is cut or dropped, as `record.tooLarge` says. Receipts
 * are given when records are stored or settled, never before.
 */
import type { Events } from '../../observe/events.ts'
import { split } from '../../ranges.ts'
import { type BackoffLimits, pauseAfter } from '../backoff.ts'
import type { Batch, Piece } from './batch.ts'
import type { Lane } from './lane.ts'
import type { Oversize } from './oversize.ts'
import type { BatchFailure, Mode } from './sequence.ts'
import type { ItemResponse, Transport } from '../transport.ts'
import { meaningOf } from '../error-codes.ts'

export interface OutcomesOptions {
  readonly transport: Pick<Transport, 'refresh'>
  readonly mode: Mode
  readonly retry: BackoffLimits
  readonly events: Pick<Events, 'batchStored' | 'batchRetried' | 'batchRefused'>
  readonly now: () => number
  readonly random: () => number
  readonly oversize: Oversize
  /** Aborted when nothing will be sent any more. */
  readonly stopped: AbortSignal
  /** Makes the batch's next send ready. */
  seal(lane: Lane, batch: Batch): void
  /**
   * Records are stored; or settled: a record that was dropped, and, as a piece without a record, the lines before it
   * that have none.
   */
  onReceipt(piece: Piece, outcome: 'stored' | 'settled'): void
}

/** A batch that is refused until somebody acts waits this many times `retry.maxMs`, in addition to its back-off. */
const REFUSED_PAUSES = 10

/** Why a batch is not stored yet. */
interface Setback extends BatchFailure {
  readonly reason: string
  /** Trying again is no use until somebody acts. */
  readonly mustAct?: boolean
}

export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  /** Applies the outcome of a batch that was sent. */
  apply(lane: Lane, batch: Batch, response: ItemResponse): void {
    if (response.kind === 'no-response') {
      const { maybeSent: maybeStored, reason } = response
      // at most once: a batch that may have arrived is never sent again
      if (maybeStored && this.#options.mode === 'fire-and-forget') this.#done(lane, batch)
      else this.#again(lane, batch, { maybeStored, refused: 'nothing', reason })
      return
    }
    const { action, name, words, maybeStored: stored } = meaningOf(response.code)
    const maybeStored = stored === 'yes' || (stored === 'waiting' && this.#options.mode === 'idempotent')
    const reason = `${name}: ${response.message ?? words}`
    switch (action) {
      case 'success':
      case 'duplicate':
        this.#stored(lane, batch, response.baseOffset)
        return
      case 'too-large':
        this.#tooLarge(lane, batch)
        return
      case 'new-epoch':
        this.#again(lane, batch, { maybeStored, refused: 'sequence', reason })
        return
      case 'new-producer-id':
        this.#again(lane, batch, { maybeStored, refused: 'producer', reason })
        return
      case 'refresh':
      case 'retry':
        this.#options.transport.refresh(lane.topic)
        this.#again(lane, batch, { maybeStored, refused: 'nothing', reason })
        return
      case 'refused':
        this.#again(lane, batch, { maybeStored, refused: 'nothing', reason, mustAct: true })
        return
    }
  }

  /**
   * Drops the lane's first record, if it was refused for good and nothing is in flight: a record can be taken out of
   * the sequence only with a new epoch, and a new epoch can begin only then.
   */
  dropRefused(lane: Lane): void {
    const lowest = lane.queue[0]
    if (lowest === undefined || !lowest.dropFirst || lane.sequence.inFlight > 0) return
    lowest.dropFirst = false
    const settledBytes = lowest.settledBefore(0)
    const pieces = this.#take(lane, lowest, 1)
    lane.sequence.restart(lane.queue)
    for (const { file, ranges, records } of pieces) {
      // The lines before it that were settled had their own reason.
      const [before, its] = split(ranges, settledBytes)
      if (before.length > 0) this.#options.onReceipt({ file, ranges: before, records: 0 }, 'settled')
      this.#options.onReceipt({ file, ranges: its, records }, 'settled')
    }
  }

  #again(lane: Lane, batch: Batch, setback: Setback): void {
    const { reason, mustAct = false, ...failure } = setback
    const { retry, now, random, events, stopped } = this.#options
    // The other batches in flight fail because of the lowest, or together with it: that is one failure, not five.
    if (batch === lane.queue[0]) {
      const extra = mustAct ? REFUSED_PAUSES * retry.maxMs : 0
      lane.failed(now() + pauseAfter(lane.failures, retry, random) + extra)
    }
    lane.sequence.failed(batch, lane.queue, failure)
    if (stopped.aborted) return
    events[mustAct ? 'batchRefused' : 'batchRetried'](lane.topic, lane.partition, reason)
  }

  #stored(lane: Lane, batch: Batch, baseOffset: number): void {
    const { sending: records, wireBytes: bytes } = batch
    const latencyMs = this.#options.now() - batch.firstSentAt
    const { topic, partition } = lane
    lane.limit.stored(batch.sendingBytes, records === 1 && batch.compressed !== null)
    this.#options.events.batchStored({ topic, partition, baseOffset, records, bytes, latencyMs })
    this.#done(lane, batch)
  }

  #done(lane: Lane, batch: Batch): void {
    lane.succeeded(this.#options.now())
    const pieces = this.#take(lane, batch, batch.sending)
    lane.sequence.stored(batch, lane.queue)
    for (const piece of pieces) this.#options.onReceipt(piece, 'stored')
  }

  /** Takes the first `count` records out of the batch. */
  #take(lane: Lane, batch: Batch, count: number): Piece[] {
    const pieces = batch.remove(count)
    if (batch.records === 0) lane.remove(batch)
    else {
      batch.sending = batch.fitting(lane.limit.safe)
      this.#options.seal(lane, batch)
    }
    return pieces
  }

  #tooLarge(lane: Lane, batch: Batch): void {
    lane.sequence.failed(batch, lane.queue, { maybeStored: false, refused: 'nothing' })
    batch.ready = false
    if (this.#options.oversize.refused(lane, batch) === 'send') this.#options.seal(lane, batch)
    else batch.dropFirst = true
    for (const other of lane.queue) if (other !== batch) this.#fit(lane, other)
  }

  /** Sends a batch that was sealed before the limit was learned in parts from the beginning. */
  #fit(lane: Lane, batch: Batch): void {
    // A batch that may be stored as a whole is only recognised as a whole; one that is being compressed must not
    // change.
    if (batch.inFlight || batch.uncertain > 0 || !batch.ready) return
    const sending = batch.fitting(lane.limit.safe)
    if (sending >= batch.sending) return
    batch.sending = sending
    this.#options.seal(lane, batch)
  }
}
