/**
 * Reading against a model: whatever applications, rotation, crashes and a slow Kafka do in whatever order, every byte
 * that could still be read when the agent had time for it is delivered, each file in order and nothing twice without a
 * crash; bytes that could not be read are reported as lost, to the byte.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { StoredGeneration } from '../../src/input/state/stored-generation.ts'
import { FakeDisk } from '../support/fake-disk.ts'
import { type Bytes, LogWorld } from '../support/log-world.ts'
import { testMemory } from '../support/reading.ts'
import { type Knowledge, LAST_LINE_QUIET_MS, ReadingLife } from '../support/reading-life.ts'
import { chances, seeded } from '../support/seed.ts'

const LOGS = ['a.log', 'b.log'] as const
/** Lengths of lines; some are longer than one read. */
const LENGTHS = [0, 5, 80, 900, 1100, 20_000, 100_000]

const log = fc.constantFrom(...LOGS)
const length = fc.constantFrom(...LENGTHS.slice(0, 4), ...LENGTHS)

/** What may happen between two calls of the agent: nothing that takes bytes away. */
const meanwhile = fc.constantFrom('write', 'write half', 'rotate', 'reopen', 'rotate and reopen')

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('write'), log, lengths: fc.array(length, { minLength: 1, maxLength: 5 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('write half'), log, length }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('rotate', 'reopen', 'rotate and reopen'), log }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut', 'delete', 'move away'), log }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('until quiet') }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('acknowledge'), count: fc.nat(30), luck: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('allow'), lines: fc.constantFrom(0, 1, 3, 10, Infinity) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('checkpoint', 'quiet') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('crash', 'stop', 'start') }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('meanwhile'), log, length, calls: fc.nat(30), what: meanwhile }) },
) // prettier-ignore

type Step = Partial<{
  readonly log: string
  readonly lengths: readonly number[]
  readonly length: number
  readonly count: number
  readonly luck: number
  readonly lines: number
  readonly calls: number
  readonly what: string
}> & { readonly do: string }

const memory = testMemory(1024)

/** One sequence of steps over a {@link LogWorld} and the agents that read it, and a model of what must be delivered. */
class Story {
  readonly #world: LogWorld
  readonly #known: Knowledge
  #disk = new FakeDisk()
  #life: ReadingLife | null = null
  #moved = 0
  /** By file id, the bytes that the agent has to report as cut before they were read: at least, at most. */
  readonly #cut = new Map<string, { atLeast: number; atMost: number; readonly refilled: (Bytes | undefined)[] }>()
  /** At times the agent could not read: then it cannot tell lines written after a cut from those before. */
  #wasHeld = false
  #gone = new Map<string, number>()
  /** What is to happen after this many more calls of the agent. */
  readonly #later: { calls: number; readonly act: () => void }[] = []

  constructor(directory: string) {
    this.#world = new LogWorld(directory)
    this.#known = { world: this.#world, owners: new Map(), acknowledged: new Map() }
  }

