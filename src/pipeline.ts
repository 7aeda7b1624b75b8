/**
 * The whole way of a line, on one screen:
 *
 *   files ── input ──> Chunk ── frame ──> entries ── process ──> entries ── encode ──> open batch ── output ──> Kafka
 *     ^                                                             ^ enrich (per file, not per line)     │
 *     └──────────────────────────── watermark <── receipt <───────────────────────────────────────────────┘
 *
 * It alone knows all stages; they know flow.ts and nothing of each other. Between the read and the open batch all is
 * synchronous, and nothing is held: what cannot be taken now is read again later.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ChunkRecords } from './chunk-records.ts'
import { cutRecord } from './encode/cut.ts'
import { TemplateSlot } from './encode/template.ts'
import type { MetadataSource } from './enrich/metadata.ts'
import { AgentError } from './errors.ts'
import type { Chunk, Extent, Generation, Receipt, SettleReason, Taken } from './flow.ts'
import { Entries } from './frame/entries.ts'
import { frameLines, frameOne } from './frame/lines.ts'
import type { Checkpoint } from './input/state/checkpoint.ts'
import type { InputRules } from './input/input-rules.ts'
import { Input, type InputOptions } from './input/input.ts'
import { type LogFile, asLogFile } from './input/files/log-file.ts'
import { VERDICT } from './kernel/layout.ts'
import type { LinearMemory } from './kernel/memory.ts'
import type { Events } from './observe/events.ts'
import type { Piece } from './output/producer/batch.ts'
import { Lane } from './output/producer/lane.ts'
import { PartitionChooser } from './output/producer/partition.ts'
import { Producer, type ProducerOptions } from './output/producer/producer.ts'
import { type Prepared, PreparedFiles, type Shipping } from './prepared-files.ts'
import { bytesOf } from './ranges.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Looks at the entries of a chunk and gives verdicts: filters, redaction. None exists yet; this is their place. */
export type Processor = (entries: Entries, chunk: Chunk) => void

export interface PipelineOptions {
  readonly inputs: readonly InputRules[]
  /** By input id. */
  readonly shipping: ReadonlyMap<string, Shipping>
  readonly metadata: MetadataSource
  readonly processors: readonly Processor[]
  readonly memory: LinearMemory
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly file: InputOptions['file']
  /** How directories are reached. */
  readonly volumeOf: InputOptions['volumeOf']
  readonly producer: Omit<
    ProducerOptions,
    'memory' | 'events' | 'now' | 'random' | 'cutRecord' | 'onReceipt' | 'onMoved' | 'onRoom' | 'onTopic'
  >
  readonly drain: 'end' | 'inflight'
  /** Wall clock and monotonic clock, ms. */
  readonly now: () => number
  readonly clock: () => number
  readonly random: () => number
  readonly randomBytes: (bytes: number) => Buffer
}

/** Why a line got no record, by its verdict. */
const SETTLED: readonly (readonly [number, SettleReason])[] = [
  [VERDICT.settleEmpty, 'empty'],
  [VERDICT.settleTooLong, 'too-long'],
  [VERDICT.settleTooLarge, 'too-large'],
]

