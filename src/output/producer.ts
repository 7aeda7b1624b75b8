/**
 * The journey of a record batch: opened in a lane, filled, sealed when it is full or has lingered, compressed, stamped
 * and sent with the other batches for the same broker, and kept until its fate is known. What an answer means is
 * decided in verdict() and nowhere else.
 *
 * Nothing is given up: a batch is sent until it is stored, except a record that is too large by itself, which is cut or
 * dropped as `record.tooLarge` says. Receipts go out when records are stored or settled, never before.
 */
import type { LinearMemory } from '../kernel/memory.ts'
import { RESULT } from '../kernel/layout.ts'
import type { PooledBuffer, SizeClass } from '../kernel/pool.ts'
import type { Events } from '../observe/events.ts'
import type { Batch, Compression, Piece } from './batch.ts'
import { BatchMemory } from './batch-memory.ts'
import { type Appendix, Lane } from './lane.ts'
import { Oversize } from './oversize.ts'
import { Seal } from './seal.ts'
import type { Mode } from './sequence.ts'
import type { Answer, ProduceItem, TopicView, Transport } from './transport.ts'
import { kafkaError } from './wire/error-codes.ts'

export interface ProducerOptions {
  readonly transport: Transport
  readonly memory: LinearMemory
  readonly mode: Mode
  readonly lingerMs: number
  readonly batchMaxBytes: number
  readonly compression: Compression
  readonly tooLarge: 'cut' | 'drop'
  readonly retry: { readonly minMs: number; readonly maxMs: number }
  readonly events: Events
  readonly now: () => number
  readonly random: () => number
  /** A record (its encoded bytes) made smaller, or null when it cannot be; from the encode stage. */
  cutRecord(record: Uint8Array, maxBytes: number): Uint8Array | null
  /** Records of a piece are stored, or settled because they were too large. */
  onReceipt(piece: Piece, outcome: 'stored' | 'settled'): void
  /** A buffer came free, or a topic's partitions or leaders changed: who waits may try again. */
  onRoom(): void
  onTopic(topic: string): void
}

interface Shipment {
  readonly lane: Lane
  readonly batch: Batch
}