  /** Does what is due at this call of the agent; returns whether anything was. */
  #happensMeanwhile(): boolean {
    const due = this.#later.filter((happening) => happening.calls-- <= 0)
    for (const happening of due) {
      this.#later.splice(this.#later.indexOf(happening), 1)
      happening.act()
    }
    return due.length > 0
  }

  async take({ do: what, ...step }: Step): Promise<void> {
    const { log = '', lengths = [], length = 0, count = 0, luck = 0, lines = 0 } = step
    const { calls = 0, what: later = '' } = step
    const life = this.#life
    switch (what) {
      case 'write':
        return this.#world.write(log, lengths)
      case 'write half':
        return this.#world.writeHalf(log, length)
      case 'rotate':
      case 'rotate and reopen':
        this.#loses(this.#world.named(`${log}.3`))
        this.#world.rotate(log)
        if (what !== 'rotate') this.#world.reopen(log)
        return
      case 'reopen':
        return this.#world.reopen(log)
      case 'cut':
        return this.#cutTo(log)
      case 'delete':
        this.#loses(this.#world.named(log))
        return void this.#world.remove(log)
      case 'move away':
        return this.#world.rename(log, `moved-${++this.#moved}`)
      case 'until quiet':
        return life?.untilQuiet()
      case 'acknowledge':
        return life?.acknowledge(count, chances(luck))
      case 'allow':
        if (lines < Infinity) this.#wasHeld = true
        return life?.allow(lines)
      case 'checkpoint':
        return void (await life?.checkpoint.flush())
      case 'quiet':
        if (life !== null) life.clock += LAST_LINE_QUIET_MS
        return
      case 'crash':
        return this.#end()
      case 'stop':
        await life?.checkpoint.flush()
        return this.#end()
      case 'start':
        return this.start()
      case 'meanwhile':
        return void this.#later.push({ calls, act: () => this.#write(later, log, length) })
    }
  }

  async start(): Promise<void> {
    if (this.#life !== null) return
    const meanwhile = (): boolean => this.#happensMeanwhile()
    const life = await ReadingLife.begin({ known: this.#known, disk: this.#disk, memory, meanwhile })
    this.#life = life
    this.#gone = this.#goneWhileStopped(life.stored.values())
    await life.start()
    await life.untilQuiet()
  }

  /** Lets everything be read and acknowledged, files become quiet and missing ones be given up, and compares. */
  async finish(): Promise<void> {
    await this.start()
    const life = this.#life!
    for (const ms of [0, LAST_LINE_QUIET_MS, LAST_LINE_QUIET_MS, 40_000, 40_000]) {
      life.clock += ms
      life.allow(Infinity)
      do {
        life.acknowledge(Infinity, () => 0)
        await life.untilQuiet()
      } while (life.held.length > 0)
    }
    this.#checkLosses(life)
    for (const bytes of this.#world.all) this.#checkDelivered(bytes)
    for (const file of life.input.files()) assert.equal(file.unacknowledged, 0)
    await life.end()
    this.#life = null
  }

  async close(): Promise<void> {
    await this.#life?.end()
    this.#world.close()
  }

  #write(what: string, log: string, length: number): void {
    if (what === 'write') this.#world.write(log, [length])
    else if (what === 'write half') this.#world.writeHalf(log, length)
    // the oldest piece would be deleted
    else if (what !== 'reopen' && this.#world.named(`${log}.3`) === undefined) this.#world.rotate(log)
    if (what.endsWith('reopen')) this.#world.reopen(log)
  }

  async #end(): Promise<void> {
    const life = this.#life
    if (life === null) return
    this.#life = null
    this.#checkGone(life, 'some')
    for (const [file, reason, bytes] of life.recorder.reported('lost') as [{ id: string }, string, number][]) {
      if (reason === 'truncated') this.#checkCut(file.id, bytes)
    }
    // a loss that was not reported yet is reported later, if at all, as bytes that were gone during the stop
    this.#cut.clear()
    this.#disk = this.#disk.afterKill()
    await life.end()
    for (const bytes of this.#world.all) if (bytes.gone !== null) bytes.owed = 0
  }

  /** A file loses its last name: its bytes must be delivered if the agent has it open. */
  #loses(bytes: Bytes | undefined): void {
    if (bytes === undefined) return
    const file = this.#life?.fileOf(bytes)
    bytes.owed = file !== undefined && file.descriptor >= 0 ? bytes.content.length : 0
  }

  #cutTo(log: string): void {
    const bytes = this.#world.named(log)
    if (bytes === undefined) return
    const file = this.#life?.fileOf(bytes)
    if (this.#world.cut(log) === undefined || file === undefined) return
    const before = this.#cut.get(file.id)
    const seen = Math.max(0, bytes.seen - file.next)
    const now = this.#world.named(log)
    if (before === undefined) this.#cut.set(file.id, { atLeast: seen, atMost: seen, refilled: [now] })
    else {
      before.atMost += bytes.content.length
      before.refilled.push(now)
    }
  }

  #goneWhileStopped(stored: Iterable<StoredGeneration>): Map<string, number> {
    const gone = new Map<string, number>()
    for (const { id, size, position, finished, fingerprint, device, inode } of stored) {
      const bytes = this.#known.owners.get(id)
      const unread = size - position.offset
      if (bytes?.name !== null || unread <= 0 || finished) continue
      // a file that was empty when it was found is known by its inode alone: then the bytes are reported as cut
      const heir = fingerprint.length === 0 ? this.#world.byKey(`${device}:${inode}`) : undefined
      if (heir === undefined || heir.name === null) gone.set(id, unread)
      else this.#cut.set(id, { atLeast: Math.max(0, unread - heir.content.length), atMost: unread, refilled: [heir] })
    }
    return gone
  }

  #checkLosses(life: ReadingLife): void {
    this.#checkGone(life, 'all')
    const reported = new Map<string, number>()
    for (const [file, reason, bytes] of life.recorder.reported('lost') as [{ id: string }, string, number][]) {
      if (reason === 'truncated') reported.set(file.id, (reported.get(file.id) ?? 0) + bytes)
    }
    for (const [id, { atLeast }] of this.#cut)
      if (atLeast > 0) assert.ok(reported.has(id), `${id} lost ${atLeast}: not reported`)
    for (const [id, bytes] of reported) this.#checkCut(id, bytes)
  }

  #checkCut(id: string, bytes: number): void {
    const { atLeast = 0, atMost = 0, refilled = [] } = this.#cut.get(id) ?? {}
    const most = this.#wasHeld ? refilled.reduce((sum, after) => sum + (after?.content.length ?? 0), atMost) : atMost
    assert.ok(bytes >= atLeast && bytes <= most, `${id}: ${bytes} reported as cut, which are ${atLeast} to ${most}`)
  }

  #checkGone(life: ReadingLife, how: 'all' | 'some'): void {
    const reported = new Map<string, number>()
    for (const [{ id }, reason, bytes] of life.recorder.reported('lost') as [{ id: string }, string, number][]) {
      if (reason !== 'truncated') reported.set(id, bytes)
    }
    for (const [id, bytes] of reported) assert.equal(this.#gone.get(id), bytes, `${id} reported as gone`)
    if (how === 'all') assert.deepEqual([...this.#gone.keys()].sort(), [...reported.keys()].sort())
  }

  #checkDelivered(bytes: Bytes): void {
    const { content, name, gone } = bytes
    let owed = bytes.owed
    if (gone === null) {
      const isLive = LOGS.some((log) => log === name)
      // a file that is moved away before it was ever seen is not read
      const isKnown = !name?.startsWith('moved') || [...this.#known.owners.values()].includes(bytes)
      owed = isLive ? content.lastIndexOf(10) + 1 : isKnown ? content.length : 0
    }
    const ranges = (this.#known.acknowledged.get(bytes) ?? []).sort((a, b) => a.start - b.start)
    let end = 0
    for (const range of ranges) if (range.start <= end) end = Math.max(end, range.end)
    assert.ok(end >= owed, `${end} of ${owed} bytes of file ${bytes.number} (${name ?? gone}) are delivered`)
  }
}

async function happens(steps: readonly Step[]): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'logagent-test-'))
  const story = new Story(directory)
  try {
    await story.start()
    for (const one of steps) await story.take(one)
    await story.finish()
  } finally {
    await story.close()
    rmSync(directory, { recursive: true })
  }
}

test('delivers every byte it can read, in order, once except after crashes, and reports the others lost', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), happens),
    seeded(t, 150),
  )
})
