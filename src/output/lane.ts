/**
 * A lane is one topic-partition: its open batch, its sealed batches in order, its producer state, and the memory it
 * holds. It knows nothing of requests and answers (producer.ts) nor of leaders (cluster.ts).
 */
import type { Generation } from '../flow.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import type { PooledBuffer, SizeClass } from '../kernel/pool.ts'
import { RESULT } from '../kernel/layout.ts'
import type { Append } from '../kernel/kernel.ts'
import { Batch, HEADER_BYTES } from './batch.ts'
import { type Mode, SequenceState } from './sequence.ts'

/** What one call appends: entries of one file, already framed. */
export interface Appendix {
  readonly file: Generation
  readonly append: Append
  readonly first: number
  readonly end: number
  /** Whole milliseconds; becomes the base timestamp of a batch that begins with these entries. */
  readonly timestamp: number
  /** Settled bytes the next record has to carry. */
  readonly skipped: number
  /** File offsets where entry `i` begins and ends, and the guard of the bytes before an offset. */
  startOf(entry: number): number
  endOf(entry: number): number
  guardAt(offset: number): string
  /** A range at the end of what was taken has no record: it was settled. */
  settled(start: number, end: number): void
}

export interface LaneOptions {
  readonly topic: string
  readonly partition: number
  readonly memory: LinearMemory
  readonly mode: Mode
  /** Bytes of a batch at most, header included. */
  readonly batchMaxBytes: number
  /** Asked for every buffer; null when the lane may have none now. */
  take(lane: Lane, sizeClass: SizeClass): PooledBuffer | null
}

const LARGER: Record<SizeClass, SizeClass | null> = { small: 'medium', medium: 'large', large: null }
const SMALLER: Record<SizeClass, SizeClass | null> = { large: 'medium', medium: 'small', small: null }

export class Lane {
  readonly topic: string
  readonly partition: number
  readonly sequence: SequenceState
  readonly #options: LaneOptions
  /** Sealed batches, lowest first; those in flight come first. */
  readonly queue: Batch[] = []
  open: Batch | null = null
  /** Bytes of the buffers it holds. */
  heldBytes = 0
  /** Bytes of a batch the broker takes, learned from refusals. */
  limitBytes: number
  /** Node id of the leader, -1 while there is none. */
  leader = -1
  leaderlessSince = -1
  /** Not before this time (producer's clock), after failures. */
  retryAt = 0
  failures = 0
  #firstClass: SizeClass = 'small'

  constructor(options: LaneOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.sequence = new SequenceState(options.mode)
    this.#options = options
    this.limitBytes = options.batchMaxBytes
  }

  /** Nothing open, nothing waiting, nothing in flight. */
  get idle(): boolean {
    return this.queue.length === 0 && (this.open === null || this.open.records === 0)
  }

  /** Make sure there is an open batch with room for something; false when there is no buffer for one. */
  hasRoom(): boolean {
    if (this.open !== null) return true
    let sizeClass: SizeClass | null = this.#firstClass
    while (sizeClass !== null) {
      const buffer = this.#options.take(this, sizeClass)
      if (buffer !== null) {
        this.open = new Batch(this.#options.memory, buffer)
        this.heldBytes += buffer.bytes
        return true
      }
      sizeClass = SMALLER[sizeClass]
    }
    return false
  }

  /**
   * Append to the open batch ({@link hasRoom} first) until the entries or the batch end. Returns the first entry not
   * taken; when that is not `end` the batch is full: seal it and call again with a new one.
   */
  append(what: Appendix, now: number): number {
    const batch = this.open
    if (batch === null) throw new Error('append without an open batch')
    const { memory } = this.#options
    if (batch.records === 0) batch.begin(what.timestamp, now)
    const records = what.append(
      what.first,
      what.end,
      0,
      batch.end,
      batch.buffer.address + Math.min(this.limitBytes, batch.buffer.bytes),
      batch.bufferEnd,
      batch.records,
      batch.baseTimestamp,
      // a record must fit into an empty batch, whatever else is in this one
      this.limitBytes - HEADER_BYTES,
      what.skipped,
    )
    const next = memory.result(RESULT.next)
    const start = what.startOf(what.first)
    const end = start + memory.result(RESULT.consumed)
    if (records > 0) {
      batch.end = memory.result(RESULT.out)
      batch.records += records
      batch.maxTimestamp = Math.max(batch.maxTimestamp, memory.result(RESULT.maxTimestamp))
      batch.extend({ file: what.file, start, end, records, guard: what.guardAt(end) })
    }
    if (memory.result(RESULT.skipped) > 0 && next > what.first) what.settled(end, what.endOf(next - 1))
    return next
  }

  /** Move the open batch to a larger buffer, if its buffer and not `limitBytes` is what is full. */
  promote(release: (buffer: PooledBuffer) => void): boolean {
    const batch = this.open
    if (batch === null || batch.buffer.bytes >= this.limitBytes) return false
    const larger = LARGER[batch.buffer.sizeClass]
    const buffer = larger === null ? null : this.#options.take(this, larger)
    if (buffer === null) return false
    const old = batch.promote(buffer)
    this.heldBytes += buffer.bytes - old.bytes
    release(old)
    return true
  }

  /** Close the open batch and put it behind the sealed ones. Null when it is empty. */
  seal(): Batch | null {
    const batch = this.open
    if (batch === null || batch.records === 0) return null
    this.open = null
    batch.sealed = true
    batch.sending = batch.records
    this.queue.push(batch)
    // a lane that fills its batches starts with a buffer of the right size next time
    const { sizeClass } = batch.buffer
    this.#firstClass = batch.bytes * 2 > batch.buffer.bytes ? sizeClass : (SMALLER[sizeClass] ?? sizeClass)
    return batch
  }

  /** Take a settled batch out; its buffer is the caller's to release. */
  settle(batch: Batch): PooledBuffer {
    this.queue.splice(this.queue.indexOf(batch), 1)
    this.heldBytes -= batch.buffer.bytes
    return batch.buffer
  }
}
