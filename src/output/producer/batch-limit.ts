/**
 * How many bytes a lane's batches are filled to, before compression. At first it is as many as the setting allows. How
 * many the broker accepts (`max.message.bytes` of the topic, which counts compressed bytes) is known only from its
 * refusals. So the limit is learned, and learned again: the topic's setting may change, and other lines compress
 * better.
 *
 * - A refused batch halves the limit, until a batch is accepted. So the limit is never less than half of what the
 *   broker accepts of records like these.
 * - After a pause one batch, the probe, is filled to twice the limit; the others keep to the limit until the probe's
 *   outcome is known. If the probe is stored, its size is the limit, and the next probe may follow. If it is refused,
 *   the limit stays, and the pause is twice as long. So a topic that stays small costs one refused batch in ten minutes
 *   in the end.
 *
 * The limit does not apply to a single record: one that is larger is sent alone (oversize.ts).
 */
import type { Batch } from './batch.ts'

/** The smallest limit: no broker is set to less, since a record could not carry its own metadata then. */
const SMALLEST = 1024

const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 600_000

/**
 * A batch is filled until a record does not fit any more: a batch with this part of the largest size counts as full.
 */
const NEARLY = 0.9

export interface Refusal {
  readonly batch: Batch
  /** Bytes of the batch that were sent, before compression, and bytes of the next send. */
  readonly bytes: number
  readonly next: number
  /** The producer's clock. */
  readonly now: number
}

export class BatchLimit {
  readonly #most: number
  #safe: number
  #reach: number
  /** Bytes of the smallest batch that was refused; Infinity once the broker has accepted as many. */
  #refused = Infinity
  /** The pause between the last refusal and the next probe. */
  #pauseMs = 0
  #probeAt = 0
  #probe: Batch | null = null

  constructor(most: number) {
    this.#most = most
    this.#safe = most
    this.#reach = most
  }

  /** Bytes that a batch may have, as far as is known. */
  get safe(): number {
    return this.#safe
  }

  /** Bytes that the open batch is filled to: more than {@link safe} if it is to be the probe. */
  get reach(): number {
    return this.#reach
  }

  /** A batch is opened behind those of the queue: decide whether it is to be the probe. */
  opened(queue: readonly Batch[], now: number): void {
    // The probe was stored, or has moved to another partition.
    if (this.#probe !== null && !queue.includes(this.#probe)) this.#probe = null
    const mayProbe = this.#probe === null && now >= this.#probeAt
    this.#reach = mayProbe ? Math.min(this.#most, 2 * this.#safe) : this.#safe
  }

  /** The open batch is sealed. */
  sealed(batch: Batch): void {
    if (batch.bytes > this.#safe && batch.bytes <= this.#reach) this.#probe = batch
    this.#reach = this.#safe
  }

  /** The broker has refused a batch as too large. */
  refused({ batch, bytes, next, now }: Refusal): void {
    this.#refused = Math.min(this.#refused, bytes)
    const isProbe = batch === this.#probe
    // A large record, or a batch that was in flight when the limit was learned, says nothing new.
    if (bytes > this.#safe && !isProbe) return
    if (isProbe) this.#probe = null
    else this.#safe = Math.max(SMALLEST, next)
    this.#reach = this.#safe
    // The refusals of parts of one batch count as one.
    if (now < this.#probeAt) return
    this.#pauseMs = this.#pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    this.#probeAt = now + this.#pauseMs
  }

  /** A size that was refused may be accepted now: the next batch may be the probe. */
  doubt(): void {
    this.#pauseMs = 0
    this.#probeAt = 0
  }

  /**
   * The broker has stored a batch of `bytes` bytes. `isAlone`: it was one record, which may compress better than
   * others.
   */
  stored(bytes: number, isAlone: boolean): void {
    const proven = isAlone ? Math.min(bytes, 2 * this.#safe) : bytes
    if (proven >= this.#refused) {
      this.#refused = Infinity
      this.#pauseMs = 0
      this.#probeAt = 0
    }
    if (proven <= this.#safe) return
    const isMost = proven >= NEARLY * this.#most && this.#refused === Infinity
    this.#safe = isMost ? this.#most : proven
  }
}
