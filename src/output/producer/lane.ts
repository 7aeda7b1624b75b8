/**
 * A lane is the queue of one topic-partition: its open batch, its sealed batches in order, its producer state, and the
 * memory that it holds. dispatcher.ts decides when to send, and outcome.ts what a response means.
 */
import type { Obstacle } from '../../flow.ts'
import { AppendCall } from '../../kernel/append-call.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import { LARGER, SMALLER, type SizeClass, largerOf } from '../../kernel/pool.ts'
import { RESULT } from '../../kernel/layout.ts'
import { bytesOf, split } from '../../ranges.ts'
import { Appended, type EntriesToAppend } from './entries-to-append.ts'
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
  /** Whether a record that is larger than a batch may be is cut or dropped. */
  readonly tooLarge: 'cut' | 'drop'
  /** The first `records` records of the batch may be stored twice. */
  onRepeats(batch: Batch, records: number): void
}

export class Lane implements Obstacle {
  /** Files that find no room in the lane wait for it as their obstacle. */
  readonly kind = 'room'
  readonly topic: string
  readonly partition: number
  readonly sequence: SequenceState
  readonly quota: Quota
  readonly #options: LaneOptions
  /** Sealed batches, lowest sequence first; those in flight come first. */
  readonly queue: Batch[] = []
  open: Batch | null = null
  readonly limit: BatchLimit
  /** Node id of the broker that the batches in flight were sent to. */
  node = -1
  /** Set by the timer queue (timer-queue.ts) alone. */
  wakeAt = Infinity
  #leader = -1
  #leaderlessSince = -1
  #isReachable = true
  #retryAt = 0
  #failures = 0
  #storedAt = 0
  /** The class of buffer that the next batch begins with, and the smallest that has room for the record that waits. */
  #firstClass: SizeClass = 'small'
  #leastClass: SizeClass = 'small'
  readonly #call = new AppendCall()
  readonly #appended = new Appended()

  constructor(options: LaneOptions) {
    this.topic = options.topic
    this.partition = options.partition
    this.sequence = new SequenceState(options.mode, (batch, records) => options.onRepeats(batch, records))
    this.quota = options.quota
    this.#options = options
    this.limit = new BatchLimit(options.batchMaxBytes)
    // a record must fit into an empty batch, whatever else is in this one
    this.#call.maxRecord = options.batchMaxBytes - HEADER_BYTES
    this.#call.drop = options.tooLarge === 'drop'
  }

  // -- its leader, and whether sending works; times are the producer's clock's -----------------------------------------

  /** Node id of the leader, -1 while there is none. */
  get leader(): number {
    return this.#leader
  }

  /** When the partition lost its leader; -1 while it has one. */
  get leaderlessSince(): number {
    return this.#leaderlessSince
  }

  /** Nothing is sent before this time, since sending has failed, {@link failures} times in a row. */
  get retryAt(): number {
    return this.#retryAt
  }

  get failures(): number {
    return this.#failures
  }

  /** When records of the lane were last stored. */
  get storedAt(): number {
    return this.#storedAt
  }

