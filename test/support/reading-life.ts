/**
 * One life of an input stage, from its start to its stop or crash, in a world of logs. It takes as many lines as it is
 * allowed, keeps them until they are acknowledged, and checks the rules that concern a single life.
 */
import assert from 'node:assert/strict'
import type { Chunk, Taken } from '../../src/flow.ts'
import { type Checkpoint, openCheckpoint } from '../../src/input/state/checkpoint.ts'
import { Input } from '../../src/input/input.ts'
import { hash } from '../../src/input/files/identity.ts'
import { type LogFile, asLogFile } from '../../src/input/files/log-file.ts'
import type { StoredGeneration } from '../../src/input/state/stored-generation.ts'
import { type Volume, localVolume } from '../../src/input/volume/volume.ts'
import type { LinearMemory } from '../../src/kernel/memory.ts'
import type { FakeDisk } from './fake-disk.ts'
import { type EventRecorder, recordEvents } from './event-recorder.ts'
import type { Bytes, LogWorld } from './log-world.ts'
import { type Piece, rulesFor, takeLines, testReadMemory } from './reading.ts'
import { until } from './wait.ts'
import { ROOM, giveRoom } from './obstacles.ts'

/** What all lives of a story know: which bytes an id stands for, and which of them are acknowledged. */
export interface Knowledge {
  readonly world: LogWorld
  readonly owners: Map<string, Bytes>
  /** The acknowledged ranges of each generation of bytes, in the order of their receipts. */
  readonly acknowledged: Map<Bytes, { start: number; end: number }[]>
}

export interface Surroundings {
  readonly known: Knowledge
  readonly disk: FakeDisk
  readonly memory: LinearMemory
  /** Called before every call of the file system. Returns whether something has happened since the call before. */
  readonly meanwhile: () => boolean
}

interface Held extends Piece {
  readonly file: LogFile
  readonly bytesOf: Bytes
}

/** How many looks of the input without news show that it has seen everything. */
const QUIET_TICKS = 3

const MAX_LINE_BYTES = 1024
export const LAST_LINE_QUIET_MS = 5000

export class ReadingLife {
  readonly #known: Knowledge
  readonly #memory: LinearMemory
  readonly #meanwhile: () => boolean
  readonly recorder: EventRecorder
  readonly checkpoint: Checkpoint
  readonly input: Input
  /** The state at the start. */
  readonly stored: ReadonlyMap<string, StoredGeneration>
  readonly held: Held[] = []
  /** How many lines may still be taken. */
  room = Infinity
  /** Monotonic ms. */
  clock = 1000
  #ticks = 0
  #quietSince = 0
  #fault: Error | null = null
  /** How far each file was delivered in this life, by file id. */
  readonly #delivered = new Map<string, number>()

  static async begin(surroundings: Surroundings): Promise<ReadingLife> {
    const recorder = recordEvents()
    const { events } = recorder
    const { disk } = surroundings
    const checkpoint = await openCheckpoint({ directory: '/state', agentId: 'a', events, now: Date.now, disk })
    return new ReadingLife(surroundings, { recorder, checkpoint })
  }

  private constructor(surroundings: Surroundings, made: { recorder: EventRecorder; checkpoint: Checkpoint }) {
    const { known, memory, meanwhile } = surroundings
    this.#known = known
    this.#memory = memory
    this.#meanwhile = meanwhile
    this.recorder = made.recorder
    this.checkpoint = made.checkpoint
    this.stored = new Map(made.checkpoint.entries)
    const { directory } = known.world
    this.input = new Input({
      inputs: [rulesFor(`${directory}/*.log`, { maxLineBytes: MAX_LINE_BYTES })],
      ...{ memory, readMemory: testReadMemory(memory), checkpoint: made.checkpoint, events: made.recorder.events },
      file: {
        ...{ maxUnacked: 20_000, maxOpenFiles: 100, lastLineQuietMs: LAST_LINE_QUIET_MS },
        // every file is looked at in every tick
        ...{ pollMs: 1, discoverMs: 1, sweepMs: 1 },
      },
      now: Date.now,
      clock: () => this.clock,
      random: (bytes) => Buffer.from((++ids).toString(16).padStart(2 * bytes, '0'), 'hex'),
      volumeOf: () => this.#counting(directory),
      blocked: () => (this.room > 0 ? null : ROOM),
      take: (chunk) => this.#take(chunk),
    })
  }

  start(): Promise<void> {
    return this.input.start()
  }

