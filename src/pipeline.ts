/**
 * The whole way of a line, on one screen:
 *
 *   files ── input ──> Chunk ── frame ──> entries ── process ──> entries ── encode ──> open batch ── output ──> Kafka
 *     ^                                                             ^ enrich (per file, not per line)     │
 *     └──────────────────────────── watermark <── receipt <───────────────────────────────────────────────┘
 *
 * Only the pipeline knows all stages; they know flow.ts and nothing of each other. Between the read and the open batch
 * everything is synchronous, and nothing is held: lines that cannot be taken now are read again later.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ChunkRecords } from './chunk-records.ts'
import { cutRecord } from './encode/cut-record.ts'
import { TemplateSlot } from './encode/template.ts'
import type { MetadataSource } from './enrich/metadata.ts'
import { AgentError } from './errors.ts'
import type { Chunk, Receipt, SettleReason, Taken } from './flow.ts'
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
import type { ProducerSettings } from './output/producer/producer-options.ts'
import { Producer } from './output/producer/producer.ts'
import type { Transport } from './output/transport.ts'
import { type Prepared, PreparedFiles, type Shipping } from './prepared-files.ts'
import { bytesOf } from './ranges.ts'
import { unlessAborted } from './unless-aborted.ts'

/** Looks at the entries of a chunk and gives verdicts: filters, redaction. There is none yet; this is their place. */
export type Processor = (entries: Entries, chunk: Chunk) => void

/** The files to read, and how. */
export interface Reading {
  readonly inputs: readonly InputRules[]
  readonly file: InputOptions['file']
  /** How directories are reached. */
  readonly volumeOf: InputOptions['volumeOf']
  readonly checkpoint: Checkpoint
  /** How far a stop reads: to the ends of all files, or no further. */
  readonly drain: 'end' | 'inflight'
}

/** Clocks and randomness, which tests replace. */
export interface Ambient {
  /** Wall clock, ms. */
  readonly now: () => number
  /** Monotonic clock, ms. */
  readonly clock: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  readonly randomBytes: (bytes: number) => Buffer
}

export interface PipelineOptions {
  readonly reading: Reading
  readonly processors: readonly Processor[]
  readonly metadata: MetadataSource
  /** By input id. */
  readonly shipping: ReadonlyMap<string, Shipping>
  readonly producer: ProducerSettings
  readonly transport: Transport
  readonly memory: LinearMemory
  readonly events: Events
  readonly ambient: Ambient
}

/** Why a line got no record, by its verdict. */
const SETTLED: readonly (readonly [number, SettleReason])[] = [
  [VERDICT.settleEmpty, 'empty'],
  [VERDICT.settleTooLong, 'too-long'],
  [VERDICT.settleTooLarge, 'too-large'],
]

