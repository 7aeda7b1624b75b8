/**
 * A story of agents, one after another, over the files of an {@link InodeWorld} that come, go, move and look alike. It
 * checks the rules of identity: every file on the disk is shipped whole, once, and under its own id and path, and an id
 * goes over to another file only where place and content allow it.
 */
import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import type { Chunk, Taken } from '../../src/flow.ts'
import { openCheckpoint } from '../../src/input/state/checkpoint.ts'
import { Input } from '../../src/input/input.ts'
import { type LogFile, asLogFile } from '../../src/input/files/log-file.ts'
import { FakeDisk } from './fake-disk.ts'
import { type EventRecorder, recordEvents } from './event-recorder.ts'
import { type Piece, rulesFor, takeLines, testMemory, testReadMemory } from './reading.ts'
import type { Made, InodeWorld } from './inode-world.ts'
import { until } from './wait.ts'

const memory = testMemory(4096)
const FINGERPRINT_BYTES = 1024
/** How many looks of the input without news show that it has seen everything. */
const QUIET_TICKS = 4
/** Longer than the input holds anything back. */
const PATIENCE_MS = 31_000

/** What was shipped under an id. */
interface Shipped {
  /** The file whose bytes came last under the id. */
  owner: Made
  /** Where that file was when the agent last had time to look. */
  place: string
  bytes: Buffer
  /** The devices have got other numbers since. */
  wasRebooted: boolean
  /** The owner has another id by now: it was moved to a place where it could not be known again. */
  isForgotten: boolean
}

export class IdentityStory {
  readonly #files: InodeWorld
  #disk = new FakeDisk()
  #life: Life | null = null
  readonly #shipped = new Map<string, Shipped>()
  #clock = 1000
  #ids = 0

  constructor(files: InodeWorld) {
    this.#files = files
  }

  get isRunning(): boolean {
    return this.#life !== null
  }

  reboot(): void {
    this.#files.reboot()
    for (const shipped of this.#shipped.values()) shipped.wasRebooted = true
  }

  async start(maxOpenFiles: number): Promise<void> {
    const recorder = recordEvents()
    const { events } = recorder
    const disk = this.#disk
    const checkpoint = await openCheckpoint({ directory: '/state', agentId: 'a', events, now: () => 1, disk })
    const life = {
      ticks: 0,
      fault: null,
      recorder,
      checkpoint,
      input: this.#input({ checkpoint, events, maxOpenFiles }),
    }
    this.#life = life
    this.#files.asked = (path) => {
      if (path === this.#files.root) life.ticks++
    }
    await life.input.start()
    await this.untilQuiet()
  }

  /** Resolves once the agent has seen everything and read it. */
  async untilQuiet(): Promise<void> {
    const life = this.#living()
    let since = life.ticks
    let news = 0
    const isQuiet = (): boolean => {
      this.#clock += 40
      const reported = life.recorder.names().length
      if (!life.input.drained || reported !== news) since = life.ticks
      news = reported
      return life.ticks - since >= QUIET_TICKS
    }
    await until(isQuiet, { what: 'the input has seen everything', every: 1 })
    this.#note()
    // a file is closed only after a quiet time that is longer than the grain of file times
    this.#files.pass(2000)
  }

  /** Stops the agent in order, right after the last changes, and checks that every file with a live name is shipped. */
  async stop(): Promise<void> {
    const { input, checkpoint } = this.#living()
    await input.freeze()
    await until(() => input.drained, { what: 'the input is drained', every: 1 })
    this.#note()
    this.#check((made) => made.path?.endsWith('.log') === true)
    await input.stop()
    await checkpoint.close()
    this.#disk = this.#disk.afterKill()
    this.#life = null
    this.#files.asked = () => undefined
  }

  /** Waits until nothing is held back, checks that every file that a glob has matched is shipped, and stops. */
  async finish(): Promise<void> {
    for (let times = 0; times < 2; times++) {
      this.#clock += PATIENCE_MS
      await this.untilQuiet()
    }
    this.#check((made) => made.path?.endsWith('.old') === false)
    await this.stop()
  }

  async close(): Promise<void> {
    await this.#life?.input.stop()
  }

  #living(): Life {
    if (this.#life === null) throw new Error('no agent is running')
    return this.#life
  }

  #input({ checkpoint, events, maxOpenFiles }: Pick<InputParts, 'checkpoint' | 'events' | 'maxOpenFiles'>): Input {
    return new Input({
      inputs: [rulesFor(`${this.#files.root}/*/*.log`, { maxLineBytes: 4096 })],
      ...{ memory, readMemory: testReadMemory(memory), checkpoint, events },
      file: {
        ...{ maxUnacked: 1_000_000, maxOpenFiles, lastLineQuietMs: 50 },
        ...{ pollMs: 1, discoverMs: 1, sweepMs: 1 },
      },
      now: () => 1,
      // time goes on between any two events
      clock: () => (this.#clock += 0.001),
      random: (bytes) => Buffer.from((++this.#ids).toString(16).padStart(2 * bytes, '0'), 'hex'),
      volumeOf: () => this.#files.volume,
      blocked: () => null,
      take: (chunk) => this.#take(chunk),
    })
  }

  #take(chunk: Chunk): Taken {
    const pieces: Piece[] = []
    const next = takeLines(memory, chunk, pieces)
    const file = asLogFile(chunk.file)
    const life = this.#living()
    for (const piece of pieces) {
      try {
        this.#ships(file, piece)
      } catch (error) {
        // thrown from here, it would look like a fault of the input
        life.fault ??= error instanceof Error ? error : new Error(String(error))
      }
    }
    // receipts come after the turn has noted how far it came
    queueMicrotask(() => {
      for (const { start, end, guard } of pieces)
        life.input.receive({ file, ranges: [{ start, end, guard }], outcome: 'stored' })
    })
    return { next, blocked: null }
  }

  #ships(file: LogFile, { start, end, bytes }: Piece): void {
    const made = this.#files.behind(file.descriptor)
    assert.ok(made, 'what is read is open')
    this.#belongs(file.id, made)
    const shipped = this.#shipped.get(file.id) ?? this.#begin(file, made)
    assert.equal(start, shipped.bytes.length, `${file.id} came to ${shipped.bytes.length}, and now from ${start}`)
    assert.ok(made.content.subarray(start, start + bytes.length).equals(bytes))
    shipped.bytes = made.content.subarray(0, end)
  }

  #begin(file: LogFile, made: Made): Shipped {
    assert.equal(file.path, made.path ?? file.path, `file ${made.number} is shipped under another one's name`)
    for (const [id, former] of this.#shipped) {
      if (former.owner !== made) continue
      assert.ok(former.isForgotten || this.#mayBeForgotten(id), `file ${made.number} was ${id}, and is ${file.id} now`)
      former.isForgotten = true
    }
    const shipped = { owner: made, place: file.place, bytes: Buffer.alloc(0), wasRebooted: false, isForgotten: false }
    this.#shipped.set(file.id, shipped)
    return shipped
  }

  /** Whether the owner of an id was moved to a place where it cannot be known again, because the inode says nothing. */
  #mayBeForgotten(id: string): boolean {
    const { owner, place, wasRebooted } = this.#shipped.get(id)!
    if (owner.path === place || owner.path === null) return owner.path === null
    if (wasRebooted) return true
    return owner.bornMs === 0 && dirname(owner.path) !== dirname(place)
  }

