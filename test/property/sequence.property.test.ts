/**
 * The producer state of a lane against a broker's rules for idempotent producers, under everything that a network, a
 * cluster and a topic's settings can do to it. The broker's rules, per partition (Kafka 4.0; test/support/fake-log.ts):
 * - for each producer id the newest epoch is known: an older one is INVALID_PRODUCER_EPOCH, a newer one begins at 0;
 * - the first batch of an unknown producer id is accepted, with any sequence;
 * - the last five batches are remembered: an exact repeat is success, with the offset it has (or
 *   DUPLICATE_SEQUENCE_NUMBER); any other batch that does not follow is OUT_OF_ORDER_SEQUENCE_NUMBER;
 * - sequences are 31 bits and wrap around.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { decodeRecord, encodeRecord } from '../../src/encode/records.ts'
import type { CutRecord } from '../../src/flow.ts'
import type { LinearMemory } from '../../src/kernel/memory.ts'
import { BatchMemory } from '../../src/output/producer/batch-memory.ts'
import type { Batch } from '../../src/output/producer/batch.ts'
import { Lane } from '../../src/output/producer/lane.ts'
import { Oversize } from '../../src/output/producer/oversize.ts'
import type { ItemResponse } from '../../src/output/transport.ts'
import { Outcomes } from '../../src/output/producer/outcome.ts'
import { MadeFile, smallMemory } from '../support/made-file.ts'
import { PartitionWorld, type Serving, Wire } from '../support/partition-world.ts'
import { seeded } from '../support/seed.ts'

/** Codes before an append: NOT_ENOUGH_REPLICAS; sequence and producer refused for no known reason. */
const BEFORE = [19, 19, 19, 45, 59, 47] as const
/** Codes after an append: NOT_LEADER_OR_FOLLOWER (a former leader), REQUEST_TIMED_OUT, NOT_ENOUGH_REPLICAS_AFTER_APPEND */
const AFTER = [6, 7, 20] as const
const LAST_EPOCH = 2 ** 15 - 1
const SEQUENCES = 2 ** 31

const idOf = (value: string): number => Number(value.split(':')[0])

interface Settings {
  readonly epoch: number
  readonly tooLarge: 'cut' | 'drop'
  readonly left: number
}

interface Sent {
  readonly batch: Batch
  /** Producer id and epoch. */
  readonly epoch: string
  /** How often the producer knew, when it sent this, that the topic was created again. */
  readonly remakes: number
}

/**
 * One sequence of events over a lane, the judge of its outcomes, and a world to send to. Each event is a method, which
 * checks what must hold then.
 */
class Story {
  readonly #file: MadeFile
  readonly #lane: Lane
  readonly #outcomes: Outcomes
  readonly world = new PartitionWorld<Sent>()
  #wires: Wire<Sent>[] = [new Wire(0)]
  #lines = 0
  #nextId = 100
  #epoch: number
  readonly #stored: number[] = []
  readonly #settled = new Set<number>()
  readonly #repeats = new Map<number, number>()
  /** Records that may be in the log although the producer does not know it. */
  readonly #doubtful = new Set<number>()
  /** Producer ids with their epochs, in the order of their use. */
  readonly #epochs: string[] = []
  /** The epoch in which a record was refused for good: it cannot be used any more. */
  #leftBehind = ''
  /** Which record had which epoch and sequence, ever. */
  readonly #numbered = new Map<string, number>()
  readonly #confirmed = new Set<string>()
  #remakes = 0
  /**
   * The broker has lost its producer state while something was under way, or the topic was created again: it then
   * accepts anything, also repeats and holes.
   */
  amnesia = false
  #giant: Batch | null = null
  #failed = false
  #probe: Batch | null = null

