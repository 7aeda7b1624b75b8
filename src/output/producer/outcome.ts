/**
 * What an answer means for a batch and its lane: this is decided here and nowhere else. Nothing is given up: a batch is
 * sent until it is stored, except a record that is too large by itself, which is cut or dropped as `record.tooLarge`
 * says. Receipts go out when records are stored or settled, never before.
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
  /** Nothing will be sent any more. */
  readonly stopped: AbortSignal
  /** Make the batch's next send ready. */
  seal(lane: Lane, batch: Batch): void
  /** Settled are the record that was dropped, and as a piece without a record the lines before it that have none. */
  onReceipt(piece: Piece, outcome: 'stored' | 'settled'): void
}

/** Where somebody has to act first, a batch waits this many times `retry.maxMs`, in addition to its back-off. */
const REFUSED_PAUSES = 10

/** Why a batch is not stored yet. */
interface Setback extends BatchFailure {
  readonly reason: string
  /** Somebody has to do something about it first. */
  readonly mustAct?: boolean
}

export class Outcomes {
  readonly #options: OutcomesOptions

  constructor(options: OutcomesOptions) {
    this.#options = options
  }

  pass(lane: Lane, batch: Batch, answer: ItemResponse): void {
    if (answer.kind === 'no-response') {
      const { maybeSent: maybeStored, reason } = answer
      // at most once: what may have arrived is never sent again
      if (maybeStored && this.#options.mode === 'fire-and-forget') this.#done(lane, batch)
      else this.#again(lane, batch, { maybeStored, refused: 'nothing', reason })
      return
    }
    const { action, name, words, maybeStored: stored } = meaningOf(answer.code)
    const maybeStored = stored === 'yes' || (stored === 'waiting' && this.#options.mode === 'idempotent')
    const reason = `${name}: ${answer.message ?? words}`
    switch (action) {
      case 'success':
      case 'duplicate':
        this.#stored(lane, batch, answer.baseOffset)
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

  /** A record leaves the sequence only with a new epoch, and that only once nothing is in flight. */
  dropRefused(lane: Lane): void {
    const lowest = lane.queue[0]
    if (lowest === undefined || !lowest.dropFirst || lane.sequence.inFlight > 0) return
    lowest.dropFirst = false
    const settledBytes = lowest.settledBefore(0)
    const pieces = this.#take(lane, lowest, 1)
    lane.sequence.restart(lane.queue)
    for (const { file, ranges, records } of pieces) {
      // The lines that were settled before it have had their own reason.
      const [before, its] = split(ranges, settledBytes)
      if (before.length > 0) this.#options.onReceipt({ file, ranges: before, records: 0 }, 'settled')
      this.#options.onReceipt({ file, ranges: its, records }, 'settled')
    }
  }

  #again(lane: Lane, batch: Batch, setback: Setback): void {
    const { reason, mustAct = false, ...failure } = setback
    const { retry, now, random, events, stopped } = this.#options
    // The others fail because the lowest did, or along with it: that is one failure, not five.
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

  /** Take the first `count` records of the batch out. */
  #take(lane: Lane, batch: Batch, count: number): Piece[] {
    const pieces = batch.remove(count)
    if (batch.records === 0) lane.settle(batch)
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

  /** A batch that was sealed before the limit was learned goes out in parts from the beginning. */
  #fit(lane: Lane, batch: Batch): void {
    // What may be stored as a whole is only recognised as a whole; what is being compressed must not change.
    if (batch.inFlight || batch.uncertain > 0 || !batch.ready) return
    const sending = batch.fitting(lane.limit.safe)
    if (sending >= batch.sending) return
    batch.sending = sending
    this.#options.seal(lane, batch)
  }
}