export class Producer {
  readonly #options: ProducerOptions
  readonly #lanes = new Map<string, Lane[]>()
  /** Lanes with anything open, waiting or in flight. */
  readonly #active = new Set<Lane>()
  readonly #buffers: BatchMemory
  readonly #seal: Seal
  readonly #oversize: Oversize
  readonly #stopped = new AbortController()
  readonly #drained: (() => void)[] = []
  #producerIds: Promise<void> | null = null
  #flushing = false
  #timer: NodeJS.Timeout | null = null
  #timerAt = Infinity
  #kicked = false

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#buffers = new BatchMemory(options.memory.pool)
    this.#seal = new Seal(options.compression)
    this.#oversize = new Oversize(options)
    options.transport.onChange = (topic) => this.#topicChanged(topic)
    options.transport.onReady = () => this.#kick()
  }

  /** The topic's partitions as known now; null while unknown. Asking makes the topic wanted. */
  topic(name: string): TopicView | null {
    this.#options.transport.want(name)
    return this.#options.transport.view(name)
  }

  /** The lane of a partition, or null while it has no leader. */
  lane(topic: string, partition: number): Lane | null {
    let lanes = this.#lanes.get(topic)
    if (lanes === undefined) this.#lanes.set(topic, (lanes = []))
    const lane = (lanes[partition] ??= this.#newLane(topic, partition))
    return lane.leader < 0 ? null : lane
  }

  /** Whether the lane can take records now. When it cannot, {@link ProducerOptions.onRoom} is called later. */
  hasRoom(lane: Lane): boolean {
    if (lane.hasRoom()) return true
    this.#buffers.waiting = true
    if (this.#buffers.short) this.#sealOldest()
    return false
  }

  /**
   * Append until everything is taken or there is no room. Returns the first entry not taken, and the settled bytes that
   * the next record has to carry.
   */
  append(lane: Lane, what: Appendix): { next: number; skipped: number } {
    const { memory, events, now } = this.#options
    let next = what.first
    let { skipped } = what
    while (next < what.end && this.hasRoom(lane)) {
      const first = next
      next = lane.append({ ...what, first, skipped }, now())
      skipped = memory.result(RESULT.skipped)
      events.encoded({
        records: memory.result(RESULT.records),
        bytes: memory.result(RESULT.consumed),
        invalidUtf8: memory.result(RESULT.invalid),
        truncated: memory.result(RESULT.cut),
      })
      if (next >= what.end) break
      if (!lane.promote((buffer) => this.#buffers.give(buffer))) this.#sealOpen(lane)
    }
    this.#active.add(lane)
    this.#armFor(lane)
    return { next, skipped }
  }

  /** Send what is open without waiting for it to linger; resolves when every lane is empty. */
  async flush(): Promise<void> {
    this.#flushing = true
    this.#kick()
    while (this.#active.size > 0) await new Promise<void>((resolve) => this.#drained.push(resolve))
    this.#flushing = false
  }

  /** Stop sending. What is not stored stays where the files are. */
  async close(): Promise<void> {
    this.#stopped.abort()
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#options.transport.close()
    await this.#seal.close()
  }

  #newLane(topic: string, partition: number): Lane {
    const lane = new Lane({
      topic,
      partition,
      memory: this.#options.memory,
      mode: this.#options.mode,
      batchMaxBytes: this.#options.batchMaxBytes,
      take: (asking, sizeClass) => this.#take(asking, sizeClass),
    })
    this.#setLeader(lane, this.#options.transport.view(topic))
    return lane
  }

  #take(lane: Lane, sizeClass: SizeClass): PooledBuffer | null {
    return this.#buffers.take(lane, sizeClass)
  }

  // -- when to send ---------------------------------------------------------------------------------------------------

  #kick(): void {
    if (this.#kicked || this.#stopped.signal.aborted) return
    this.#kicked = true
    setImmediate(() => {
      this.#kicked = false
      this.#pump()
    })
  }

  /** Send whatever may be sent now, one request for each broker at a time until nothing is left. */
  #pump(): void {
    if (this.#stopped.signal.aborted) return
    const now = this.#options.now()
    for (;;) {
      const shipments = this.#gather(now)
      if (shipments.size === 0) break
      for (const [node, batches] of shipments) void this.#send(node, batches)
    }
    this.#arm(now)
    if (this.#active.size === 0) for (const resolve of this.#drained.splice(0)) resolve()
  }

  #gather(now: number): Map<number, Shipment[]> {
    const shipments = new Map<number, Shipment[]>()
    for (const lane of this.#active) {
      if (lane.idle && lane.sequence.inFlight === 0) {
        this.#active.delete(lane)
        continue
      }
      if (lane.leader < 0 || lane.retryAt > now) continue
      if (lane.sequence.needsProducer) {
        this.#fetchProducerId()
        continue
      }
      let batch = lane.sequence.next(lane.queue)
      if (lane.queue.length === lane.sequence.inFlight && lane.sequence.free && this.#isDue(lane, now)) {
        this.#sealOpen(lane)
        batch = lane.sequence.next(lane.queue)
      }
      if (batch === null || !this.#options.transport.ready(lane.leader)) continue
      const shipment = { lane, batch }
      const others = shipments.get(lane.leader)
      if (others === undefined) shipments.set(lane.leader, [shipment])
      else others.push(shipment)
    }
    return shipments
  }

  /** An open batch goes out once it has lingered, or along with others a little before. */
  #isDue(lane: Lane, now: number): boolean {
    const { open } = lane
    if (open === null || open.records === 0) return false
    return this.#flushing || this.#buffers.short || now - open.openedAt >= this.#options.lingerMs - 1
  }

  #sealOpen(lane: Lane): void {
    const batch = lane.seal()
    if (batch !== null) this.#sealBatch(batch)
  }

  #sealBatch(batch: Batch): void {
    batch.ready = false
    this.#seal.seal(batch, () => this.#kick())
    if (batch.ready) this.#kick()
  }

  /** Under pressure the batch that has been open longest goes out early, so that its buffer comes back. */
  #sealOldest(): void {
    let oldest: Lane | null = null
    for (const lane of this.#active) {
      const { open } = lane
      if (open === null || open.records === 0 || lane.leader < 0) continue
      if (oldest === null || open.openedAt < (oldest.open?.openedAt ?? 0)) oldest = lane
    }
    if (oldest !== null) this.#sealOpen(oldest)
  }

  #armFor(lane: Lane): void {
    if (lane.open !== null && lane.open.records > 0) this.#armAt(lane.open.openedAt + this.#options.lingerMs)
  }

  #arm(now: number): void {
    let at = Infinity
    for (const lane of this.#active) {
      if (lane.leader < 0) continue
      if (lane.retryAt > now) at = Math.min(at, lane.retryAt)
      else if (lane.open !== null && lane.open.records > 0 && lane.open.openedAt + this.#options.lingerMs > now)
        at = Math.min(at, lane.open.openedAt + this.#options.lingerMs)
    }
    if (at < Infinity) this.#armAt(at)
  }

  #armAt(at: number): void {
    if (at >= this.#timerAt || this.#stopped.signal.aborted) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(
      () => {
        this.#timer = null
        this.#timerAt = Infinity
        this.#pump()
      },
      Math.max(1, at - this.#options.now()),
    )
  }

  #fetchProducerId(): void {
    this.#producerIds ??= this.#options.transport
      .producerId(this.#stopped.signal)
      .then((id) => {
        // The same id serves every lane that waits for one: sequences and epochs are the partition's affair.
        for (const lane of this.#active) if (lane.sequence.needsProducer) lane.sequence.adopt(id)
        this.#kick()
      })
      .catch(() => undefined) // only an abort rejects
      .finally(() => (this.#producerIds = null))
  }

  // -- sending and what came of it ------------------------------------------------------------------------------------

  async #send(node: number, shipments: readonly Shipment[]): Promise<void> {
    const now = this.#options.now()
    const items: ProduceItem[] = shipments.map(({ lane, batch }) => {
      if (this.#options.mode !== 'idempotent' && batch.uncertain) this.#tellRepeats(lane, [batch])
      if (batch.firstSentAt < 0) batch.firstSentAt = now
      return { topic: lane.topic, partition: lane.partition, parts: batch.stamp(lane.sequence.send(batch)) }
    })
    const answers = await this.#options.transport.produce(node, items)
    shipments.forEach(({ lane, batch }, index) => {
      const answer = answers[index]
      if (answer !== undefined) this.#verdict(lane, batch, answer)
      this.#dropRefused(lane)
    })
    this.#pump()
  }

  #verdict(lane: Lane, batch: Batch, answer: Answer): void {
    if (answer.kind === 'unanswered') {
      this.#again(lane, batch, { maybeStored: answer.maybeSent, newEpoch: false }, answer.reason)
      return
    }
    const error = kafkaError(answer.code)
    const reason = answer.message === null ? `${error.name}: ${error.words}` : `${error.name}: ${answer.message}`
    switch (error.action) {
      case 'success':
      case 'duplicate':
        this.#stored(lane, batch, answer.baseOffset)
        return
      case 'too-large':
        this.#tooLarge(lane, batch)
        return
      case 'new-epoch':
        this.#again(lane, batch, { maybeStored: false, newEpoch: true }, reason)
        return
      case 'new-producer-id':
        this.#tellRepeats(lane, lane.sequence.failed(batch, lane.queue, { maybeStored: false, newEpoch: false }))
        this.#tellRepeats(lane, lane.sequence.loseProducer(lane.queue))
        this.#backOff(lane, reason)
        return
      case 'refresh':
        this.#options.transport.refresh(lane.topic)
        this.#again(lane, batch, { maybeStored: error.maybeStored, newEpoch: false }, reason)
        return
      case 'retry':
      case 'refused':
      case 'refused-records':
        this.#again(lane, batch, { maybeStored: error.maybeStored, newEpoch: false }, reason)
        return
    }
  }

  #again(lane: Lane, batch: Batch, why: { maybeStored: boolean; newEpoch: boolean }, reason: string): void {
    this.#tellRepeats(lane, lane.sequence.failed(batch, lane.queue, why))
    this.#backOff(lane, reason)
  }

  #backOff(lane: Lane, reason: string): void {
    const { minMs, maxMs } = this.#options.retry
    const pause = Math.min(maxMs, minMs * 2 ** Math.min(lane.failures++, 16))
    lane.retryAt = this.#options.now() + pause * (0.5 + this.#options.random() / 2)
    this.#options.events.batchRetried(lane.topic, lane.partition, reason)
  }

  #stored(lane: Lane, batch: Batch, baseOffset: number): void {
    lane.failures = 0
    lane.retryAt = 0
    lane.sequence.stored(batch, lane.queue)
    this.#options.events.batchStored({
      topic: lane.topic,
      partition: lane.partition,
      baseOffset,
      records: batch.sending,
      bytes: batch.wireBytes,
      latencyMs: this.#options.now() - batch.firstSentAt,
    })
    this.#finish(lane, batch, batch.sending, 'stored')
  }

  /** The first `count` records of the batch are done with. */
  #finish(lane: Lane, batch: Batch, count: number, outcome: 'stored' | 'settled'): void {
    for (const piece of batch.remove(count)) this.#options.onReceipt(piece, outcome)
    if (batch.records > 0) {
      batch.sending = Math.min(batch.records, count)
      this.#sealBatch(batch)
      return
    }
    this.#buffers.give(lane.settle(batch))
    if (this.#buffers.waiting) {
      this.#buffers.waiting = false
      this.#options.onRoom()
    }
  }

  #tooLarge(lane: Lane, batch: Batch): void {
    this.#tellRepeats(lane, lane.sequence.failed(batch, lane.queue, { maybeStored: false, newEpoch: false }))
    if (this.#oversize.refused(lane, batch) === 'send') {
      this.#sealBatch(batch)
      return
    }
    batch.dropFirst = true
    batch.ready = false
  }

  /** A record leaves the sequence only with a new epoch, and that only once nothing is in flight. */
  #dropRefused(lane: Lane): void {
    const lowest = lane.queue[0]
    if (lowest === undefined || !lowest.dropFirst || lane.sequence.inFlight > 0) return
    lowest.dropFirst = false
    this.#finish(lane, lowest, 1, 'settled')
    this.#tellRepeats(lane, lane.sequence.restart(lane.queue))
  }

  #tellRepeats(lane: Lane, batches: readonly Batch[]): void {
    for (const batch of batches) {
      this.#options.events.possibleRepeats(lane.topic, lane.partition, batch.sending)
      batch.uncertain = false
    }
  }

  // -- leaders --------------------------------------------------------------------------------------------------------

  #topicChanged(topic: string): void {
    const view = this.#options.transport.view(topic)
    for (const lane of this.#lanes.get(topic) ?? []) if (lane !== undefined) this.#setLeader(lane, view)
    this.#options.onTopic(topic)
    this.#kick()
  }

  #setLeader(lane: Lane, view: TopicView | null): void {
    const leader = view?.leaders[lane.partition] ?? -1
    // a new leader is worth a try at once
    if (leader >= 0 && leader !== lane.leader) lane.retryAt = 0
    if (leader < 0 && lane.leaderlessSince < 0) lane.leaderlessSince = this.#options.now()
    if (leader >= 0) lane.leaderlessSince = -1
    lane.leader = leader
  }
}
