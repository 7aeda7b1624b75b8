/**
 * A directory with logs, and the input's generations of them, one look and one turn at a time: nothing happens before the
 * test says so. Bytes that were read are acknowledged at once unless the test holds them back.
 */
import { appendFileSync, copyFileSync, mkdirSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chunk, Taken } from '../../src/flow.ts'
import { type Checkpoint, openCheckpoint } from '../../src/input/state/checkpoint.ts'
import { NO_DESCRIPTOR } from '../../src/input/files/descriptors.ts'
import { Directory } from '../../src/input/discovery/directory.ts'
import { interestsIn } from '../../src/input/discovery/interest.ts'
import { Generations } from '../../src/input/files/generations.ts'
import { excluder, parseGlob } from '../../src/input/discovery/glob.ts'
import type { InputRules } from '../../src/input/input-rules.ts'
import { type LogFile, asLogFile } from '../../src/input/files/log-file.ts'
import { FileTurns } from '../../src/input/reading/file-turn.ts'
import type { TurnEnd } from '../../src/input/reading/schedule.ts'
import type { Judgement } from '../../src/input/files/sightings.ts'
import type { StoredGeneration } from '../../src/input/state/stored-generation.ts'
import { Search } from '../../src/input/discovery/search.ts'
import { type Volume, localVolume } from '../../src/input/volume/volume.ts'
import { atEnd, type Ending } from './ending.ts'
import { FakeDisk } from './fake-disk.ts'
import { HandClock } from './hand-clock.ts'
import { type EventRecorder, recordEvents } from './event-recorder.ts'
import { lookedAt } from './looked-at.ts'
import { type Piece, rulesFor, takeLines, testMemory, testReadMemory } from './reading.ts'
import { loopTurn } from './loop-turn.ts'
import { freshDirectory } from './temp.ts'

export interface FileWorldSettings {
  /** Where the logs are; a fresh directory by default. */
  readonly root?: string
  /** The state, to go on with that of another world; an empty one by default. */
  readonly disk?: FakeDisk
  readonly clock?: HandClock
  /** Of the logs. */
  readonly volume?: Volume
  /** Of the places of missing files; by default that of the logs. */
  readonly volumeOf?: (path: string) => Volume
  /** Whether a file at a path would have been seen by now; by default it would. */
  readonly hasSeen?: (path: string) => boolean
  /** Entries of the state beside those of the disk. */
  readonly stored?: readonly StoredGeneration[]
  readonly rules?: Partial<InputRules>
  readonly maxOpenFiles?: number
  readonly lastLineQuietMs?: number
  readonly maxUnacked?: number
  /** The directory is there when the agent starts. */
  readonly wasThere?: boolean
  /** Wall clock of the start. */
  readonly now?: number
}

export interface Shipped extends Piece {
  readonly file: LogFile
}

const memory = testMemory()
const readMemory = testReadMemory(memory)
/** Ids in the order in which they are given away. */
let ids = 0

export class FileWorld {
  readonly root: string
  readonly directory: Directory
  readonly generations: Generations
  readonly fileTurns: FileTurns
  readonly checkpoint: Checkpoint
  readonly clock: HandClock
  readonly disk: FakeDisk
  readonly recorder: EventRecorder
  /** Pieces that were handed on and not acknowledged. */
  readonly held: Shipped[] = []
  /** false: pieces that are read wait in {@link held}. */
  acknowledge = true
  /** The obstacle for all files: while there is one, nothing is read, and nothing of a chunk is taken. */
  blocked: Taken['blocked'] = null
  /** Lines taken of a chunk at most. */
  most = Infinity
  /** Files that were woken and had no turn yet. */
  readonly awake = new Set<LogFile>()
  /** Files whose directory a turn wanted to be looked at. */
  readonly lookedFor: LogFile[] = []
  readonly #shipped: Shipped[] = []
  readonly #directories = new Map<string, Directory>()
  readonly #search: Search
  readonly #settings: FileWorldSettings

  static async open(t: Ending, settings: FileWorldSettings = {}): Promise<FileWorld> {
    const disk = settings.disk ?? new FakeDisk()
    const recorder = recordEvents()
    const now = (): number => settings.now ?? 1000
    const checkpoint = await openCheckpoint({
      directory: '/state',
      agentId: 'node-1',
      events: recorder.events,
      now,
      disk,
    })
    for (const stored of settings.stored ?? []) checkpoint.put(stored)
    const world = new FileWorld(
      { ...settings, root: settings.root ?? freshDirectory(t), disk },
      { checkpoint, recorder },
    )
    atEnd(t, () => world.generations.descriptors.closeAll())
    return world
  }

