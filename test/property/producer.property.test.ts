/**
 * The whole producer over a Kafka in memory that misbehaves: whatever is appended in whatever order, and whatever
 * happens to the requests, everything is stored once all is well again. Files wait until the producer reports room
 * (test/support/shipper.ts), so a lost wake-up shows as a file that is never finished.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import type { Mode } from '../../src/output/producer/sequence.ts'
import { smallMemory } from '../support/made-file.ts'
import { seeded } from '../support/seed.ts'
import { Shipper } from '../support/shipper.ts'
import { VirtualTime } from '../support/virtual-time.ts'

const PARTITIONS = 5
const NODES = [1, 2] as const
const HEALTHY = [1, 2, 1, 2, 1]

type Event =
  | readonly ['write', file: number, count: number, length: number]
  | readonly ['pass', milliseconds: number]
  | readonly ['respond' | 'serve' | 'lose', node: number]
  | readonly ['fail', node: number, code: number]
  | readonly ['lead', partition: number, node: number]
  | readonly ['down', node: number, down: boolean]
  | readonly ['limit', partition: number, bytes: number]
  | readonly ['ids', held: boolean]
  | readonly ['remake']

const only = <T extends string>(text: T): fc.Arbitrary<T> => fc.constant(text)
const node = fc.constantFrom(...NODES)
const often = (weight: number, arbitrary: fc.Arbitrary<Event>): fc.WeightedArbitrary<Event> => ({ weight, arbitrary })

const length = fc.oneof(fc.nat(50), fc.nat(3000), fc.integer({ min: 10_000, max: 70_000 }))

const usual = [
  often(12, fc.tuple(only('write'), fc.nat(7), fc.oneof(fc.nat(3), fc.nat(60)), length)),
  often(8, fc.tuple(only('pass'), fc.oneof(fc.nat(6), fc.nat(60)))),
  often(8, fc.tuple(only('respond'), node)),
  often(2, fc.tuple(only('serve'), node)),
]

const unusual = [
  often(2, fc.tuple(only('fail'), node, fc.constantFrom(6, 19, 7, 3))),
  often(2, fc.tuple(only('lose'), node)),
  often(2, fc.tuple(only('lead'), fc.nat(PARTITIONS - 1), fc.constantFrom(-1, ...NODES))),
  often(1, fc.tuple(only('down'), node, fc.boolean())),
  often(1, fc.tuple(only('limit'), fc.nat(PARTITIONS - 1), fc.constantFrom(300, 5000, 40_000, 200_000))),
  often(1, fc.tuple(only('ids'), fc.boolean())),
  often(1, fc.tuple(only('remake'))),
]

/** One sequence of events over a {@link Shipper} and its Kafka, and what must hold at its end. */
class Story {
  readonly shipper: Shipper
  readonly #leaders = [...HEALTHY]
  #lines = 0

  constructor(shipper: Shipper) {
    this.shipper = shipper
    shipper.kafka.automatic = false
  }

