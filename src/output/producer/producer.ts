/**
 * The journey of a record batch: opened in a lane, filled, sealed when it is full or has lingered, compressed, stamped
 * and sent with the other batches for the same broker, and kept until its fate is known. This is where the parts meet:
 * lane.ts fills, dispatcher.ts says when, verdict.ts what an answer means, failover.ts what becomes of a partition that
 * has lost its leader for long, batch-memory.ts who may have memory.
 */
import type { CutRecord, Generation } from '../../flow.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import type { Events } from '../../observe/events.ts'
import type { BackoffLimits } from '../backoff.ts'
import type { Batch, Compression, Piece } from './batch.ts'
import { BatchMemory } from './batch-memory.ts'
import { Dispatcher, type Shipment } from './dispatcher.ts'
import { Failover } from './failover.ts'
import type { EntriesToAppend } from './entries-to-append.ts'
import { Lane } from './lane.ts'
import { Oversize } from './oversize.ts'
import type { TopicState } from './partition.ts'
import { ProducerIds } from './producer-ids.ts'
import { ReadMemory } from './read-memory.ts'
import { Seal } from './seal.ts'
import type { Mode } from './sequence.ts'
import { TopicLanes } from './topic-lanes.ts'
import type { ProduceItem, Transport } from '../transport.ts'
import { Outcomes } from './outcome.ts'

export interface ProducerOptions {
  readonly transport: Transport
  readonly memory: LinearMemory
  readonly mode: Mode
  readonly lingerMs: number
  readonly batchMaxBytes: number
  readonly compression: Compression
  readonly tooLarge: 'cut' | 'drop'
  readonly retry: BackoffLimits
  /** A partition without a leader for so long is left by the files that may leave it. 10 s if left out. */
  readonly leaderlessMs?: number | undefined
  readonly events: Events
  readonly now: () => number
  readonly random: () => number
  /** A record (its encoded bytes) made smaller, or null when it cannot be; from the encode stage. */
  cutRecord(record: Uint8Array, maxBytes: number): CutRecord | null
  /**
   * A piece is stored; or settled: its record was too large, or it has none and is what was settled before such a record.
   */
  onReceipt(piece: Piece, outcome: 'stored' | 'settled'): void
  /**
   * What a file without a key has sent, and is not stored, goes to another partition of its topic, because its own has
   * had no leader for `leaderlessMs`. The file has to go on there.
   */
  onMoved?: ((file: Generation, partition: number) => void) | undefined
  /** A buffer came free, or a topic's partitions or leaders changed: who waits may try again. */
  onRoom(): void
  onTopic(topic: string): void
}

const LEADERLESS_MS = 10_000

/** Half of the time for which brokers remember a producer, unless they are told otherwise. */
const FORGETFUL_MS = 12 * 3_600_000

export class Producer {
  /** Memory for reads of the input's that may never be answered. */
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
  /** Lanes with a buffer and nothing in it. */
  readonly #empty = new Set<Lane>()
  readonly #requests = new Set<Promise<void>>()
  /** Partitions that somebody waits for, by topic. */
  readonly #lacking = new Map<string, Set<number>>()
  #roomAnnounced = false
  #topology = 0