  constructor(memory: LinearMemory, settings: Settings) {
    this.#epoch = settings.epoch
    this.#file = new MadeFile(memory, 'file')
    const buffers = new BatchMemory(memory.pool, () => undefined)
    this.#lane = new Lane({
      ...{ topic: 'logs', partition: 0, memory, quota: buffers.quota(), mode: 'idempotent', batchMaxBytes: 16_000 },
      tooLarge: 'cut',
      onRepeats: (batch, records) => {
        for (const id of this.#idsOf(batch).slice(0, records)) {
          assert.ok(this.#doubtful.delete(id), `a repeat of record ${id} is counted, and its outcome is known`)
          this.#repeats.set(id, (this.#repeats.get(id) ?? 0) + 1)
        }
      },
    })
    const events = {
      batchStored() {},
      batchRetried() {},
      batchRefused() {},
      batchSplit() {},
      recordTooLarge() {},
      recordTruncated() {},
    }
    this.#outcomes = new Outcomes({
      ...{ transport: { refresh() {} }, mode: 'idempotent', events, retry: { minMs: 1, maxMs: 1 } },
      ...{ now: () => 0, random: () => 0, stopped: new AbortController().signal },
      oversize: new Oversize({ tooLarge: settings.tooLarge, compression: 'none', events, cutRecord, now: () => 0 }),
      seal: (_lane, batch) => void (batch.ready = true),
      onReceipt: (piece, outcome) => {
        for (const id of piece.ranges.flatMap(({ start, end }) => this.#file.linesIn(start, end).map(idOf))) {
          this.#doubtful.delete(id)
          if (outcome === 'stored') this.#stored.push(id)
          else this.#settled.add(id)
        }
        if (outcome === 'settled') {
          assert.equal(this.#lane.sequence.inFlight, 0, 'a record left while something was in flight')
          this.#leftBehind = this.#epochs.at(-1)!
        }
      },
    })
  }

  #idsOf(batch: Batch): number[] {
    return batch.pieces
      .flatMap(({ ranges }) => ranges)
      .flatMap(({ start, end }) => this.#file.linesIn(start, end).map(idOf))
  }

  /** Seals a batch of records of these lengths, or several where the learned limit is lower. Returns the last one. */
  fill(lengths: readonly number[]): Batch | null {
    if (this.#lane.queue.length > 12) return null
    this.#file.write(...lengths.map((length) => `${this.#lines++}:${'x'.repeat(length)}`))
    let batch: Batch | null = null
    while (this.#file.waiting > 0) {
      assert.ok(this.#lane.makeRoom())
      this.#file.appendTo(this.#lane, 0)
      batch = this.#lane.seal()!
      batch.ready = true
    }
    return batch
  }

  /** Seals a batch of one record that counts as `records` records: the sequences wrap around after it. */
  fillUp(records: number): void {
    const batch = this.fill([1])!
    batch.records = batch.sending = records
    this.#giant = batch
  }

  /** Sends the next batch, if one may be sent. */
  send(): boolean {
    const { sequence, queue } = this.#lane
    this.#outcomes.dropRefused(this.#lane)
    if (queue.length === 0) return false
    if (sequence.needsProducer) sequence.adopt({ id: this.#nextId++, epoch: this.#epoch })
    this.#epoch = 0
    const batch = sequence.next(queue)
    if (batch === null) return false
    const ahead = sequence.inFlight
    const stamp = sequence.send(batch)
    const bytes = Buffer.concat(batch.stamp(stamp))
    const epoch = `${stamp.producerId}/${stamp.epoch}`
    assert.notEqual(epoch, this.#leftBehind, 'the epoch of a refused record, whose sequence is missing')
    if (this.#epochs.at(-1) !== epoch) this.#epochs.push(epoch)
    for (const before of queue.slice(0, queue.indexOf(batch))) {
      assert.equal(before.sending, before.records, 'a batch overtakes the rest of another')
    }
    assert.ok(ahead < 5, 'more than five in flight')
    if (ahead > 0) assert.ok(this.#confirmed.has(epoch), 'a second batch before the first one of its epoch is stored')
    if (this.#failed) {
      assert.equal(batch, queue[0], 'after a failure another batch than the lowest')
      assert.equal(ahead, 0, 'after a failure a second batch')
      this.#probe = batch
    }
    const ids = batch === this.#giant ? [] : this.#idsOf(batch).slice(0, batch.sending)
    for (const [index, id] of ids.entries()) {
      const number = `${epoch}/${(stamp.sequence + index) % SEQUENCES}`
      assert.equal(this.#numbered.get(number) ?? id, id, `${number} for two records`)
      this.#numbered.set(number, id)
    }
    this.#wires.at(-1)!.requests.push({ tag: { batch, epoch, remakes: this.#remakes }, bytes })
    return true
  }

  serve(wire: number, how: Serving, code: number): void {
    this.world.serve(this.#wires[wire % this.#wires.length]!, how, code)
  }

  /** The oldest response on the wire arrives. */
  deliver(wire: number): void {
    const { answers } = this.#wires[wire % this.#wires.length]!
    const delivery = answers.shift()
    if (delivery !== undefined) this.#judge(delivery.tag, delivery.answer)
    this.#tidy()
  }

  #judge({ batch, epoch, remakes }: Sent, answer: ItemResponse): void {
    const good = answer.kind === 'response' && (answer.code === 0 || answer.code === 46)
    if (good) {
      if (remakes === this.#remakes) this.#confirmed.add(epoch)
      if (this.#probe === batch) this.#failed = false
    } else {
      this.#failed = true
      const doubtful = answer.kind === 'no-response' ? answer.maybeSent : AFTER.some((code) => code === answer.code)
      if (doubtful) for (const id of this.#idsOf(batch).slice(0, batch.sending)) this.#doubtful.add(id)
    }
    this.#probe = null
    this.#outcomes.apply(this.#lane, batch, answer)
  }

  break(wire: number, maybeSent: number, zombies: boolean): void {
    const broken = this.#wires[wire % this.#wires.length]!
    const index = this.#wires.indexOf(broken)
    this.#wires[index] = new Wire(broken.term)
    for (const { tag, answer } of this.world.break(broken, maybeSent, () => zombies)) this.#judge(tag, answer)
    this.#tidy()
  }

  /** Metadata has the current leader: later requests go there, and requests under way stay where they are. */
  refresh(): void {
    if (this.#wires.at(-1)!.term !== this.world.term) this.#wires.push(new Wire(this.world.term))
    this.#tidy()
  }

  #tidy(): void {
    const last = this.#wires.at(-1)!
    this.#wires = this.#wires.filter((wire) => wire === last || !wire.isEmpty)
  }

  /** Another producer uses this producer id with the highest epoch there is. */
  fence(): void {
    const [producerId, epoch] = (this.#epochs.at(-1) ?? '').split('/').map(Number)
    if (producerId !== undefined && epoch !== undefined && epoch < LAST_EPOCH) this.world.fence(producerId, LAST_EPOCH)
  }

  get isIdle(): boolean {
    return this.#lane.queue.length === 0 && this.#wires.every((wire) => wire.isEmpty) && this.world.isQuiet
  }

  /** The topic is deleted and created again, and the producer notices it at once, or never. */
  remake(leads: boolean, isHeardOf: boolean): void {
    if (!this.isIdle || !isHeardOf) this.amnesia = true
    this.world.remake(leads)
    if (!isHeardOf) return
    this.#lane.sequence.doubt()
    this.#confirmed.clear()
    this.#remakes++
  }

  forget(): void {
    this.amnesia = true
    this.world.forget()
  }

  /** From here on nothing goes wrong: everything must be stored within a bounded number of steps. */
  end(): void {
    this.world.heal()
    const bound = 40 + 20 * this.#lane.queue.length + 10 * this.#lines
    for (let step = 0; this.#lane.queue.length > 0; step++) {
      assert.ok(step < bound, `not stored after ${bound} steps: ${this.#lane.queue.length} batches left`)
      this.refresh()
      this.send()
      for (let wire = 0; wire < this.#wires.length; wire++) {
        this.serve(wire, 'well', 0)
        this.deliver(wire)
      }
    }
    this.#check()
  }

  clear(): void {
    this.#lane.clear()
  }

  #check(): void {
    const times = new Map<number, number>()
    const first: number[] = []
    for (const id of this.world
      .values()
      .map(idOf)
      .filter((id) => id >= 0)) {
      // a settled record can still appear in the log: an earlier request with it had no response
      if (!times.has(id) && !this.#settled.has(id)) first.push(id)
      times.set(id, (times.get(id) ?? 0) + 1)
    }
    const stored = [...this.#stored].sort((a, b) => a - b)
    assert.deepEqual(
      [...stored, ...this.#settled].sort((a, b) => a - b),
      Array.from({ length: this.#lines }, (_, index) => index),
      'each record is reported once, as stored or as settled',
    )
    for (const id of stored) assert.ok(times.has(id), `record ${id} was acknowledged and is not in the log`)
    if (this.amnesia) return
    for (const [id, count] of times) {
      const counted = this.#repeats.get(id) ?? 0
      assert.ok(count - 1 <= counted, `record ${id} is there ${count} times, and ${counted} repeats were counted`)
    }
    assert.deepEqual(
      first,
      [...first].sort((a, b) => a - b),
      'out of order',
    )
  }
}

/** Keeps the number at the front and cuts the padding. */
function cutRecord(bytes: Uint8Array, maxBytes: number): CutRecord | null {
  const record = decodeRecord(bytes)
  const value = Buffer.from(record.value ?? [])
  const over = bytes.length - maxBytes
  const kept = value.length - over
  if (kept <= value.indexOf(':')) return null
  return { bytes: encodeRecord({ ...record, value: value.subarray(0, kept) }), cutBytes: over, wasWhole: true }
}

const lengths = fc.array(fc.oneof(fc.nat(10), fc.nat(300)), { minLength: 1, maxLength: 6 })
const wire = fc.nat(2)

/** A method of {@link Story} and its arguments, as plain data: a counterexample is printed so. */
type Event =
  | readonly ['fill', readonly number[]]
  | readonly ['send' | 'refresh' | 'forget' | 'fence']
  | readonly ['deliver' | 'zombie' | 'move' | 'limit', number]
  | readonly ['serve', number, Serving, number]
  | readonly ['break', number, number, boolean]
  | readonly ['remake', boolean, boolean]

function happen(story: Story, event: Event): void {
  switch (event[0]) {
    case 'fill':
      return void story.fill(event[1])
    case 'send':
      return void story.send()
    case 'refresh':
      return story.refresh()
    case 'fence':
      return story.fence()
    case 'forget':
      return story.forget()
    case 'deliver':
      return story.deliver(event[1])
    case 'zombie':
      return story.world.serveZombie(event[1])
    case 'move':
      return story.world.move(event[1])
    case 'limit':
      return void (story.world.maxBatchBytes = event[1])
    case 'serve':
      return story.serve(event[1], event[2], event[3])
    case 'break':
      return story.break(event[1], event[2], event[3])
    case 'remake':
      return story.remake(event[1], event[2])
  }
}

const often = (weight: number, arbitrary: fc.Arbitrary<Event>): fc.WeightedArbitrary<Event> => ({ weight, arbitrary })
const only = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name)

const ordinary = [
  often(8, fc.tuple(only('fill'), lengths)),
  often(14, fc.tuple(only('send'))),
  often(10, fc.tuple(only('serve'), wire, fc.constant<Serving>('well'), fc.constant(0))),
  often(12, fc.tuple(only('deliver'), wire)),
  often(2, fc.tuple(only('refresh'))),
]

const trouble = [
  often(2, fc.tuple(only('serve'), wire, fc.constant<Serving>('error-before'), fc.constantFrom(...BEFORE))),
  often(2, fc.tuple(only('serve'), wire, fc.constant<Serving>('error-after'), fc.constantFrom(...AFTER))),
  often(1, fc.tuple(only('serve'), wire, fc.constant<Serving>('duplicate-code'), fc.constant(0))),
  often(2, fc.tuple(only('break'), wire, fc.nat(5), fc.boolean())),
  often(1, fc.tuple(only('zombie'), fc.nat(5))),
  often(1, fc.tuple(only('move'), fc.nat(5))),
  often(1, fc.tuple(only('fence'))),
  often(1, fc.tuple(only('limit'), fc.constantFrom(Infinity, 90, 130, 200, 400))),
]

const settings = fc.record({
  epoch: fc.oneof(
    fc.constant(0),
    fc.nat(2).map((bumps) => LAST_EPOCH - bumps),
  ),
  tooLarge: fc.constantFrom('cut' as const, 'drop' as const),
  /** How many sequences are left before they wrap around; 0: all. */
  left: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 20 })),
})

const eventsOf = (...parts: readonly fc.WeightedArbitrary<Event>[]): fc.Arbitrary<Event[]> =>
  fc.array(fc.oneof(...parts), { minLength: 20, maxLength: 200, size: 'max' })

describe('the producer state of a lane', () => {
  const memory = smallMemory()
  const run = (choice: Settings, events: readonly Event[]): void => {
    const story = new Story(memory, choice)
    try {
      if (choice.left > 0) story.fillUp(SEQUENCES - choice.left)
      for (const event of events) happen(story, event)
      story.end()
    } finally {
      story.clear()
    }
    assert.equal(memory.pool.freeBytes, memory.pool.total, 'memory is missing')
  }

  test('loses nothing, keeps the order and repeats nothing uncounted, whatever happens to its requests', (t) => {
    fc.assert(fc.property(settings, eventsOf(...ordinary, ...trouble), run), seeded(t, 1500))
  })

  test('keeps the order and repeats nothing uncounted when the topic is created again while it is idle', (t) => {
    const idle = often(2, fc.tuple(only('remake'), fc.boolean(), fc.constant(true)))
    const whenIdle = (choice: Settings, events: readonly Event[]): void => {
      const story = new Story(memory, choice)
      try {
        for (const event of events) if (event[0] !== 'remake' || story.isIdle) happen(story, event)
        assert.equal(story.amnesia, false)
        story.end()
      } finally {
        story.clear()
      }
    }
    fc.assert(fc.property(settings, eventsOf(...ordinary, ...trouble, idle), whenIdle), seeded(t, 1000))
  })

  test('loses nothing and does not hang, whenever the topic is created again', (t) => {
    const anytime = often(2, fc.tuple(only('remake'), fc.boolean(), fc.boolean()))
    fc.assert(fc.property(settings, eventsOf(...ordinary, ...trouble, anytime), run), seeded(t, 800))
  })

  test('loses nothing and does not hang, even when brokers forget its producer id', (t) => {
    const forgetful = often(2, fc.tuple(only('forget')))
    fc.assert(fc.property(settings, eventsOf(...ordinary, ...trouble, forgetful), run), seeded(t, 800))
  })
})