  async happen(event: Event): Promise<void> {
    const { kafka, time } = this.shipper
    switch (event[0]) {
      case 'write': {
        const [, file, count, length] = event
        // a few large lines test as much as many
        const lines = Math.min(count, Math.ceil(100_000 / (length + 1)))
        const texts = Array.from({ length: lines }, () => `${this.#lines++}:`.padEnd(length, 'x'))
        // two files share a partition, some have no fixed one
        this.shipper.write(`f${file}`, file < PARTITIONS + 1 ? file % PARTITIONS : 'sticky', texts)
        break
      }
      case 'pass':
        await time.pass(event[1])
        break
      case 'respond':
        kafka.pending.find((request) => request.node === event[1])?.respond()
        break
      case 'serve':
        kafka.pending.find((request) => request.node === event[1])?.serve()
        break
      case 'fail':
        this.#fail(event[1], event[2])
        break
      case 'lose':
        // the connection is gone: all requests on it are lost
        for (const request of kafka.pending.filter((request) => request.node === event[1])) request.lose('request')
        break
      case 'lead':
        this.#leaders[event[1]] = event[2]
        kafka.setLeaders('logs', this.#leaders)
        break
      case 'down':
        kafka.setDown(event[1], event[2])
        break
      case 'limit':
        kafka.log('logs', event[1]).maxBatchBytes = event[2]
        break
      case 'remake':
        // Requests under way could reach the new log in any order, and the producer could not know.
        if (kafka.pending.length === 0) kafka.remakeTopic('logs', this.#leaders)
        break
      case 'ids':
        if (event[1]) kafka.idsHeld = true
        else kafka.releaseIds()
        break
    }
    await time.runDue(2)
  }

  /** Code 7 (REQUEST_TIMED_OUT) comes after the batch was stored, the other codes before. */
  #fail(node: number, code: number): void {
    const request = this.shipper.kafka.pending.find((request) => request.node === node)
    if (code === 7) request?.serve()
    if (code === 7 || request?.isServed === false) request?.fail(code)
  }

  async end(): Promise<void> {
    const { shipper } = this
    const { kafka } = shipper
    kafka.automatic = true
    kafka.releaseIds()
    for (const node of NODES) kafka.setDown(node, false)
    for (let partition = 0; partition < PARTITIONS; partition++) kafka.log('logs', partition).maxBatchBytes = Infinity
    for (const request of [...kafka.pending]) request.respond()
    kafka.setLeaders('logs', HEALTHY)
    await shipper.finish()
    this.#check()
  }

  #check(): void {
    const { shipper } = this
    let repeats = 0
    const seen = new Set<number>()
    /** By topic that had the name: a record of a log that is gone is no repeat in the next one. */
    const there: Set<number>[] = []
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const last = new Map<string, number>()
      for (const [topic, values] of shipper.kafka.everStored('logs', partition).entries()) {
        const here = (there[topic] ??= new Set())
        for (const id of values.map((value) => Number(value.split(':')[0]))) {
          if (here.has(id)) repeats++
          here.add(id)
          if (seen.has(id)) continue
          seen.add(id)
          const file = shipper.writerOf(id)
          assert.ok(id > (last.get(file) ?? -1), `line ${id} of ${file} is out of order in partition ${partition}`)
          last.set(file, id)
        }
      }
    }
    const dropped = shipper
      .reported('recordTooLarge')
      .filter(([what]) => JSON.stringify(what).includes('"drop"')).length
    const missing = this.#lines - seen.size
    assert.ok(missing <= dropped, `${missing} lines are missing, ${dropped} were reported as dropped`)
    assert.ok(repeats <= shipper.possibleRepeats, `${repeats} repeats, ${shipper.possibleRepeats} counted`)
  }
}

describe('the producer', () => {
  const memory = smallMemory({ buffers: 6, chunk: 320 * 1024 })

  for (const [mode, count] of [
    ['idempotent', 250],
    ['one-in-flight', 100],
  ] as const satisfies readonly (readonly [Mode, number])[]) {
    test(`stores everything in the end, ${mode}`, async (t) => {
      // before VirtualTime replaces the clock
      const parameters = seeded(t, count)
      const time = new VirtualTime(t)
      const settings = fc.record({
        lingerMs: fc.constantFrom(0, 5, 50),
        tooLarge: fc.constantFrom('cut' as const, 'drop' as const),
        leaderlessMs: fc.constantFrom(30, 10_000),
      })
      const events = fc.array(fc.oneof(...usual, ...unusual), { minLength: 5, maxLength: 80, size: 'max' })
      await fc.assert(
        fc.asyncProperty(settings, events, async (choice, events) => {
          const shipper = new Shipper(t, { ...choice, mode, time, memory, topics: { logs: HEALTHY } })
          const story = new Story(shipper)
          try {
            for (const event of events) await story.happen(event)
            await story.end()
          } finally {
            await shipper.producer.close()
          }
        }),
        parameters,
      )
    })
  }
})