  /** Checks that an id is a file's own, or comes from a file that this one can be taken for. */
  #belongs(id: string, made: Made): void {
    const shipped = this.#shipped.get(id)
    if (shipped === undefined || shipped.owner === made) return
    const { owner, place, bytes, wasRebooted, isForgotten } = shipped
    const what = `${id} was file ${owner.number} at ${place}, and is file ${made.number} at ${made.path} now`
    assert.ok(made.path !== null, what)
    assert.ok(made.content.subarray(0, bytes.length).equals(bytes), `${what}: its content is another one`)
    // the former owner would be found: anywhere under a name that a glob matches, under any name in its directory
    const isThere =
      !isForgotten && owner.path !== null && (owner.path.includes('.log') || dirname(owner.path) === dirname(place))
    const mayBeElsewhere = wasRebooted || (owner.bornMs === 0 && dirname(owner.path ?? '') !== dirname(place))
    assert.ok(!isThere || mayBeElsewhere, `${what}, and the other is at ${owner.path}`)
    const isNear = dirname(made.path) === dirname(place)
    const isSibling = isNear && bytes.length > 0 && made.content.length >= FINGERPRINT_BYTES && areSiblings(made.path, place) // prettier-ignore
    const hasInode = isNear && owner.bornMs === 0 && owner.inode === made.inode
    assert.ok(made.path === place || isSibling || hasInode, what)
    for (const former of this.#shipped.values()) if (former.owner === made) former.isForgotten = true
    shipped.owner = made
    shipped.isForgotten = false
  }

  #note(): void {
    const life = this.#living()
    if (life.fault !== null) throw life.fault
    for (const file of life.input.files()) {
      const made = this.#files.at(file.place)
      // no glob matches these: the agent does not look at them
      if (made === undefined || made.path?.endsWith('.old')) continue
      if (this.#files.keyOf(made) === file.key) this.#belongs(file.id, made)
    }
    // the place of a missing file may be known anew
    for (const { id, place, device, inode } of life.checkpoint.entries.values()) {
      const shipped = this.#shipped.get(id)
      if (shipped?.owner.path !== place || this.#files.keyOf(shipped.owner) !== `${device}:${inode}`) continue
      shipped.place = place
      shipped.wasRebooted = false
    }
  }

  #check(isWanted: (made: Made) => boolean): void {
    const files = [...this.#living().input.files()]
    for (const made of this.#files.all) {
      if (made.path === null || !isWanted(made)) continue
      const file = files.find(({ key, standing }) => key === this.#files.keyOf(made) && standing !== 'detached')
      const bytes = file === undefined ? undefined : this.#shipped.get(file.id)?.bytes
      const what = `file ${made.number} at ${made.path}`
      assert.ok(bytes !== undefined, `nothing of ${what} is shipped`)
      assert.equal(bytes.length, made.content.length, `${what} is not shipped whole`)
      assert.ok(bytes.equals(made.content), `other bytes were shipped for ${what}`)
    }
  }
}

interface InputParts {
  readonly checkpoint: Awaited<ReturnType<typeof openCheckpoint>>
  readonly events: EventRecorder['events']
  readonly maxOpenFiles: number
}

interface Life {
  ticks: number
  fault: Error | null
  readonly recorder: EventRecorder
  readonly checkpoint: InputParts['checkpoint']
  readonly input: Input
}

/** Whether one path can be what rotation made of the other. */
function areSiblings(path: string, former: string): boolean {
  const [name, other] = [basename(path), basename(former)]
  return name.startsWith(`${other}.`) || (/^x\.log\.\d$/.test(name) && /^x\.log\.\d$/.test(other))
}
