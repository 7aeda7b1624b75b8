/**
 * copytruncate against an account: in whatever order a log is read, looked at, copied, renamed and cut, every byte that
 * was written is shipped or counted as lost, and none is both.
 */
import assert from 'node:assert/strict'
import { existsSync, renameSync } from 'node:fs'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Ending } from '../support/ending.ts'
import { FileWorld } from '../support/file-world.ts'
import { seeded } from '../support/seed.ts'

/** Bytes of a line; it begins with its number. */
const LINE = 20
const lines = fc.integer({ min: 1, max: 120 })

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('write'), lines }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('write half'), lines }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('read', 'see') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read some'), lines }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('look', 'look, and read') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('copy and cut'), lines }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('cut, and look between', 'cut, and read between') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('second') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('start again') }) },
) // prettier-ignore

interface Step {
  readonly do: string
  readonly lines?: number
}

interface Kind {
  /** Copies are called `a.log.1`, and older ones are renamed; otherwise no name shows that it is a copy's. */
  readonly isNamed: boolean
  readonly canRestart: boolean
}

/** One sequence of steps, which a {@link FileWorld} takes, and the account of what was written. */
class Story {
  readonly #ending: Ending
  readonly #kind: Kind
  #world: FileWorld
  readonly #worlds: FileWorld[]
  #written = 0
  /** What is missing of the last line. */
  #rest = ''
  #cuts = 0
  /** The log was cut, and has had no file turn since. */
  #isCut = false

  static async begin(ending: Ending, kind: Kind): Promise<Story> {
    const world = await FileWorld.open(ending)
    world.write('a.log', '')
    await world.lookAndRead()
    return new Story(ending, kind, world)
  }

  private constructor(ending: Ending, kind: Kind, world: FileWorld) {
    this.#ending = ending
    this.#kind = kind
    this.#world = world
    this.#worlds = [world]
  }

  async take({ do: what, lines = 0 }: Step): Promise<void> {
    this.#world.clock.advance(1)
    switch (what) {
      case 'write':
        return this.#write(lines)
      case 'write half':
        this.#write(lines - 1)
        return this.#writeHalf()
      case 'read':
        return this.#read()
      case 'read some':
        await this.#noticeCut()
        return this.#readSome(lines)
      case 'see':
        await this.#noticeCut()
        return void (await this.#world.generations.inspection.check(this.#world.file('a.log')))
      case 'look':
        return this.#look()
      case 'look, and read':
        await this.#look()
        return void (await this.#world.turns())
      case 'copy and cut':
        return this.#copyAndCut()
      case 'cut, and look between':
        return this.#copyAndCut(() => this.#look())
      case 'cut, and read between':
        return this.#copyAndCut(() => this.#read())
      case 'second':
        this.#world.clock.advance(1000)
        return this.#world.tick()
      case 'start again':
        return this.#startAgain()
    }
  }

  /** Reads all that can be read, lets the time of everything that waits pass, and compares. */
  async finish(): Promise<void> {
    this.#write(0)
    for (let seconds = 0; seconds < 70; seconds++) {
      this.#world.clock.advance(1000)
      await this.#read()
      await this.#world.lookAndRead()
      await this.#world.tick()
    }
    const shipped = new Set(this.#worlds.flatMap((world) => world.text().match(/\d+(?=:)/g) ?? []))
    const lost = this.#worlds.reduce(
      (sum, { recorder: { counters } }) => sum + counters.lostBytes.truncated + counters.lostBytes.gone,
      0,
    )
    const all = shipped.size * LINE + lost
    const words = `${shipped.size} lines are shipped, ${lost} bytes are lost`
    // after a restart a copy is recognized by its first 1,024 bytes only: a shorter one is shipped whole, and its rest
    // is counted as lost as well
    if (this.#worlds.length > 1) assert.ok(all >= this.#written, words)
    else assert.equal(all, this.#written, words)
  }

  #write(lines: number): void {
    let text = this.#rest
    this.#rest = ''
    for (let n = 0; n < lines; n++) text += this.#line()
    this.#world.append('a.log', text)
  }

  #writeHalf(): void {
    const line = this.#line()
    this.#rest = line.slice(10)
    this.#world.append('a.log', line.slice(0, 10))
  }

  #line(): string {
    const line = `${this.#written / LINE}:`.padEnd(LINE - 1, '.')
    this.#written += LINE
    return `${line}\n`
  }

  /** A look shows a size. After an unnoticed cut the agent can only guess whose size it is if no copy is found. */
  async #look(): Promise<void> {
    await this.#noticeCut()
    await this.#world.look()
  }

  async #noticeCut(): Promise<void> {
    if (this.#isCut) await this.#read()
  }

  async #read(): Promise<void> {
    this.#isCut = false
    for (const file of this.#world.files()) this.#world.awake.add(file)
    await this.#world.turns()
  }

  async #readSome(lines: number): Promise<void> {
    const file = this.#world.file('a.log')
    if (!file.life.admitted) return
    this.#world.most = lines
    await this.#world.fileTurns.turn(file)
    this.#world.most = Infinity
    await this.#world.generations.arrivals.admitted()
  }

  async #copyAndCut(between?: () => Promise<void>): Promise<void> {
    if (between !== undefined) await this.#noticeCut()
    this.#write(0)
    if (!this.#kind.isNamed) await this.#readAFingerprint()
    const file = this.#world.file('a.log')
    // a copy of a file without a fingerprint would not be recognized
    if (file.fingerprint.length === 0) await this.#world.generations.inspection.check(file)
    this.#world.copy('a.log', this.#copyName())
    await between?.()
    this.#world.cut('a.log')
    this.#isCut = true
    if (this.#kind.canRestart) await this.#read()
  }

  /** A copy of a file with a shorter fingerprint is shipped again. The rest of the log is seen, and not read. */
  async #readAFingerprint(): Promise<void> {
    this.#write(60)
    for (let turns = 0; turns < 2; turns++) await this.#readSome(Infinity)
    this.#world.clock.advance(1)
    this.#write(10)
    await this.#world.generations.inspection.check(this.#world.file('a.log'))
  }

  #copyName(): string {
    this.#cuts++
    if (!this.#kind.isNamed) return `b-${this.#cuts}.log`
    const nameOf = (n: number): string => this.#world.path(`a.log.${n}`)
    for (let n = this.#cuts; n > 0; n--) if (existsSync(nameOf(n))) renameSync(nameOf(n), nameOf(n + 1))
    return 'a.log.1'
  }

  async #startAgain(): Promise<void> {
    if (!this.#kind.canRestart) return
    this.#world = await this.#world.restart(this.#ending)
    this.#worlds.push(this.#world)
    await this.#world.lookAndRead()
  }
}

for (const [name, kind] of Object.entries({
  'named like its original': { isNamed: true, canRestart: false },
  'of any name': { isNamed: false, canRestart: false },
  'named like its original, over restarts': { isNamed: true, canRestart: true },
})) {
  void test(`ships or counts as lost every byte of a file that is copied and cut, with copies ${name}`, async (t) => {
    const happens = async (steps: readonly Step[]): Promise<void> => {
      const story = await Story.begin(t, kind)
      for (const one of steps) await story.take(one)
      await story.finish()
    }
    const stories = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })
    await fc.assert(fc.asyncProperty(stories, happens), seeded(t, 60))
  })
}