/** How often a stop checks whether everything is read. */
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
    const { memory, events, transport, ambient, reading } = options
    const { now, clock, random } = ambient
    this.#options = options
    this.#entries = new Entries(memory)
    this.#slot = new TemplateSlot(memory)
    this.#records = new ChunkRecords(this.#entries, (file, ranges) =>
      this.#giveReceipt({ file, ranges, outcome: 'settled' }),
    )
    this.#chooser = new PartitionChooser(random)
    this.#prepared = new PreparedFiles(options.shipping, options.metadata)
    this.#producer = new Producer({
      settings: options.producer,
      transport,
      memory,
      events,
      random,
      cutRecord,
      now: clock,
      listener: {
        onReceipt: (piece, outcome) => this.#receive(piece, outcome),
        onMoved: (file, partition) => {
          asLogFile(file).partition = partition
        },
        onRoom: () => this.#giveRoom(),
        onTopic: (topic) => this.#input.topicChanged(topic),
      },
    })
    this.#input = new Input({
      inputs: reading.inputs,
      memory,
      events,
      now,
      clock,
      checkpoint: reading.checkpoint,
      file: reading.file,
      volumeOf: reading.volumeOf,
      random: ambient.randomBytes,
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
   * Stops in order: freezes the files' ends, reads up to them, drains the lanes, counts the bytes of cut files that
   * can't be read any more, and closes. The caller closes the checkpoint afterwards. Throws AgentError `undelivered`
   * when the deadline passes first; everything is closed then, too.
   */
  async stop(deadline: AbortSignal): Promise<void> {
    const { drain } = this.#options.reading
    try {
      if (drain === 'end') {
        await unlessAborted(this.#input.freeze(), deadline)
        while (!this.#input.drained) await delay(DRAIN_POLL_MS, undefined, { signal: deadline })
      } else await this.#input.stop()
      await unlessAborted(this.#producer.flush(), deadline)
      if (drain === 'end') await unlessAborted(this.#input.giveUpRests(), deadline)
    } catch (error) {
      if (!deadline.aborted) throw error
      throw new AgentError('undelivered', 'the shutdown deadline passed before everything was stored', { cause: error })
    } finally {
      await this.#input.stop()
      await this.#producer.close()
    }
  }

  /**
   * Stops after a fault. Once this has resolved, nothing more is read or sent. It does not wait for calls that hang.
   */
  async abandon(): Promise<void> {
    // a read that has begun is not waited for: its lines go nowhere
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

  /** Appends the entries to the lane; returns the first entry that was not taken. */
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

  /** Reports the lines without a record among the first `count` entries, by reason. */
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

  /** There is room: give it to the lanes that files wait for, the one waited for longest first, until there is none. */
  #giveRoom(): void {
    let isShort = false
    for (const obstacle of this.#input.obstacles()) {
      if (obstacle.kind !== 'room') continue
      // memory for reads on mounts: the next read finds out whether there is any
      if (!(obstacle instanceof Lane) || this.#producer.isAbandoned(obstacle)) this.#input.unblock(obstacle)
      else if (isShort) continue
      else if (this.#producer.reserveRoom(obstacle)) this.#input.unblock(obstacle)
      else isShort = obstacle.quota.refusal === 'short'
    }
  }

  /**
   * The lane for a chunk: the one that was reserved before the read. A read that only looks for more bytes reserves
   * none, and while the agent waited for a mount, the reserved lane may have become the wrong one.
   */
  #laneOf(file: LogFile, prepared: Prepared): Lane | null {
    const isForThisRead = prepared.laneSince < 0 && prepared.lane !== null
    return isForThisRead ? prepared.lane : this.#chooseLane(file, prepared)
  }

  #chooseLane(file: LogFile, prepared: Prepared): Lane | null {
    const { topology } = this.#producer
    if (prepared.lane !== null && prepared.laneSince === topology) return prepared.lane
    prepared.lane = this.#chooseAnew(file, prepared)
    // the other partitioners choose another partition at every read
    const isForGood = prepared.shipping.partitioner !== 'round-robin' && prepared.shipping.partitioner !== 'random'
    prepared.laneSince = isForGood ? topology : -1
    return prepared.lane
  }

  #chooseAnew(file: LogFile, { shipping, key }: Prepared): Lane | null {
    const { topic, partitioner } = shipping
    const view = this.#producer.wantTopic(topic)
    if (view === null) return null
    const partition = this.#chooser.choose({ partitioner, key, id: file.id, sticky: file.partition }, view)
    if (partition < 0 && typeof partitioner === 'number') this.#producer.partitionMissing(topic, partitioner)
    if (partition < 0) return null
    if (partitioner === 'sticky' || partitioner === 'hash') file.partition = partition
    return this.#producer.lane(topic, partition)
  }

  // -- and back -------------------------------------------------------------------------------------------------------

  #receive({ file, ranges, records }: Piece, outcome: Receipt['outcome']): void {
    // lines without a record were counted when they were read
    if (outcome === 'settled' && records > 0) {
      const [first] = ranges
      const what = { lines: records, bytes: bytesOf(ranges), offset: first?.start ?? 0 }
      this.#options.events.settled(file, 'too-large', what)
    }
    this.#giveReceipt({ file, ranges, outcome })
  }

  #giveReceipt(receipt: Receipt): void {
    this.#options.events.finished(receipt.file, receipt.outcome, bytesOf(receipt.ranges))
    this.#input.receive(receipt)
  }
}
