/** A whole input stage that runs by itself: real files, watches and timers, and a pipeline that only collects. */
import { appendFileSync, mkdirSync, renameSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Chunk, Taken } from '../../src/flow.ts'
import { type Checkpoint, openCheckpoint } from '../../src/input/state/checkpoint.ts'
import { Input, type InputOptions } from '../../src/input/input.ts'
import type { InputRules } from '../../src/input/input-rules.ts'
import { type LogFile, asLogFile } from '../../src/input/files/log-file.ts'
import { type Volume, localVolume } from '../../src/input/volume/volume.ts'
import { atEnd, type Ending } from './ending.ts'
import { FakeDisk } from './fake-disk.ts'
import { type EventRecorder, recordEvents } from './event-recorder.ts'
import { type Piece, rulesFor, takeLines, testMemory, testReadMemory } from './reading.ts'
import { freshDirectory } from './temp.ts'
import { until } from './wait.ts'
import { giveRoom } from './obstacles.ts'

export interface LiveSettings {
  readonly root?: string
  readonly disk?: FakeDisk
  /** Below the root; `*.log` by default. */
  readonly globs?: readonly string[]
  readonly rules?: Partial<InputRules>
  readonly file?: Partial<InputOptions['file']>
  /** The volume of a path; the local file system where it returns undefined. */
  readonly volumeOf?: (path: string) => Volume | undefined
}

const memory = testMemory()

export class LiveInput {
  readonly root: string
  readonly input: Input
  readonly checkpoint: Checkpoint
  readonly recorder: EventRecorder
  readonly disk: FakeDisk
  /** Whole lines, in the order in which they came. */
  readonly lines: string[] = []
  readonly held: (Piece & { readonly file: LogFile })[] = []
  /** 'while taken': as where lines are dropped, before the pipeline has said how much it took. */
  acknowledge: boolean | 'while taken' = true
  blocked: Taken['blocked'] | ((file: LogFile) => Taken['blocked']) = null
  /** By how much the clock runs ahead. */
  aheadMs = 0
  readonly #settings: LiveSettings

  /** Made, but not started. */
  static async open(t: Ending, settings: LiveSettings = {}): Promise<LiveInput> {
    const recorder = recordEvents()
    const disk = settings.disk ?? new FakeDisk()
    const checkpoint = await openCheckpoint({
      directory: '/state',
      agentId: 'a',
      events: recorder.events,
      now: Date.now,
      disk,
    })
    const live = new LiveInput(
      { ...settings, root: settings.root ?? freshDirectory(t), disk },
      { checkpoint, recorder },
    )
    atEnd(t, () => live.input.stop())
    return live
  }

  /** Started, and `a.log` with the line `one` is read. */
  static async withOne(t: Ending, settings: LiveSettings = {}): Promise<LiveInput> {
    const live = await LiveInput.open(t, settings)
    live.write('a.log', 'one\n')
    await live.input.start()
    await live.came('one')
    return live
  }

  private constructor(
    settings: LiveSettings & { root: string; disk: FakeDisk },
    made: { checkpoint: Checkpoint; recorder: EventRecorder },
  ) {
    const { root, disk, globs = ['*.log'], file = {} } = settings
    this.#settings = settings
    this.root = root
    this.disk = disk
    this.checkpoint = made.checkpoint
    this.recorder = made.recorder
    let ids = 0
    this.input = new Input({
      inputs: [
        rulesFor(
          globs.map((glob) => join(root, glob)),
          settings.rules,
        ),
      ],
      memory,
      readMemory: testReadMemory(memory, () => giveRoom(this.input)),
      checkpoint: made.checkpoint,
      events: made.recorder.events,
      file: {
        maxUnacked: 8 * 1024 * 1024,
        maxOpenFiles: 100,
        pollMs: 5,
        discoverMs: 20,
        sweepMs: 30_000,
        lastLineQuietMs: 100,
        ...file,
      },
      now: Date.now,
      clock: () => performance.now() + this.aheadMs,
      random: (bytes) => Buffer.from((Date.now() * 1000 + ++ids).toString(16).padStart(2 * bytes, '0'), 'hex'),
      volumeOf: (path) => settings.volumeOf?.(path) ?? localVolume,
      blocked: (file) => (typeof this.blocked === 'function' ? this.blocked(file) : this.blocked),
      take: (chunk) => this.#take(chunk),
    })
  }

  path(name: string): string {
    return join(this.root, name)
  }

  write(name: string, content: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true })
    writeFileSync(this.path(name), content)
  }

  append(name: string, content: string): void {
    appendFileSync(this.path(name), content)
  }

  /** As rotation does. */
  move(from: string, to: string): void {
    renameSync(this.path(from), this.path(to))
  }

  remove(name: string): void {
    unlinkSync(this.path(name))
  }

  /** The second step of copytruncate. */
  cut(name: string, size = 0): void {
    truncateSync(this.path(name), size)
  }

  /** Waits for lines to come; each once. */
  async came(...lines: readonly string[]): Promise<void> {
    await until(() => lines.every((line) => this.lines.includes(line)), {
      what: () => `${lines.join(', ')}; there came ${this.lines.slice(-20).join(', ')}`,
      every: 2,
    })
  }

  release(): void {
    for (const { file, start, end, guard } of this.held.splice(0))
      this.input.receive({ file, ranges: [{ start, end, guard }], outcome: 'stored' })
  }

  file(name: string): LogFile {
    for (const file of this.input.files()) if (file.place === this.path(name)) return file
    throw new Error(`nothing is known of ${name}`)
  }

  async drained(): Promise<void> {
    await until(() => this.input.drained, { what: 'all is read', every: 2 })
  }

  /** Stop, and start again with the same files and state; not started. */
  async restart(t: Ending, change: LiveSettings = {}): Promise<LiveInput> {
    await this.input.stop()
    await this.checkpoint.close()
    return LiveInput.open(t, { ...this.#settings, root: this.root, disk: this.disk, ...change })
  }

  #take(chunk: Chunk): Taken {
    const blocked = typeof this.blocked === 'function' ? this.blocked(asLogFile(chunk.file)) : this.blocked
    if (blocked !== null) return { next: chunk.offset, blocked }
    const pieces: Piece[] = []
    const next = takeLines(memory, chunk, pieces)
    for (const piece of pieces) {
      this.lines.push(piece.bytes.toString().trimEnd())
      this.held.push({ ...piece, file: asLogFile(chunk.file) })
    }
    if (this.acknowledge === 'while taken') this.release()
    else if (this.acknowledge) queueMicrotask(() => this.release())
    return { next, blocked: null }
  }
}