/** How often a stop looks whether everything is read. */
const DRAIN_POLL_MS = 5

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #entries: Entries
  readonly #slot: TemplateSlot
  readonly #records: ChunkRecords
  readonly #chooser: PartitionChooser
  readonly #prepared: PreparedFiles
  readonly #input: Input
  readonly #producer: Producer

  constructor(options: PipelineOptions) {
    const { memory, events, now, clock, random } = options
    this.#options = options
    this.#entries = new Entries(memory)
    this.#slot = new TemplateSlot(memory)
    this.#records = new ChunkRecords(this.#entries, (file, ranges) => this.#finish(file, ranges, 'settled'))
    this.#chooser = new PartitionChooser(random)
    this.#prepared = new PreparedFiles(options.shipping, options.metadata)
    this.#producer = new Producer({
      ...options.producer,
      memory,
      events,
      random,
      cutRecord,
      now: clock,
      onReceipt: (piece, outcome) => this.#receipt(piece, outcome),
      onMoved: (file, partition) => {
        asLogFile(file).partition = partition
      },
      onRoom: () => this.#giveRoom(),
      onTopic: (topic) => this.#input.topicChanged(topic),
    })
    this.#input = new Input({
      inputs: options.inputs,
      memory,
      events,
      now,
      clock,
      checkpoint: options.checkpoint,
      file: options.file,
      volumeOf: options.volumeOf,
      random: options.randomBytes,
      blocked: (file) => this.#reserve(file),
      take: (chunk) => this.#take(chunk),
      looked: (isOver) => this.#producer.looked(isOver),
      readMemory: this.#producer.readMemory,
    })
  }

  start(): Promise<void> {
    return this.#input.start()
  }

  files(): Iterable<LogFile> {
    return this.#input.files()
  }

  /**
   * Stop in order: freeze the files' ends, read up to them, drain the lanes, count what was cut and can't be read any
   * more, close. The checkpoint is the caller's to close afterwards. Throws AgentError `undelivered` when the deadline passes first; all is closed then too.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    try {
      if (this.#options.drain === 'end') {
        await unlessAborted(this.#input.freeze(), deadline)
        while (!this.#input.drained) await delay(DRAIN_POLL_MS, undefined, { signal: deadline })
      } else await this.#input.stop()
      await unlessAborted(this.#producer.flush(), deadline)
      if (this.#options.drain === 'end') await unlessAborted(this.#input.giveUpRests(), deadline)
    } catch (error) {
      if (!deadline.aborted) throw error
      throw new AgentError('undelivered', 'the shutdown deadline passed before everything was stored', { cause: error })
    } finally {
      await this.#input.stop()
      await this.#producer.close()
    }
  }

  /** After a fault: nothing is read any more, and nothing sent once this has resolved. Nothing is waited for that hangs. */
  async abandon(): Promise<void> {
    // what it has begun to read is not ours to wait for: it finds nowhere to go
    const stopping = this.#input.stop()
    await this.#producer.close()
    await stopping
  }

  // -- from a chunk to an open batch ----------------------------------------------------------------------------------

  #take(chunk: Chunk): Taken {
    const { memory, processors } = this.#options
    const prepared = this.#prepared.of(chunk.file)
    const { shipping } = prepared
    const lane = this.#laneOf(asLogFile(chunk.file), prepared)
    let next = chunk.offset
    if (lane === null) return { next, blocked: this.#prepared.topicOf(shipping) }
    const entries = this.#entries
    if (chunk.lineEnd === null) frameLines(memory, chunk, shipping, entries)
    else frameOne(memory, chunk, shipping, { entries, end: chunk.lineEnd })
    for (const process of processors) process(entries, chunk)
    const taken = this.#encode(chunk, prepared, lane)
    if (prepared.laneSince < 0) prepared.lane = null
    if (taken > 0) next = entries.endOf(taken - 1)
    return { next, blocked: taken < entries.count ? lane : null }
  }

  /** Returns the first entry that was not taken. */
  #encode(chunk: Chunk, prepared: Prepared, lane: Lane): number {
    const file = asLogFile(chunk.file)
    const records = this.#records
    records.begin(chunk, {
      skipped: file.skipped,
      affinity: prepared.affinity,
      append: this.#slot.install(prepared.template),
    })
    this.#producer.append(lane, records)
    file.skipped = records.skipped
    if (records.records < records.first) this.#countSettled(file, records.first)
    return records.first
  }

  /** Lines without a record, by reason. */
  #countSettled(file: LogFile, count: number): void {
    const entries = this.#entries
    for (const [verdict, reason] of SETTLED) {
      let lines = 0
      let bytes = 0
      let offset = -1
      for (let i = 0; i < count; i++) {
        if (entries.verdictOf(i) !== verdict) continue
        if (offset < 0) offset = entries.startOf(i)
        lines++
        bytes += entries.endOf(i) - entries.startOf(i)
      }
      if (lines > 0) this.#options.events.settled(file, reason, { lines, bytes, offset })
    }
  }

  // -- where a file's records go --------------------------------------------------------------------------------------

  #reserve(file: LogFile): Taken['blocked'] {
    const prepared = this.#prepared.of(file)
    const lane = this.#chooseLane(file, prepared)
    if (lane === null) return this.#prepared.topicOf(prepared.shipping)
    return this.#producer.reserveRoom(lane) ? null : lane
  }

  /** There is room: partitions that files wait for get what they need, the longest awaited first, until there is none. */
  #giveRoom(): void {
    let isShort = false
    for (const obstacle of this.#input.obstacles()) {
      if (obstacle.kind !== 'room') continue
      // memory for reads on mounts: whoever tries finds out
      if (!(obstacle instanceof Lane) || this.#producer.isLeft(obstacle)) this.#input.unblock(obstacle)
      else if (isShort) continue
      else if (this.#producer.reserveRoom(obstacle)) this.#input.unblock(obstacle)
      else isShort = obstacle.quota.refusal === 'short'
    }
  }

  /**
   * The lane of what was just read: the one that was reserved for it. A mere look reserves none, and while a mount was
   * waited for, it may have ceased to be right.
   */
  #laneOf(file: LogFile, prepared: Prepared): Lane | null {
    const isForThisRead = prepared.laneSince < 0 && prepared.lane !== null
    return isForThisRead ? prepared.lane : this.#chooseLane(file, prepared)
  }

  #chooseLane(file: LogFile, prepared: Prepared): Lane | null {
    const { topology } = this.#producer
    if (prepared.lane !== null && prepared.laneSince === topology) return prepared.lane
    prepared.lane = this.#chooseAnew(file, prepared)
    // the others go on to another partition with every read
    const stays = prepared.shipping.partitioner !== 'round-robin' && prepared.shipping.partitioner !== 'random'
    prepared.laneSince = stays ? topology : -1
    return prepared.lane
  }

  #chooseAnew(file: LogFile, { shipping, key }: Prepared): Lane | null {
    const { topic, partitioner } = shipping
    const view = this.#producer.wantTopic(topic)
    if (view === null) return null
    const partition = this.#chooser.choose({ partitioner, key, id: file.id, sticky: file.partition }, view)
    if (partition < 0 && typeof partitioner === 'number') this.#producer.lacks(topic, partitioner)
    if (partition < 0) return null
    if (partitioner === 'sticky' || partitioner === 'hash') file.partition = partition
    return this.#producer.lane(topic, partition)
  }

  // -- and back -------------------------------------------------------------------------------------------------------

  #receipt(piece: Piece, outcome: 'stored' | 'settled'): void {
    const { file, ranges, records } = piece
    // what has no record was counted when it was read
    if (outcome === 'settled' && records > 0) {
      const [first] = ranges
      const what = { lines: records, bytes: bytesOf(ranges), offset: first?.start ?? 0 }
      this.#options.events.settled(file, 'too-large', what)
    }
    this.#finish(file, ranges, outcome)
  }

  #finish(file: Generation, ranges: readonly Extent[], outcome: Receipt['outcome']): void {
    this.#options.events.finished(file, outcome, bytesOf(ranges))
    this.#input.receive({ file, ranges, outcome })
  }
}
