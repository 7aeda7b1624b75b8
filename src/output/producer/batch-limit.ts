/**
 * How many bytes a lane's batches are filled to, before compression. At first as many as the setting allows. What the
 * broker takes (`max.message.bytes` of the topic, of what is compressed) only its refusals tell, so the limit is
 * learned, and learned anew: the topic's setting may change, and other lines compress better.
 *
 * - A refused batch halves the limit, until one is taken: never less than half of what the broker takes of records
 *   like these.
 * - After a pause one batch is filled to twice as much, the probe; the others keep to the limit until its fate is known.
 *   If it is stored, the limit is what it had, and the next probe may follow. If it is refused, the limit stays, and the
 *   pause is twice as long. So a topic that stays small costs one refused batch in ten minutes in the end.
 *
 * Nothing here is about a single record: one that is larger is sent alone and judged by itself (oversize.ts).
 */
import type { Batch } from './batch.ts'

/** No broker is set to less; below it a record could not carry its own metadata. */
const SMALLEST = 1024

const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 600_000

/** A batch is filled up to the record that does not fit any more: one that has so much of the most was full. */
const NEARLY = 0.9

export interface Refusal {
  readonly batch: Batch
  /** What the broker was sent of it, before compression, and what it is sent next. */
  readonly bytes: number
  readonly next: number
  /** The producer's clock. */
  readonly now: number
}

export class BatchLimit {
  readonly #most: number
  #safe: number
  #reach: number
  /** Bytes of the smallest batch that was refused; Infinity once the broker has taken as many. */
  #refused = Infinity
  /** Between the last refusal and the next probe. */
  #pauseMs = 0
  #probeAt = 0
  #probe: Batch | null = null

  constructor(most: number) {
    this.#most = most
    this.#safe = most
    this.#reach = most
  }

  /** Bytes that a batch may have for all we know. */
  get safe(): number {
    return this.#safe
  }

  /** Bytes to fill the open batch to: more than {@link safe} if it is to be the probe. */
  get reach(): number {
    return this.#reach
  }

  /** A batch is opened, behind those of the queue: decides whether it is to be the probe. */
  opened(queue: readonly Batch[], now: number): void {
    // It was stored, or went to another partition.
    if (this.#probe !== null && !queue.includes(this.#probe)) this.#probe = null
    const mayProbe = this.#probe === null && now >= this.#probeAt
    this.#reach = mayProbe ? Math.min(this.#most, 2 * this.#safe) : this.#safe
  }

  /** The open batch is full, or has to leave. */
  sealed(batch: Batch): void {
    if (batch.bytes > this.#safe && batch.bytes <= this.#reach) this.#probe = batch
    this.#reach = this.#safe
  }

  /** The broker found a batch too large. */
  refused({ batch, bytes, next, now }: Refusal): void {
    this.#refused = Math.min(this.#refused, bytes)
    const isProbe = batch === this.#probe
    // A large record, or what was on its way when the limit was learned: says nothing new.
    if (bytes > this.#safe && !isProbe) return
    if (isProbe) this.#probe = null
    else this.#safe = Math.max(SMALLEST, next)
    this.#reach = this.#safe
    // The parts of one batch are one refusal.
    if (now < this.#probeAt) return
    this.#pauseMs = this.#pauseMs === 0 ? FIRST_PAUSE_MS : Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS)
    this.#probeAt = now + this.#pauseMs
  }

  /** What was refused may be taken now: the next batch may be the probe. */
  doubt(): void {
    this.#pauseMs = 0
    this.#probeAt = 0
  }

  /** The broker has stored so many. `isAlone`: as one record that may have compressed better than others do. */
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