  /** Resolves once the input has seen everything, and has read what it may. */
  async untilQuiet(): Promise<void> {
    this.#quietSince = this.#ticks
    let news = this.recorder.names().length
    const isQuiet = (): boolean => {
      this.clock += 40
      const reported = this.recorder.names().length
      if (reported !== news || this.#isReading()) this.#quietSince = this.#ticks
      news = reported
      return this.#ticks - this.#quietSince >= QUIET_TICKS
    }
    await until(isQuiet, { what: 'the input has seen everything', every: 1 })
    if (this.#fault !== null) throw this.#fault
    for (const file of this.input.files()) {
      const bytes = file.standing === 'detached' ? undefined : this.#known.world.byKey(file.key)
      if (bytes !== undefined && !this.#beginsAs(file, this.#known.owners.get(file.id))) {
        this.#known.owners.set(file.id, bytes)
      }
    }
    for (const bytes of this.#known.world.all) bytes.seen = bytes.content.length
  }

  /** A file that was cut before anything of it was known cannot be told from another one. */
  #beginsAs({ id, fingerprint }: LogFile, bytes: Bytes | undefined): boolean {
    if (bytes === undefined || this.#delivered.has(id) || fingerprint.length === 0) return bytes !== undefined
    return hash(bytes.content.subarray(0, fingerprint.length)) === fingerprint.hash
  }

  /** The input's file for these bytes, if there is one. */
  fileOf(bytes: Bytes): LogFile | undefined {
    for (const file of this.input.files())
      if (file.standing !== 'detached' && this.#known.owners.get(file.id) === bytes) return file
    return undefined
  }

  /** Acknowledges held pieces one after another. `pick` chooses the next one among those that are left. */
  acknowledge(count: number, pick: (among: number) => number): void {
    for (let left = Math.min(count, this.held.length); left > 0; left--) {
      const [piece] = this.held.splice(pick(this.held.length), 1)
      if (piece === undefined) return
      const { file, start, end, guard, bytesOf } = piece
      const ranges = this.#known.acknowledged.get(bytesOf) ?? []
      ranges.push({ start, end })
      this.#known.acknowledged.set(bytesOf, ranges)
      this.input.receive({ file, ranges: [{ start, end, guard }], outcome: 'stored' })
    }
  }

  allow(lines: number): void {
    this.room = lines
    giveRoom(this.input)
  }

  /** Ends this life and drops everything in memory. What has reached the state stays. */
  async end(): Promise<void> {
    await this.input.stop()
  }

  #isReading(): boolean {
    return this.room > 0 && !this.input.drained && ![...this.input.files()].some(({ parked }) => parked)
  }

  #counting(directory: string): Volume {
    const counted = <Parameters extends readonly unknown[], Result>(
      call: (...parameters: Parameters) => Result,
    ): ((...parameters: Parameters) => Result) => {
      return (...parameters) => {
        if (this.#meanwhile()) this.#quietSince = this.#ticks
        return call(...parameters)
      }
    }
    return {
      ...localVolume,
      facts: counted((path) => {
        if (path === directory) this.#ticks++
        return localVolume.facts(path)
      }),
      list: counted((path) => localVolume.list(path)),
      open: counted((path) => localVolume.open(path)),
      factsOf: counted((descriptor) => localVolume.factsOf(descriptor)),
      read: counted((descriptor, into) => localVolume.read(descriptor, into)),
    }
  }

  #take(chunk: Chunk): Taken {
    const pieces: Piece[] = []
    const next = this.room > 0 ? takeLines(this.#memory, chunk, pieces, this.room) : chunk.offset
    const file = asLogFile(chunk.file)
    for (const piece of pieces) this.#tryDeliver(file, piece)
    this.room -= pieces.length
    const isAll = next >= (chunk.lineEnd ?? lastLineEnd(this.#memory, chunk))
    return { next, blocked: isAll ? null : ROOM }
  }

  /** Keeps a failure for the next {@link untilQuiet}: thrown from here, it would look like a fault of the input. */
  #tryDeliver(file: LogFile, piece: Piece): void {
    try {
      this.#delivers(file, piece)
    } catch (error) {
      this.#fault ??= error instanceof Error ? error : new Error(String(error))
    }
  }

  #delivers(file: LogFile, piece: Piece): void {
    const bytesOf = this.#ownerOf(file, piece)
    const end = this.#delivered.get(file.id) ?? this.stored.get(file.id)?.position.offset ?? 0
    assert.ok(piece.start >= end, `${file.id} came to ${end}, and now again from ${piece.start}`)
    this.#delivered.set(file.id, piece.end)
    for (const id of this.stored.keys()) {
      if (this.#known.owners.get(id) !== bytesOf) continue
      assert.equal(file.id, id, `bytes ${bytesOf.number} were ${id} before, and were not known again`)
    }
    for (const [id, other] of this.#known.owners) {
      if (other !== bytesOf || id === file.id || !this.#delivered.has(id)) continue
      assert.fail(`bytes ${bytesOf.number} come as ${id} and as ${file.id}`)
    }
    this.held.push({ ...piece, file, bytesOf })
  }

  #ownerOf(file: LogFile, { start, end, bytes }: Piece): Bytes {
    const { owners, world } = this.#known
    const has = (candidate: Bytes | undefined): candidate is Bytes =>
      candidate !== undefined &&
      candidate.content.length >= end &&
      candidate.content.subarray(start, start + bytes.length).equals(bytes)
    const owner = owners.get(file.id)
    if (has(owner)) return owner
    // a file that was cut before anything of it was read cannot be told from another one
    const isCertain = owner !== undefined && this.#delivered.has(file.id)
    const found = world.all.findLast((candidate) => candidate.key === file.key && has(candidate))
    if (isCertain || found === undefined) {
      assert.fail(`${file.id} gives bytes at ${start} that its file never had: ${bytes.toString().slice(0, 60)}`)
    }
    owners.set(file.id, found)
    return found
  }
}

let ids = 0

/** The file offset behind the last whole line of a chunk. */
function lastLineEnd(memory: LinearMemory, chunk: Chunk): number {
  return chunk.offset + memory.view(chunk.pointer, chunk.length).lastIndexOf(10) + 1
}
