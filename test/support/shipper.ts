/**
 * A producer over a Kafka in memory, with files made up by the test. As in the input, a file is parked when it cannot go
 * on, and tried again only when the producer says so: a lost wake-up stops it for good.
 */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { cutRecord } from '../../src/encode/cut-record.ts'
import type { LinearMemory } from '../../src/kernel/memory.ts'
import type { Events } from '../../src/observe/events.ts'
import { PartitionChooser, affinityOf } from '../../src/output/producer/partition.ts'
import type { Partitioner } from '../../src/shipping-rules.ts'
import type { ProducerSettings } from '../../src/output/producer/producer-options.ts'
import { Producer } from '../../src/output/producer/producer.ts'
import { recordEvents } from './event-recorder.ts'
import { MadeFile, smallMemory } from './made-file.ts'
import { MemoryTransport } from './memory-transport.ts'
import { VirtualTime } from './virtual-time.ts'

type Changes = Partial<ProducerSettings> & { memory?: LinearMemory; random?: () => number }

interface Shipped {
  readonly file: MadeFile
  readonly topic: string
  readonly partitioner: Partitioner
  readonly key: Uint8Array | null
  partition: number
  parked: 'room' | 'topic' | null
}

export class Shipper {
  readonly time: VirtualTime
  readonly kafka: MemoryTransport
  readonly memory: LinearMemory
  readonly producer: Producer
  /** The events that the producer reports. */
  readonly recorder = recordEvents()
  readonly #files = new Map<string, Shipped>()
  readonly #writers = new Map<number, string>()
  readonly #chooser = new PartitionChooser(() => 0)

  constructor(
    t: TestContext,
    {
      topics = { logs: [1] } as Readonly<Record<string, readonly number[]>>,
      time = new VirtualTime(t),
      memory = smallMemory(),
      random = () => 0,
      ...settings
    }: Changes & {
      topics?: Readonly<Record<string, readonly number[]>>
      time?: VirtualTime
    } = {},
  ) {
    this.time = time
    this.kafka = new MemoryTransport(topics)
    this.memory = memory
    this.producer = new Producer({
      settings: {
        mode: 'idempotent',
        lingerMs: 5,
        batchMaxBytes: 100_000,
        compression: 'none',
        tooLarge: 'cut',
        retry: { minMs: 100, maxMs: 1000 },
        ...settings,
      },
      now: this.time.now,
      random,
      cutRecord,
      transport: this.kafka,
      memory: this.memory,
      events: this.recorder.events,
      listener: {
        onReceipt: (piece, outcome) => asMade(piece.file).receive(piece, outcome),
        onMoved: (file, partition) => void (this.#files.get(file.id)!.partition = partition),
        onRoom: () => this.#unpark('room'),
        onTopic: () => this.#unpark('topic'),
      },
    })
  }

  /** The arguments of each event of this name. */
  reported(event: keyof Events): readonly (readonly unknown[])[] {
    return this.recorder.reported(event)
  }

  get possibleRepeats(): number {
    return this.reported('possibleRepeats').reduce((sum, [, , records]) => sum + Number(records), 0)
  }

  /** Writes lines to a file that is shipped to this partition, or to the one that the partitioner chooses. */
  write(name: string, partitioner: Partitioner, lines: readonly string[], { topic = 'logs', key = '' } = {}): MadeFile {
    let shipped = this.#files.get(name)
    if (shipped === undefined) {
      const keyBytes = key === '' ? null : Buffer.from(key)
      const file = new MadeFile(this.memory, name, { affinity: affinityOf(partitioner, keyBytes), key: keyBytes })
      shipped = { file, topic, partitioner, key: keyBytes, partition: -1, parked: null }
      this.#files.set(name, shipped)
    }
    shipped.file.write(...lines)
    for (const line of lines) this.#writers.set(Number(line.split(':')[0]), name)
    this.#try(shipped)
    return shipped.file
  }

  /** The name of the file with the line that begins with this number and a colon. */
  writerOf(id: number): string {
    return this.#writers.get(id) ?? assert.fail(`nobody wrote line ${id}`)
  }

  file(name: string): MadeFile {
    return this.#files.get(name)!.file
  }

  partitionOf(name: string): number {
    return this.#files.get(name)!.partition
  }

  parked(name: string): 'room' | 'topic' | null {
    return this.#files.get(name)!.parked
  }

  get done(): boolean {
    return [...this.#files.values()].every(({ file }) => file.done)
  }

  #try(shipped: Shipped): void {
    const { file, topic, partitioner, key } = shipped
    if (shipped.parked !== null || file.waiting === 0) return
    const view = this.producer.wantTopic(topic)
    const choice = { partitioner, key, id: file.id, sticky: shipped.partition }
    const partition = view === null ? -1 : this.#chooser.choose(choice, view)
    if (partition >= 0) shipped.partition = partition
    const lane = partition < 0 ? null : this.producer.lane(topic, partition)
    if (lane === null) shipped.parked = 'topic'
    else if (!this.producer.reserveRoom(lane)) shipped.parked = 'room'
    else {
      const what = file.appendRequest()
      this.producer.append(lane, what)
      this.producer.looked(false)
      file.took(what)
      if (what.first < what.end) shipped.parked = 'room'
      else if (file.waiting > 0) setImmediate(() => this.#try(shipped))
    }
  }

  #unpark(reason: 'room' | 'topic'): void {
    for (const shipped of this.#files.values()) {
      if (shipped.parked !== reason) continue
      shipped.parked = null
      setImmediate(() => this.#try(shipped))
    }
  }

  /** Waits until everything is stored, closes the producer, and checks that all memory was given back. */
  async finish(): Promise<void> {
    let flushing = false
    await this.time.until(() => {
      if (flushing) return false
      if (this.done) return true
      flushing = true
      void this.producer.flush().then(() => (flushing = false))
      return false
    })
    // buffers with nothing in them are kept for the next line
    await this.producer.close()
    assert.equal(this.memory.pool.freeBytes, this.memory.pool.total, 'memory was not given back')
  }
}

function asMade(file: unknown): MadeFile {
  assert.ok(file instanceof MadeFile)
  return file
}

/** Makes numbered lines of a length. */
export function lines(count: number, { from = 0, length = 20 } = {}): string[] {
  return Array.from({ length: count }, (_, index) => `${from + index}:`.padEnd(length, 'x'))
}
