/**
 * A lane is one topic-partition: its open batch, its sealed batches in order, its producer state, and the memory it
 * holds. It knows nothing of requests and answers (verdict.ts), nor of when to send (dispatcher.ts).
 */
import type { Obstacle } from '../../flow.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import { LARGER, SMALLER, type SizeClass, largerOf } from '../../kernel/pool.ts'
import { RESULT } from '../../kernel/layout.ts'
import { bytesOf, split } from '../../ranges.ts'
import type { EntriesToAppend, Appended } from './entries-to-append.ts'
import type { Quota } from './batch-memory.ts'
import { BatchLimit } from './batch-limit.ts'
import { Batch, HEADER_BYTES } from './batch.ts'
import { strongerAffinity } from './partition.ts'
import { type Mode, SequenceState } from './sequence.ts'

export interface LaneOptions {
  readonly topic: string
  readonly partition: number
  readonly memory: LinearMemory
  readonly quota: Quota
  readonly mode: Mode
  /** Bytes of a batch at most, header included. */
  readonly batchMaxBytes: number
  /** What becomes of a record that is larger by itself. */
  readonly tooLarge: 'cut' | 'drop'
  /** The first `records` of the batch may come to be stored twice. */
  onRepeats(batch: Batch, records: number): void
}

export class Lane implements Obstacle {
  /** Files that find no room in it wait for the lane. */
  readonly kind = 'room'
  readonly topic: string
  readonly partition: number
  readonly sequence: SequenceState
  readonly quota: Quota
  readonly #options: LaneOptions
  /** Sealed batches, lowest first; those in flight come first. */
  readonly queue: Batch[] = []
  open: Batch | null = null
  readonly limit: BatchLimit
  /** The node that the batches in flight were sent to. */
  node = -1
  /** Belongs to timetable.ts. */
  wakeAt = Infinity
  #leader = -1
  #leaderlessSince = -1
  #isReachable = true
  #retryAt = 0
  #failures = 0
  #storedAt = 0
  /** Class of buffer that the next batch begins with, and the least that holds the record which waits. */
  #firstClass: SizeClass = 'small'
  #leastClass: SizeClass = 'small'
  readonly #appended: Appended = {
    records: 0,
    bytes: 0,
    invalidUtf8: 0,
    truncated: 0,
    cutBytes: 0,
    tooLarge: 0,
    tooLargeAt: 0,
  }

  constructor(options: LaneOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.sequence = new SequenceState(options.mode, (batch, records) => options.onRepeats(batch, records))
    this.quota = options.quota
    this.#options = options
    this.limit = new BatchLimit(options.batchMaxBytes)
  }

  // -- how its leader stands to it; times are the producer's clock's -----------------------------------------------------

  /** Node id of the leader, -1 while there is none. */
  get leader(): number {
    return this.#leader
  }

  /** When the leader was lost; -1 while there is one. */
  get leaderlessSince(): number {
    return this.#leaderlessSince
  }

  /** Nothing is sent before this time: sending has failed, {@link failures} times in a row. */
  get retryAt(): number {
    return this.#retryAt
  }

  get failures(): number {
    return this.#failures
  }

  /** When something of it was last stored. */
  get storedAt(): number {
    return this.#storedAt
  }

  ledBy(leader: number, now: number): void {
    if (leader >= 0) this.#leaderlessSince = -1
    else if (this.#leaderlessSince < 0) this.#leaderlessSince = now
    // a new leader is worth a try at once
    if (leader >= 0 && leader !== this.#leader) this.#retryAt = 0
    if (leader !== this.#leader) this.#isReachable = true
    this.#leader = leader
    this.quota.leader = leader
    this.#updateStalled()
  }

  /** Whether a request to the leader would go out now. */
  set isReachable(isReachable: boolean) {
    this.#isReachable = isReachable
    this.#updateStalled()
  }

  failed(retryAt: number): void {
    this.#failures++
    this.#retryAt = retryAt
    this.#updateStalled()
  }

  succeeded(now: number): void {
    this.#failures = 0
    this.#retryAt = 0
    this.#storedAt = now
    this.#isReachable = true
    this.#updateStalled()
  }

  #updateStalled(): void {
    this.quota.stalled = this.#leader < 0 || !this.#isReachable || this.#failures > 0
  }

  // -- its batches ------------------------------------------------------------------------------------------------------

  /** Nothing open, nothing waiting, nothing in flight. */
  get idle(): boolean {
    return this.queue.length === 0 && (this.open === null || this.open.records === 0)
  }

  /** When the oldest record that is not stored came (producer's clock); Infinity when there is none. */
  get waitingSince(): number {
    const oldest = this.queue[0] ?? this.open
    return oldest === null || oldest.records === 0 ? Infinity : oldest.openedAt
  }

  /** Something of it may be in the partition's log without our knowing: it must not go anywhere else. */
  get bound(): boolean {
    return this.sequence.inFlight > 0 || this.queue.some((batch) => batch.uncertain > 0)
  }

  /** Make sure there is an open batch; false when there is no buffer for one. */
  makeRoom(): boolean {
    if (this.open !== null) return true
    let sizeClass: SizeClass | null = largerOf(this.#firstClass, this.#leastClass)
    while (sizeClass !== null) {
      const buffer = this.quota.take(sizeClass, { needed: sizeClass === this.#leastClass })
      if (buffer !== null) {
        this.open = new Batch(this.#options.memory, buffer)
        return true
      }
      // Who has something in flight gets memory back soon. If all took the small pieces that are left meanwhile, no
      // large one would ever come together again.
      if (this.quota.heldBytes > 0 || sizeClass === this.#leastClass) return false
      sizeClass = SMALLER[sizeClass]
    }
    return false
  }

  /**
   * Append to the open batch ({@link makeRoom} first) until the entries or the batch end. When not all are taken:
   * {@link enlarge}, or seal it, and call again. What is returned is good until the next call.
   */
  append(what: EntriesToAppend, now: number): Appended {
    const batch = this.open
    if (batch === null) throw new Error('append without an open batch')
    if (batch.records === 0) {
      batch.begin(what.timestamp, now)
      this.limit.opened(this.queue, now)
    }
    const { batchMaxBytes } = this.#options
    const sum = this.#appended
    sum.records = sum.bytes = sum.invalidUtf8 = sum.truncated = sum.cutBytes = sum.tooLarge = 0
    while (what.first < what.end) {
      // A record larger than what the broker was seen to take is sent alone, so that it is judged by itself: it may be
      // compressed to less, and whether it is cut or dropped is decided in oversize.ts.
      const { reach } = this.limit
      const alone = batch.records === 0 && reach < batchMaxBytes
      const from = what.first
      this.#encode(batch, what, alone ? from + 1 : what.end, alone ? batchMaxBytes : reach)
      if (!alone || what.first === from) break
    }
    what.records += sum.records
    return sum
  }

  #encode(batch: Batch, what: EntriesToAppend, last: number, limit: number): void {
    const { memory, batchMaxBytes } = this.#options
    const { first } = what
    const records = what.append(
      first,
      last,
      0,
      batch.end,
      batch.buffer.address + Math.min(limit, batch.buffer.bytes),
      batch.bufferEnd,
      batch.records,
      batch.baseTimestamp,
      // a record must fit into an empty batch, whatever else is in this one
      batchMaxBytes - HEADER_BYTES,
      this.#options.tooLarge === 'drop' ? 1 : 0,
      what.skipped,
    )
    what.first = memory.result(RESULT.next)
    what.skipped = memory.result(RESULT.skipped)
    if (what.first === first) return
    const consumed = memory.result(RESULT.consumed)
    const all = what.extentsOf(first, what.first)
    // nearly always all of it went into records
    const [shipped, settled] =
      bytesOf(all) === consumed ? [all, []] : split(all, consumed, (offset) => what.guardAt(offset))
    if (records > 0) {
      const sum = this.#appended
      batch.end = memory.result(RESULT.out)
      batch.records += records
      batch.maxTimestamp = Math.max(batch.maxTimestamp, memory.result(RESULT.maxTimestamp))
      batch.affinity = strongerAffinity(batch.affinity, what.affinity)
      sum.records += records
      sum.bytes += consumed
      sum.invalidUtf8 += memory.result(RESULT.invalid)
      sum.truncated += memory.result(RESULT.cut)
      sum.cutBytes += memory.result(RESULT.cutBytes)
      if (sum.tooLarge === 0) sum.tooLargeAt = memory.result(RESULT.oversizeAt)
      sum.tooLarge += memory.result(RESULT.oversize)
      batch.extend({ file: what.file, ranges: shipped, records })
    }
    if (settled.length > 0) what.settled(settled)
  }

  /**
   * Make room for the entry that was not taken. False when the batch is full and has to be sealed. An empty batch is
   * given up for the next larger buffer, which {@link makeRoom} then asks for. Throws when there is none larger.
   */
  enlarge(): boolean {
    const batch = this.open
    if (batch === null) return true
    const next = LARGER[batch.buffer.sizeClass]
    if (batch.records > 0) return batch.buffer.bytes < this.limit.reach && next !== null && this.#promote(batch, next)
    if (next === null) throw new Error(`a record with its metadata is larger than ${batch.buffer.bytes} bytes`)
    this.#leastClass = next
    this.giveUp()
    return true
  }

  /** Let go of an open batch that is empty. */
  giveUp(): void {
    if (this.open === null || this.open.records > 0) return
    this.quota.give(this.open.buffer)
    this.open = null
  }

  #promote(batch: Batch, sizeClass: SizeClass): boolean {
    const buffer = this.quota.take(sizeClass, { instead: batch.buffer })
    if (buffer === null) return false
    this.quota.give(batch.promote(buffer))
    return true
  }

  /** Close the open batch and put it behind the sealed ones. Null when it is empty. */
  seal(): Batch | null {
    const batch = this.open
    if (batch === null || batch.records === 0) return null
    this.open = null
    batch.sending = batch.fitting(this.limit.reach)
    this.limit.sealed(batch)
    this.queue.push(batch)
    // a lane that fills its batches starts with a buffer of the right size next time
    const { sizeClass } = batch.buffer
    this.#firstClass = batch.bytes * 2 > batch.buffer.bytes ? sizeClass : (SMALLER[sizeClass] ?? sizeClass)
    this.#leastClass = 'small'
    return batch
  }

  /** Take a settled batch out and give its buffer back. */
  settle(batch: Batch): void {
    this.queue.splice(this.queue.indexOf(batch), 1)
    this.quota.give(batch.buffer)
  }

  /** Give all memory back. Nothing may be in flight, and nobody may touch the lane's batches any more. */
  clear(): void {
    for (const batch of this.queue.splice(0)) this.quota.give(batch.buffer)
    if (this.open !== null) this.quota.give(this.open.buffer)
    this.open = null
  }
}