  constructor(options: ProducerOptions) {
    const { transport, now, leaderlessMs = LEADERLESS_MS } = options
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
    this.#seal = new Seal(options.compression)
    this.#ids = new ProducerIds(transport, signal, look)
    this.#failover = new Failover({
      lanes: this.#lanes,
      leaderlessMs,
      events: options.events,
      seal: sealOpen,
      look,
      onMoved: (file, partition) => options.onMoved?.(file, partition),
      onTopic: (topic) => this.#topicChanged(topic),
    })
    this.#dispatcher = new Dispatcher({
      transport,
      now,
      lingerMs: options.lingerMs,
      dropRefused: (lane) => this.#outcomes.dropRefused(lane),
      leaderless: (lane, time) => this.#failover.consider(lane, time),
      provideProducerId: (lane) => this.#ids.provide(lane),
      seal: sealOpen,
      send: (node, shipments) => this.#send(node, shipments),
    })
    this.#outcomes = new Outcomes({
      transport,
      now,
      random: options.random,
      mode: options.mode,
      retry: options.retry,
      events: options.events,
      oversize: new Oversize(options),
      stopped: signal,
      seal: (lane, batch) => this.#sealBatch(lane, batch),
      onReceipt: (piece, outcome) => options.onReceipt(piece, outcome),
    })
    transport.onChange = (topic) => {
      this.#lanes.follow(topic)
      this.#lacking.delete(topic)
      this.#topicChanged(topic)
    }
    transport.onReady = (node) => this.#dispatcher.ready(node)
  }

  /** Another number after every change of leaders or of where files may go: until then, a choice holds. */
  get topology(): number {
    return this.#topology
  }

  /** The topic's partitions as known now; null while unknown. Asking makes the topic wanted. */
  wantTopic(name: string): TopicState | null {
    this.#options.transport.want(name)
    return this.#lanes.state(name)
  }

  /** Somebody is set on a partition that the topic does not have, and waits: told once until the topic changes. */
  lacks(topic: string, partition: number): void {
    const told = this.#lacking.get(topic) ?? new Set()
    if (told.has(partition)) return
    this.#lacking.set(topic, told.add(partition))
    const count = this.#lanes.state(topic)?.leaders.length ?? 0
    this.#options.events.partitionWaiting(topic, partition, `the topic has ${count} partitions, 0 to ${count - 1}`)
  }

  /** The lane of a partition, or null while it has no leader. */
  lane(topic: string, partition: number): Lane | null {
    const lane = this.#lanes.get(topic, partition)
    return lane.leader < 0 ? null : lane
  }

  /** Files have left the lane for another one: there is nothing to wait for in it. */
  isLeft(lane: Lane): boolean {
    return this.#lanes.isAbandoned(lane)
  }

  /** Make sure that the lane can take records now. False when it cannot: then, {@link ProducerOptions.onRoom} is called later. */
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
   * Append until everything is taken or there is no room. Afterwards `what.first` is the first entry not taken, and
   * `what.skipped` the settled bytes that the next record has to carry.
   */
  append(lane: Lane, what: EntriesToAppend): void {
    if (this.#lanes.isAbandoned(lane)) {
      // It was chosen before its files left, and it would come to lie behind what the file sends elsewhere.
      this.#announceRoom()
      return
    }
    while (what.first < what.end && this.reserveRoom(lane)) {
      const taken = lane.append(what, this.#options.now())
      this.#options.events.encoded(taken)
      if (taken.tooLarge > 0) {
        this.#options.events.recordsCut(what.file, { records: taken.tooLarge, offset: taken.tooLargeAt })
      }
      if (taken.records > 0) this.#empty.delete(lane)
      if (what.first < what.end && !lane.enlarge()) {
        this.#sealOpen(lane)
        this.#dispatcher.look(lane)
      }
    }
    this.#dispatcher.appended(lane)
  }

  /** What is appended for now is. `isOver`: nothing more comes for a while, so that it is no use to linger for it. */
  looked(isOver: boolean): void {
    this.#dispatcher.looked(isOver)
  }

  /** Send what is open without waiting for it to linger; resolves when every lane is empty. */
  flush(): Promise<void> {
    return this.#dispatcher.flush()
  }

  /** Stop sending. What is not stored stays where the files are. */
  async close(): Promise<void> {
    this.#stopped.abort()
    this.#dispatcher.stop()
    await this.#options.transport.close()
    await Promise.all([this.#seal.close(), ...this.#requests])
    for (const lane of this.#lanes) lane.clear()
  }

  #topicChanged(topic: string): void {
    this.#topology++
    this.#options.onTopic(topic)
  }

  #createLane(topic: string, partition: number): Lane {
    const { memory, mode, batchMaxBytes, tooLarge, events } = this.#options
    const onRepeats = (_batch: Batch, records: number): void => events.possibleRepeats(topic, partition, records)
    const quota = this.#buffers.quota()
    return new Lane({ topic, partition, memory, mode, batchMaxBytes, tooLarge, onRepeats, quota })
  }

  // -- memory ---------------------------------------------------------------------------------------------------------

  /** Take the buffers back that others, who are in the way, got and had nothing to put into. */
  #takeBack(asking: Lane): boolean {
    const { refusal } = asking.quota
    if (refusal === 'own') return false
    let any = false
    for (const lane of this.#empty) {
      if (refusal === 'broker' && lane.leader !== asking.leader) continue
      this.#empty.delete(lane)
      if (lane === asking || lane.open === null) continue
      lane.giveUp()
      any = true
    }
    return any
  }

  /** Soon, and not at once: whoever gave the memory back is in the middle of something. */
  #announceRoom(): void {
    if (this.#roomAnnounced || this.#stopped.signal.aborted) return
    this.#roomAnnounced = true
    setImmediate(() => {
      this.#roomAnnounced = false
      this.#options.onRoom()
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
    const request = this.#exchange(node, shipments, items)
    this.#requests.add(request)
    void request.finally(() => this.#requests.delete(request))
  }

  async #exchange(node: number, shipments: readonly Shipment[], items: readonly ProduceItem[]): Promise<void> {
    const answers = await this.#options.transport.produce(node, items)
    for (const [index, { lane, batch }] of shipments.entries()) {
      const reason = 'the transport gave no answer for it'
      this.#outcomes.pass(lane, batch, answers[index] ?? { kind: 'no-response', maybeSent: true, reason })
      this.#dispatcher.look(lane)
    }
  }
}