  /** The partition's leader is this node now; -1: it has none. */
  ledBy(leader: number, now: number): void {
    if (leader >= 0) this.#leaderlessSince = -1
    else if (this.#leaderlessSince < 0) this.#leaderlessSince = now
    // a new leader is tried at once
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

  // -- its batches -----------------------------------------------------------------------------------------------------

  /** No record is open, waiting or in flight. */
  get idle(): boolean {
    return this.queue.length === 0 && (this.open === null || this.open.records === 0)
  }

  /** When the oldest record that is not stored was appended (producer's clock); Infinity when there is none. */
  get waitingSince(): number {
    const oldest = this.queue[0] ?? this.open
    return oldest === null || oldest.records === 0 ? Infinity : oldest.openedAt
  }

  /** Records of the lane may be in the partition's log without our knowledge: they must not go to another partition. */
  get bound(): boolean {
    return this.sequence.inFlight > 0 || this.queue.some((batch) => batch.uncertain > 0)
  }

  /** Makes sure that there is an open batch; false when there is no buffer for one. */
  makeRoom(): boolean {
    if (this.open !== null) return true
    let sizeClass: SizeClass | null = largerOf(this.#firstClass, this.#leastClass)
    while (sizeClass !== null) {
      const buffer = this.quota.take(sizeClass, { needed: sizeClass === this.#leastClass })
      if (buffer !== null) {
        this.open = new Batch(this.#options.memory, buffer)
        return true
      }
      // A lane that holds memory gets some back soon. If all lanes took the small pieces that are left meanwhile, those
      // could never be joined to a large one again.
      if (this.quota.heldBytes > 0 || sizeClass === this.#leastClass) return false
      sizeClass = SMALLER[sizeClass]
    }
    return false
  }

  /**
   * Appends to the open batch ({@link makeRoom} first) until there are no more entries or the batch is full. When not
   * all entries are taken, {@link enlarge} or {@link seal} the batch, and call again. The result is valid until the
   * next call.
   */
  append(entries: EntriesToAppend, now: number): Appended {
    const batch = this.open
    if (batch === null) throw new Error('append without an open batch')
    if (batch.records === 0) {
      batch.begin(entries.timestamp, now)
      this.limit.opened(this.queue, now)
    }
    const { batchMaxBytes } = this.#options
    const sum = this.#appended
    sum.reset()
    while (entries.first < entries.end) {
      // A record larger than what the broker has taken so far is sent alone, so that the broker decides about it alone:
      // it may compress to less, and whether it is cut or dropped is decided in oversize.ts.
      const { reach } = this.limit
      const alone = batch.records === 0 && reach < batchMaxBytes
      const from = entries.first
      this.#encode(batch, entries, alone ? from + 1 : entries.end, alone ? batchMaxBytes : reach)
      if (!alone || entries.first === from) break
    }
    entries.records += sum.records
    return sum
  }

  #encode(batch: Batch, entries: EntriesToAppend, last: number, limit: number): void {
    const { memory } = this.#options
    const { first } = entries
    const call = this.#call
    call.first = first
    call.end = last
    call.out = batch.end
    call.limit = batch.buffer.address + Math.min(limit, batch.buffer.bytes)
    call.bufferEnd = batch.bufferEnd
    call.index = batch.records
    call.baseTimestamp = batch.baseTimestamp
    call.skipped = entries.skipped
    const records = call.run(entries.append)
    entries.first = memory.result(RESULT.next)
    entries.skipped = memory.result(RESULT.skipped)
    if (entries.first === first) return
    const consumed = memory.result(RESULT.consumed)
    const all = entries.extentsOf(first, entries.first)
    // nearly always all of it went into records
    const [shipped, settled] =
      bytesOf(all) === consumed ? [all, []] : split(all, consumed, (offset) => entries.guardAt(offset))
    if (records > 0) {
      batch.end = memory.result(RESULT.out)
      batch.records += records
      batch.maxTimestamp = Math.max(batch.maxTimestamp, memory.result(RESULT.maxTimestamp))
      batch.affinity = strongerAffinity(batch.affinity, entries.affinity)
      this.#appended.add(memory, records, consumed)
      batch.extend({ file: entries.file, ranges: shipped, records })
    }
    if (settled.length > 0) entries.settled(settled)
  }

  /**
   * Makes room for the entry that was not taken. False when the batch is full and has to be sealed. The buffer of an
   * empty batch is given back, and {@link makeRoom} then takes the next larger one. Throws when there is none larger.
   */
  enlarge(): boolean {
    const batch = this.open
    if (batch === null) return true
    const next = LARGER[batch.buffer.sizeClass]
    if (batch.records > 0) return batch.buffer.bytes < this.limit.reach && next !== null && this.#promote(batch, next)
    if (next === null) throw new Error(`a record with its metadata is larger than ${batch.buffer.bytes} bytes`)
    this.#leastClass = next
    this.releaseEmpty()
    return true
  }

  /** Gives the buffer of the open batch back, if the batch is empty. */
  releaseEmpty(): void {
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

  /** Closes the open batch and puts it behind the sealed ones. Null when it is empty. */
  seal(): Batch | null {
    const batch = this.open
    if (batch === null || batch.records === 0) return null
    this.open = null
    batch.sending = batch.fitting(this.limit.reach)
    this.limit.sealed(batch)
    this.queue.push(batch)
    // a lane that fills its batches begins with a buffer of the right size next time
    const { sizeClass } = batch.buffer
    this.#firstClass = batch.bytes * 2 > batch.buffer.bytes ? sizeClass : (SMALLER[sizeClass] ?? sizeClass)
    this.#leastClass = 'small'
    return batch
  }

  /** Removes a batch with no records left from the queue, and gives its buffer back. */
  remove(batch: Batch): void {
    this.queue.splice(this.queue.indexOf(batch), 1)
    this.quota.give(batch.buffer)
  }

  /** Gives all memory back. Nothing may be in flight, and the lane's batches must not be used any more. */
  clear(): void {
    for (const batch of this.queue.splice(0)) this.quota.give(batch.buffer)
    if (this.open !== null) this.quota.give(this.open.buffer)
    this.open = null
  }
}
