/**
 * The input stage: files in, chunks out, receipts back. It joins discovery, identity, watches, turns and reading. The stages
 * behind it are one function, `take`, which returns how much of a chunk it took.
 *
 * One look around, in order: 1. generations of the state wait as missing; 2. watches are armed; 3. directories are listed;
 * 4. a file that is found is known again by its content, or new; 5. a generation that stays missing is searched for under any
 * name, and then lost.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Chunk, Generation, Obstacle, Receipt, Taken } from '../flow.ts'
import type { LinearMemory } from '../kernel/memory.ts'
import type { Events } from '../observe/events.ts'
import { ignoreSystemError, systemErrorOf } from '../errors.ts'
import type { Checkpoint } from './state/checkpoint.ts'
import { NO_DESCRIPTOR } from './files/descriptors.ts'
import { type Directory, NOTHING_THERE } from './discovery/directory.ts'
import { Discovery } from './discovery/discover.ts'
import { Generations } from './files/generations.ts'
import type { InputRules } from './input-rules.ts'
import { type LogFile, asLogFile } from './files/log-file.ts'
import { FileTurns, type ReadMemory } from './reading/file-turn.ts'
import { Schedule } from './reading/schedule.ts'
import { Search } from './discovery/search.ts'
import { Sweep } from './discovery/sweep.ts'
import type { Volume } from './volume/volume.ts'
import { Unwatched } from './discovery/unwatched.ts'
import { Watches } from './discovery/watches.ts'

export interface InputOptions {
  readonly inputs: readonly InputRules[]
  readonly memory: LinearMemory
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly file: {
    /** A file that is this far ahead of its watermark waits; bytes. */
    readonly maxUnacked: number
    readonly maxOpenFiles: number
    readonly pollMs: number
    readonly discoverMs: number
    readonly sweepMs: number
    readonly lastLineQuietMs: number
  }
  readonly now: () => number
  readonly clock: () => number
  readonly random: (bytes: number) => Buffer
  /** How directories are reached. */
  readonly volumeOf: (path: string) => Volume
  /** Memory for reads on mounts that can hang. */
  readonly readMemory: ReadMemory
  /** What keeps the pipeline from taking bytes of this file now; null: nothing. Called before a read. */
  blocked(file: LogFile): Taken['blocked']
  /** Hand a chunk on. Synchronous, since the chunk's memory is used again afterwards. */
  take(chunk: Chunk): Taken
  /** Chunks were handed on. `isOver`: of every file that may have something, so that no more come for a while. */
  looked?: (isOver: boolean) => void
}

/** The longest time that a start waits for directories that do not answer. */
const FIRST_LOOK_MS = 5000

export class Input {
  readonly #options: InputOptions
  readonly #discovery: Discovery
  readonly #generations: Generations
  readonly #schedule: Schedule
  readonly #watches: Watches
  readonly #unwatched: Unwatched
  readonly #fileTurns: FileTurns
  readonly #sweep: Sweep
  readonly #search: Search
  #timer: NodeJS.Timeout | null = null
  #ticking: Promise<void> | null = null
  #frozen = false

