/**
 * The journey of a record batch: it is opened in a lane, filled, sealed when it is full or has lingered, compressed,
 * stamped, sent with the other batches for the same broker, and kept until its outcome is known. The parts meet here:
 * lane.ts fills batches, dispatcher.ts decides when they are sent, outcome.ts what a response means, failover.ts what
 * happens to a partition that has had no leader for long, and batch-memory.ts which lane may have memory.
 */
import type { CutRecord } from '../../flow.ts'
import type { Batch } from './batch.ts'
import { BatchMemory } from './batch-memory.ts'
import { Dispatcher, type Shipment } from './dispatcher.ts'
import { Failover } from './failover.ts'
import type { EntriesToAppend } from './entries-to-append.ts'
import { Lane } from './lane.ts'
import { Oversize } from './oversize.ts'
import type { TopicState } from './partition.ts'
import { ProducerIds } from './producer-ids.ts'
import type { ProducerOptions } from './producer-options.ts'
import { ReadMemory } from './read-memory.ts'
import { Seal } from './seal.ts'
import { TopicLanes } from './topic-lanes.ts'
import type { ProduceItem } from '../transport.ts'
import { Outcomes } from './outcome.ts'

const LEADERLESS_MS = 10_000

/** Half of the time for which brokers remember a producer by default. */
const FORGETFUL_MS = 12 * 3_600_000

export class Producer {
  /** Memory for reads of the input that may never return. */
  readonly readMemory: ReadMemory
  readonly #options: ProducerOptions
  readonly #buffers: BatchMemory
  readonly #lanes: TopicLanes
  readonly #seal: Seal
  readonly #ids: ProducerIds
  readonly #dispatcher: Dispatcher
  readonly #outcomes: Outcomes
  readonly #failover: Failover
  readonly #stopped = new AbortController()
  /** Lanes whose open batch has a buffer and no record. */
  readonly #empty = new Set<Lane>()
  readonly #requests = new Set<Promise<void>>()
  /** Partitions that files wait for and the topic does not have, by topic; they were reported. */
  readonly #missingPartitions = new Map<string, Set<number>>()
  #roomAnnounced = false
  #topology = 0