  /** One that stopped when a.log was read, which then had more appended. */
  static async stoppedBehind(t: Ending): Promise<FileWorld> {
    const world = await FileWorld.open(t)
    world.write('a.log', 'one\n')
    await world.lookAndRead()
    await world.stop()
    world.append('a.log', 'two\n')
    return world
  }

  private constructor(
    settings: FileWorldSettings & { root: string; disk: FakeDisk },
    made: { checkpoint: Checkpoint; recorder: EventRecorder },
  ) {
    const { root, disk, clock = new HandClock() } = settings
    const { checkpoint, recorder } = made
    this.#settings = settings
    this.root = root
    this.disk = disk
    this.clock = clock
    this.checkpoint = checkpoint
    this.recorder = recorder
    this.generations = new Generations({
      checkpoint,
      events: recorder.events,
      maxOpenFiles: settings.maxOpenFiles ?? 100,
      lastLineQuietMs: settings.lastLineQuietMs ?? 5000,
      clock: clock.read,
      random: (bytes) => Buffer.from((++ids).toString(16).padStart(2 * bytes, '0'), 'hex'),
      volumeOf: settings.volumeOf ?? (() => settings.volume ?? localVolume),
      hasSeen: settings.hasSeen ?? (() => true),
      turns: { wake: (file) => void this.awake.add(file), letGo: (file) => void this.awake.delete(file) },
      freed: () => undefined,
    })
    this.fileTurns = new FileTurns({
      memory,
      readMemory,
      generations: this.generations,
      checkpoint,
      events: recorder.events,
      maxUnacked: settings.maxUnacked ?? 8 * 1024 * 1024,
      now: () => 0,
      clock: clock.read,
      blocked: () => this.blocked,
      take: (chunk) => this.#take(chunk),
      look: (file) => void this.lookedFor.push(file),
    })
    this.#search = new Search({
      generations: this.generations,
      events: recorder.events,
      clock: clock.read,
      discovery: lookedAt(this.#directories, (directory) => this.look(directory)),
    })
    this.directory = this.below('')
    this.directory.wasThere = settings.wasThere ?? false
  }

  /** A directory below the root in which the input's glob is `*.log`. */
  below(name: string): Directory {
    const { root, volume = localVolume, rules } = this.#settings
    const path = join(root ?? '', name)
    const known = this.#directories.get(path)
    if (known !== undefined) return known
    mkdirSync(path, { recursive: true })
    const ours = rulesFor(join(path, '*.log'), rules)
    const globs = ours.globs.map((glob) => ({
      rules: ours,
      excludes: excluder(ours.exclude),
      at: 0,
      ...parseGlob(glob),
    }))
    const directory = new Directory(path, volume, interestsIn(path, globs))
    this.#directories.set(path, directory)
    return directory
  }

  path(name: string): string {
    return join(this.root, name)
  }

  write(name: string, content: string | Buffer): void {
    writeFileSync(this.path(name), content)
  }

  append(name: string, content: string | Buffer): void {
    appendFileSync(this.path(name), content)
  }

  /** As rotation does. */
  move(from: string, to: string): void {
    renameSync(this.path(from), this.path(to))
  }

  remove(name: string): void {
    unlinkSync(this.path(name))
  }

  /** The first step of copytruncate. */
  copy(from: string, to: string): void {
    copyFileSync(this.path(from), this.path(to))
  }

  /** The second step of copytruncate. */
  cut(name: string, size = 0): void {
    truncateSync(this.path(name), size)
  }

  /** One look at a directory; whether it wants another one soon. */
  async look(directory = this.directory): Promise<boolean> {
    const look = await directory.look()
    if (look === null) throw new Error(`${directory.path} is gone`)
    const again = await this.generations.sightings.see(directory, look)
    directory.wasThere = false
    directory.askedAt = this.clock.read()
    directory.lookedAt = 1
    await this.generations.arrivals.admitted()
    return again
  }

  /** The directory is searched for files that are missing, under whatever name. What became of the sightings. */
  async search(): Promise<Judgement[]> {
    const { directory, generations } = this
    const sightings = await directory.search((key) => generations.missing.inputOf(key))
    const became: Judgement[] = []
    for (const sighting of sightings) became.push(await generations.sightings.arrived(directory, sighting))
    await generations.arrivals.admitted()
    return became
  }

  /** Search for missing files, as all directories were looked at, and look where files waited for that. */
  async confirmMissing(): Promise<void> {
    await this.#search.forMissing()
    await this.generations.arrivals.admitted()
  }

  /** A stop in order: nothing waits any longer. */
  async last(): Promise<void> {
    await this.#search.last()
    await this.generations.arrivals.admitted()
  }

  /** Give turns to all files that are awake, until none is. Returns the results other than 'more'. */
  async turns(): Promise<TurnEnd[]> {
    const results: TurnEnd[] = []
    const later = new Set<LogFile>()
    for (let turns = 0; this.awake.size > 0; turns++) {
      if (turns > 1000) throw new Error('a file that is never done')
      let progress = false
      for (const file of this.awake) {
        this.awake.delete(file)
        if (!file.life.admitted || file.finished) continue
        const turn = await this.fileTurns.turn(file)
        const isLater = turn === 'later' || turn === NO_DESCRIPTOR
        progress ||= !isLater
        if (turn !== 'more') this.generations.descriptors.rested(file)
        if (turn === 'more') this.awake.add(file)
        else results.push(turn)
        if (isLater) later.add(file)
        else later.delete(file)
      }
      await this.generations.arrivals.admitted()
      // the next poll tries again, and can have what others have given back
      if (progress) for (const file of later) this.awake.add(file)
    }
    return results
  }

  /** As {@link turns}, of all files, whatever woke them. */
  async wakeAll(): Promise<void> {
    for (const file of this.files()) this.awake.add(file)
    await this.turns()
  }

  /** A look, and all turns that come of it. */
  async lookAndRead(): Promise<void> {
    await this.look()
    await this.turns()
  }

  /** What the input does once a second, until it has its effect. */
  async tick(): Promise<void> {
    await this.generations.tick()
    await loopTurn()
    await this.turns()
    await this.generations.tick()
  }

  /** The pieces that were handed on since the last call, each as `path at discovery@offset: text`. */
  shipped(): string[] {
    return this.#shipped
      .splice(0)
      .map(({ file, start, bytes }) => `${file.path.slice(this.root.length + 1)}@${start}: ${bytes.toString()}`)
  }

  /** All that was handed on since the last call as one text. */
  text(): string {
    return this.#shipped
      .splice(0)
      .map(({ bytes }) => bytes.toString())
      .join('')
  }

  /** Acknowledge the held pieces: of all files, or of one. */
  release(of?: LogFile): void {
    for (const piece of this.held.splice(0)) {
      if (of !== undefined && piece.file !== of) this.held.push(piece)
      else this.#acknowledge(piece)
    }
  }

  /** The generation that a name belongs to. */
  file(name: string, directory = this.directory): LogFile {
    const file = directory.files.get(name)
    if (file === undefined) throw new Error(`nothing is known of ${name}`)
    return file
  }

  files(): LogFile[] {
    return [...this.generations.all()]
  }

  /** Stop, and start again with the same files and state. */
  async restart(t: Ending, change: Partial<FileWorldSettings> = {}): Promise<FileWorld> {
    await this.stop()
    return FileWorld.open(t, { ...this.#settings, root: this.root, disk: this.disk, clock: this.clock, ...change })
  }

  async stop(): Promise<void> {
    this.generations.descriptors.closeAll()
    await this.checkpoint.close()
  }

  #take(chunk: Chunk): Taken {
    if (this.blocked !== null) return { next: chunk.offset, blocked: this.blocked }
    const pieces: Piece[] = []
    const next = takeLines(memory, chunk, pieces, this.most)
    for (const piece of pieces) {
      const shipped = { ...piece, file: asLogFile(chunk.file) }
      this.#shipped.push(shipped)
      this.held.push(shipped)
    }
    // the turn has first to know how far it came
    if (this.acknowledge) queueMicrotask(() => this.release())
    return { next, blocked: null }
  }

  #acknowledge({ file, start, end, guard }: Shipped): void {
    this.generations.receive({ file, ranges: [{ start, end, guard }], outcome: 'stored' })
  }
}