  constructor(options: InputOptions) {
    const { inputs, events, now, clock, checkpoint, random, file, volumeOf } = options
    const { maxOpenFiles, lastLineQuietMs, pollMs, discoverMs, sweepMs } = file
    const wake = (file: LogFile): void => void this.#schedule.wake(file)
    this.#options = options
    this.#generations = new Generations({
      checkpoint,
      events,
      clock,
      random,
      maxOpenFiles,
      lastLineQuietMs,
      volumeOf,
      hasSeen: (path) => this.#discovery.hasSeen(path),
      turns: { wake, letGo: (file) => this.#schedule.forget(file) },
      freed: () => this.#schedule.unblock(NO_DESCRIPTOR),
    })
    this.#discovery = new Discovery({
      inputs,
      events,
      now,
      clock,
      sweepMs,
      seen: (directory, look) => this.#generations.sightings.see(directory, look),
      entered: (directory) => {
        this.#watches.disarm(directory)
        this.#watches.arm(directory)
      },
      left: (directory) => this.#left(directory),
      volumeOf,
    })
    this.#watches = new Watches({
      clock,
      pollMs,
      changed: (directory, name) => this.#changed(directory, name),
      renamed: (directory) => void this.#look(directory),
      unavailable: (directory, reason) => events.watchUnavailable(directory.path, reason),
    })
    const isWarm = (file: LogFile): boolean => this.#schedule.isWarm(file)
    this.#unwatched = new Unwatched({ discovery: this.#discovery, watches: this.#watches, isWarm, clock })
    this.#schedule = new Schedule({
      clock,
      pollMs,
      turn: (file) => this.#fileTurns.turn(file),
      looked: (isOver) => options.looked?.(isOver),
      rests: (file) => this.#generations.descriptors.rested(file),
      isPolled: (file) =>
        !file.finished &&
        !file.isOver &&
        (file.standing !== 'live' || file.location.isLinked || !this.#watches.isWatched(file.directory)),
      polling: () => void (this.#frozen || this.#unwatched.poll()),
    })
    this.#fileTurns = new FileTurns({
      memory: options.memory,
      generations: this.#generations,
      checkpoint,
      events,
      maxUnacked: file.maxUnacked,
      now,
      clock,
      blocked: (waiting) => options.blocked(waiting),
      take: (chunk) => options.take(chunk),
      readMemory: options.readMemory,
      look: (at) => void this.#look(at.directory),
    })
    this.#search = new Search({ discovery: this.#discovery, generations: this.#generations, events, clock })
    const notice = (file: LogFile): void => this.#schedule.notice(file)
    const { known, inspection } = this.#generations
    const share = discoverMs / sweepMs
    this.#sweep = new Sweep({ generations: this.#generations, known, inspection, wake: notice, share })
  }

  /** Find what is there, and go on finding and reading. */
  async start(): Promise<void> {
    // directories on a mount that hangs are looked at whenever it answers
    await Promise.race([this.#discovery.lookAround(), delay(FIRST_LOOK_MS, undefined, { ref: false })])
    if (this.#frozen) return
    await this.#search.forMissing()
    this.#armTick()
  }

  files(): Iterable<LogFile> {
    return this.#generations.all()
  }

  receive(receipt: Receipt): void {
    this.#generations.receive(receipt)
    const file = asLogFile(receipt.file)
    if (file.parked && file.unacknowledged < this.#options.file.maxUnacked) this.#schedule.acknowledged(file)
  }

  /**
   * Bytes that were taken over of a file and are not stored will not be: read them again from the watermark on. Those that
   * are not there any more are lost, and counted. Prepared for exactly-once.
   */
  rewind(generation: Generation): void {
    const file = asLogFile(generation)
    if (file.standing === 'detached') return this.#generations.truncations.abandon(file)
    file.rewind()
    this.#schedule.resume(file)
  }

  /** The obstacles that files wait for, the longest awaited first. */
  obstacles(): Iterable<Obstacle> {
    return this.#schedule.obstacles()
  }

  /** The obstacle is gone: files that wait for it go on, one after another, until it is back. */
  unblock(obstacle: Obstacle): void {
    this.#schedule.unblock(obstacle)
  }

  /** All files that wait for something of the topic may try. */
  topicChanged(topic: string): void {
    this.#schedule.topicChanged(topic)
  }

  /**
   * Look around a last time; from then on read no further than the files' sizes, and look for nothing new. Resolves when that
   * is so for all files. A mount that hangs can delay that for ever, but only its own files are affected.
   */
  async freeze(): Promise<void> {
    this.#frozen = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#ticking
    // an application that ends rotates or begins a file at the last moment
    await this.#discovery.lookLast('local')
    await this.#search.last()
    this.#watches.close()
    this.#generations.departures.end()
    await this.#freezeFiles('local')
    // local files, and those on mounts that answer, are read meanwhile
    await Promise.all([this.#discovery.lookLast('remote'), this.#freezeFiles('remote')])
    this.#discovery.stop()
    await this.#freezeFiles('remote')
  }

  /** Whether every file is read and handed on up to its frozen size, but for a half line. */
  get drained(): boolean {
    return this.#schedule.quiet && !this.#generations.arrivals.isAdmitting
  }

  /** All is read and stored, and the files will be gone: count unread bytes of cut files that are in no copy as lost. */
  giveUpRests(): Promise<void> {
    return this.#generations.giveUpRests()
  }

  async stop(): Promise<void> {
    this.#frozen = true
    this.#fileTurns.stop()
    this.#discovery.stop()
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#watches.close()
    await this.#ticking
    await this.#schedule.stop()
    this.#generations.descriptors.closeAll()
  }

  async #freezeFiles(which: 'local' | 'remote'): Promise<void> {
    await this.#generations.arrivals.admitted()
    const freeze = async (file: LogFile): Promise<void> => {
      if (file.volume.remote !== (which === 'remote')) return
      if (file.descriptor >= 0) await this.#generations.inspection.check(file).catch(ignoreSystemError)
      file.cursor.stopAt(file.size)
      // a file that waits for room or a topic may have nothing to read any more
      this.#schedule.resume(file)
    }
    await Promise.all(Array.from(this.#generations.all(), freeze))
  }

  // -- noticing -------------------------------------------------------------------------------------------------------

  #changed(directory: Directory, name: string | null): void {
    if (name !== null) {
      const file = directory.files.get(name)
      // a finished file is read again only if it is found to have changed
      if (file?.finished === true) void this.#sweep.ask(file)
      else if (file !== undefined) this.#schedule.notice(file)
      return
    }
    for (const file of directory.files.values()) {
      this.#schedule.poll(file)
      this.#schedule.notice(file)
    }
  }

  /** Look at a directory, unless the input is frozen: then it has had its last look. */
  async #look(directory: Directory): Promise<void> {
    if (!this.#frozen) await this.#discovery.look(directory)
  }

  #left(directory: Directory): void {
    this.#watches.forget(directory)
    void this.#generations.sightings.see(directory, NOTHING_THERE)
  }

  #armTick(after = this.#options.file.discoverMs): void {
    if (this.#frozen) return
    this.#timer = setTimeout(() => {
      const { clock, file } = this.#options
      const begin = clock()
      this.#ticking = this.#tick()
        .catch((error: unknown) => this.#options.events.fileDenied('', systemErrorOf(error).message))
        .finally(() => {
          this.#ticking = null
          this.#armTick(Math.max(file.discoverMs / 10, file.discoverMs - (clock() - begin)))
        })
    }, after).unref()
  }

  async #tick(): Promise<void> {
    this.#unwatched.rewatch()
    await this.#discovery.tick()
    await this.#search.forMissing()
    await this.#generations.tick()
    await this.#sweep.some()
  }
}