  constructor(options: ProducerOptions) {
    const { transport, events, listener, now, random, settings } = options
    const cutRecord = (record: Uint8Array, maxBytes: number): CutRecord | null => options.cutRecord(record, maxBytes)
    const { mode, retry, leaderlessMs = LEADERLESS_MS } = settings
    const { signal } = this.#stopped
    const look = (lane: Lane): void => this.#dispatcher.look(lane)
    const sealOpen = (lane: Lane): void => this.#sealOpen(lane)
    this.#options = options
    this.#buffers = new BatchMemory(options.memory.pool, () => this.#announceRoom())
    this.readMemory = new ReadMemory(this.#buffers)
    this.#lanes = new TopicLanes({
      transport,
      now,
      create: (topic, partition) => this.#createLane(topic, partition),
      onLeader: look,
    })
    this.#seal = new Seal(settings.compression)
    this.#ids = new ProducerIds(transport, signal, look)
    this.#failover = new Failover({
      lanes: this.#lanes,
      leaderlessMs,
      events,
      seal: sealOpen,
      look,
      onMoved: (file, partition) => listener.onMoved(file, partition),
      onTopic: (topic) => this.#topicChanged(topic),
    })
    this.#dispatcher = new Dispatcher({
      transport,
      now,
      lingerMs: settings.lingerMs,
      dropRefused: (lane) => this.#outcomes.dropRefused(lane),
      leaderless: (lane, time) => this.#failover.consider(lane, time),
      provideProducerId: (lane) => this.#ids.provide(lane),
      seal: sealOpen,
      send: (node, shipments) => this.#send(node, shipments),
    })
    this.#outcomes = new Outcomes({
      transport,
      now,
      random,
      mode,
      retry,
      events,
      oversize: new Oversize({ ...settings, events, now, cutRecord }),
      stopped: signal,
      seal: (lane, batch) => this.#sealBatch(lane, batch),
      onReceipt: (piece, outcome) => listener.onReceipt(piece, outcome),
    })
    transport.onChange = (topic) => {
      this.#lanes.follow(topic)
      this.#missingPartitions.delete(topic)
      this.#topicChanged(topic)
    }
    transport.onReady = (node) => this.#dispatcher.ready(node)
  }

  /**
   * A number that changes when leaders change, or the partitions that files may go to. A choice of partition is valid
   * while it stays the same.
   */
  get topology(): number {
    return this.#topology
  }

  /** The topic's partitions as known now; null while unknown. The call makes the topic wanted. */
  wantTopic(name: string): TopicState | null {
    this.#options.transport.want(name)
    return this.#lanes.state(name)
  }

  /** An input is set on a partition that the topic does not have, and waits. Reported once until the topic changes. */
  partitionMissing(topic: string, partition: number): void {
    const reported = this.#missingPartitions.get(topic) ?? new Set()
    if (reported.has(partition)) return
    this.#missingPartitions.set(topic, reported.add(partition))
    const count = this.#lanes.state(topic)?.leaders.length ?? 0
    this.#options.events.partitionWaiting(topic, partition, `the topic has ${count} partitions, 0 to ${count - 1}`)
  }

  /** The lane of a partition, or null while it has no leader. */
  lane(topic: string, partition: number): Lane | null {
    const lane = this.#lanes.get(topic, partition)
    return lane.leader < 0 ? null : lane
  }

  /** Whether files have left the lane for another one, so that none should wait for it. */
  isAbandoned(lane: Lane): boolean {
    return this.#lanes.isAbandoned(lane)
  }

  /** Makes sure that the lane can take records now. If it cannot, the result is false, and `onRoom` is called later. */
  reserveRoom(lane: Lane): boolean {
    if (lane.makeRoom() || (this.#takeBack(lane) && lane.makeRoom())) {
      if (lane.open?.records === 0) this.#empty.add(lane)
      return true
    }
    this.#buffers.turnedAway()
    if (lane.quota.refusal === 'short') this.#dispatcher.hurry()
    return false
  }

  /**
   * Appends until all entries are taken or there is no room. Afterwards `entries.first` is the first entry that was not
   * taken, and `entries.skipped` the settled bytes that the next record has to carry.
   */
  append(lane: Lane, entries: EntriesToAppend): void {
    if (this.#lanes.isAbandoned(lane)) {
      // The lane was chosen before its files left it. Records appended here could be stored after later ones elsewhere.
      this.#announceRoom()
      return
    }
    while (entries.first < entries.end && this.reserveRoom(lane)) {
      const taken = lane.append(entries, this.#options.now())
      this.#options.events.encoded(taken)
      if (taken.tooLarge > 0) {
        this.#options.events.recordsCut(entries.file, { records: taken.tooLarge, offset: taken.tooLargeAt })
      }
      if (taken.records > 0) this.#empty.delete(lane)
      if (entries.first < entries.end && !lane.enlarge()) {
        this.#sealOpen(lane)
        this.#dispatcher.look(lane)
      }
    }
    this.#dispatcher.appended(lane)
  }

  /**
   * Everything that was read is appended for now. `isOver`: no more lines come for a while, so batches do not linger
   * for them.
   */
  looked(isOver: boolean): void {
    this.#dispatcher.looked(isOver)
  }

  /** Sends open batches without letting them linger; resolves when every lane is empty. */
  flush(): Promise<void> {
    return this.#dispatcher.flush()
  }

  /** Stops sending. Lines that are not stored are read again at the next start. */
  async close(): Promise<void> {
    this.#stopped.abort()
    this.#dispatcher.stop()
    await this.#options.transport.close()
    await Promise.all([this.#seal.close(), ...this.#requests])
    for (const lane of this.#lanes) lane.clear()
  }

  #topicChanged(topic: string): void {
    this.#topology++
    this.#options.listener.onTopic(topic)
  }

  #createLane(topic: string, partition: number): Lane {
    const { memory, events, settings } = this.#options
    const { mode, batchMaxBytes, tooLarge } = settings
    const onRepeats = (_batch: Batch, records: number): void => events.possibleRepeats(topic, partition, records)
    const quota = this.#buffers.quota()
    return new Lane({ topic, partition, memory, mode, batchMaxBytes, tooLarge, onRepeats, quota })
  }

  // -- memory ---------------------------------------------------------------------------------------------------------

  /** Takes empty buffers back from lanes that keep this one from having a buffer. */
  #takeBack(taker: Lane): boolean {
    const { refusal } = taker.quota
    if (refusal === 'own') return false
    let any = false
    for (const lane of this.#empty) {
      if (refusal === 'broker' && lane.leader !== taker.leader) continue
      this.#empty.delete(lane)
      if (lane === taker || lane.open === null) continue
      lane.releaseEmpty()
      any = true
    }
    return any
  }

  /** Calls onRoom soon, and not at once: the caller that gave memory back is not finished. */
  #announceRoom(): void {
    if (this.#roomAnnounced || this.#stopped.signal.aborted) return
    this.#roomAnnounced = true
    setImmediate(() => {
      this.#roomAnnounced = false
      this.#options.listener.onRoom()
    })
  }

  // -- sealing and sending --------------------------------------------------------------------------------------------

  #sealOpen(lane: Lane): void {
    const batch = lane.seal()
    if (batch !== null) this.#sealBatch(lane, batch)
  }

  #sealBatch(lane: Lane, batch: Batch): void {
    batch.ready = false
    this.#seal.seal(batch, () => this.#dispatcher.look(lane))
  }

  #send(node: number, shipments: readonly Shipment[]): void {
    const now = this.#options.now()
    const items: ProduceItem[] = shipments.map(({ lane, batch }) => {
      if (batch.firstSentAt < 0) batch.firstSentAt = now
      if (batch.uncertain > 0 && now - batch.doubtfulSince > FORGETFUL_MS) lane.sequence.suspect(batch)
      if (batch.uncertain === 0) batch.doubtfulSince = now
      lane.node = node
      return { topic: lane.topic, partition: lane.partition, parts: batch.stamp(lane.sequence.send(batch)) }
    })
    const request = this.#request(node, shipments, items)
    this.#requests.add(request)
    void request.finally(() => this.#requests.delete(request))
  }

  async #request(node: number, shipments: readonly Shipment[], items: readonly ProduceItem[]): Promise<void> {
    const responses = await this.#options.transport.produce(node, items)
    for (const [index, { lane, batch }] of shipments.entries()) {
      const reason = 'the transport has no response for it'
      this.#outcomes.apply(lane, batch, responses[index] ?? { kind: 'no-response', maybeSent: true, reason })
      this.#dispatcher.look(lane)
    }
  }
}
