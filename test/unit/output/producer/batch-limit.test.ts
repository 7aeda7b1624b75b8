/**
 * How large batches are where the broker accepts less than the setting: first with the whole producer, then the limit
 * alone.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { BatchLimit } from '../../../../src/output/producer/batch-limit.ts'
import { Batch } from '../../../../src/output/producer/batch.ts'
import { smallMemory } from '../../../support/made-file.ts'
import { seeded } from '../../../support/seed.ts'
import { Shipper } from '../../../support/shipper.ts'

const MOST = 100_000
/**
 * Little more than an eighth of the setting: after three halvings there is no room for an inexact estimate of the
 * number of records.
 */
const SMALL = 12_700

/** Writes numbered lines of 20 to 100 bytes to one file, at a rate per second. */
class Writer {
  readonly #shipper: Shipper
  readonly all: string[] = []
  #lines = 0

  constructor(shipper: Shipper) {
    this.#shipper = shipper
  }

  write(count: number): void {
    const more = Array.from({ length: count }, () =>
      `${this.#lines}:`.padEnd(20 + ((7919 * (this.#lines++ >> 5)) % 81), 'x'),
    )
    this.all.push(...more)
    this.#shipper.write('a', 0, more)
  }

  async goOn(count: number, seconds = 1): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.write(count)
      await this.#shipper.time.pass(10)
      await this.#shipper.time.jump(990)
    }
  }
}

/** A shipper to a topic that accepts less. */
function small(...args: ConstructorParameters<typeof Shipper>): Shipper {
  const shipper = new Shipper(...args)
  shipper.kafka.log('logs', 0).maxBatchBytes = SMALL
  return shipper
}

const refusals = (shipper: Shipper): number => shipper.reported('batchSplit').length
const sizes = (shipper: Shipper): number[] => shipper.kafka.log('logs', 0).batches.map(({ bytes }) => bytes.length)

describe('batches for a topic that accepts less than the setting', () => {
  test('are as large as before soon after the topic accepts more again', async (t) => {
    const shipper = small(t)
    const writer = new Writer(shipper)
    await writer.goOn(3000, 60)
    const small60 = sizes(shipper).length
    const refused = refusals(shipper)
    assert.ok(sizes(shipper).every((bytes) => bytes <= SMALL))
    shipper.kafka.log('logs', 0).maxBatchBytes = 1_000_000
    await writer.goOn(3000, 60)
    const raised = sizes(shipper).slice(small60)
    assert.ok(raised.slice(-20).filter((bytes) => bytes > 0.95 * MOST).length > 8, `${raised.slice(-20).join()}`)
    assert.equal(refusals(shipper), refused)
    await shipper.finish()
    assert.deepEqual(shipper.kafka.values('logs', 0), writer.all)
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('cost few refusals where the topic stays as it is', async (t) => {
    const shipper = small(t)
    const writer = new Writer(shipper)
    await writer.goOn(3000)
    const learned = refusals(shipper)
    assert.ok(learned < 12, `${learned} to learn it`)
    await writer.goOn(400, 1200)
    const more = refusals(shipper) - learned
    assert.ok(more >= 5 && more <= 7, `${more} in twenty minutes`)
    await shipper.finish()
    assert.deepEqual(shipper.kafka.values('logs', 0), writer.all)
  })

  test('have at least half of what the topic accepts', async (t) => {
    const shipper = small(t)
    const writer = new Writer(shipper)
    await writer.goOn(3000, 10)
    const full = sizes(shipper).slice(-100)
    assert.ok(full.filter((bytes) => bytes >= SMALL / 2).length > 80, `${full.join()}`)
    await shipper.finish()
  })

  test('are tried larger one at a time', async (t) => {
    const shipper = small(t)
    const { kafka } = shipper
    const writer = new Writer(shipper)
    await writer.goOn(1000, 2)
    const limit = shipper.producer.lane('logs', 0)!.limit.safe
    await shipper.time.jump(10_000)
    // after a pause one batch is sent alone
    writer.write(1)
    await shipper.time.pass(10)
    kafka.automatic = false
    writer.write(1000)
    await shipper.time.pass(10)
    const sent = kafka.pending.flatMap(({ batches }) => batches.map(({ length }) => length))
    assert.equal(sent.length, 5)
    assert.equal(sent.filter((bytes) => bytes > limit).length, 1, `${sent.join()}, and ${limit} are known to be taken`)
    kafka.automatic = true
    for (const request of [...kafka.pending]) request.respond()
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), writer.all)
  })

  test('that were sealed before the limit was known are not sent whole', async (t) => {
    const shipper = new Shipper(t, { memory: smallMemory({ buffers: 64 }) })
    const { kafka, time } = shipper
    const writer = new Writer(shipper)
    await writer.goOn(10)
    kafka.setDown(1, true)
    await writer.goOn(20_000)
    kafka.log('logs', 0).maxBatchBytes = SMALL
    kafka.setDown(1, false)
    await time.until(() => shipper.done)
    assert.ok(refusals(shipper) <= 5 + 4, `${refusals(shipper)}: five in flight, and halving one`)
    await shipper.finish()
    assert.deepEqual(kafka.values('logs', 0), writer.all)
  })
})

describe('the limit of a lane', () => {
  const memory = smallMemory()

  /** A batch of this size. */
  function batchOf(bytes: number): Batch {
    const buffer = { address: 0, bytes: MOST, sizeClass: 'large', parent: null, busy: 0 } as const
    const batch = new Batch(memory, { ...buffer })
    batch.end = bytes
    batch.records = batch.sending = Math.max(1, Math.floor(bytes / 60))
    return batch
  }

  /** Seal a batch that is filled to the limit, and give the response of a broker that accepts this many bytes. */
  function ship(limit: BatchLimit, takes: number, now: number): { bytes: number; isRefused: boolean } {
    limit.opened([], now)
    const batch = batchOf(limit.reach)
    limit.sealed(batch)
    const { bytes } = batch
    if (bytes <= takes) limit.stored(bytes, false)
    else limit.refused({ batch, bytes, next: Math.ceil(bytes / 2), now })
    return { bytes, isRefused: bytes > takes }
  }

  test('follows the limit of the broker, up and down, with few refusals', (t) => {
    const phases = fc.array(fc.integer({ min: 1100, max: 2 * MOST }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(phases, fc.integer({ min: 50, max: 5000 }), (phases, everyMs) => {
        const limit = new BatchLimit(MOST)
        let now = 0
        for (const takes of phases) {
          let refusals = 0
          const until = now + 1_300_000
          for (; now < until; now += everyMs) if (ship(limit, takes, now).isRefused) refusals++
          assert.ok(refusals <= 7 + 9, `${refusals} refusals in 20 minutes`)
          assert.ok(limit.safe <= takes && limit.safe >= Math.min(MOST, takes) / 2, `${limit.safe} of ${takes}`)
        }
      }),
      seeded(t, 100),
    )
  })

  test('does not wait for a probe that has moved to another partition', () => {
    const limit = new BatchLimit(MOST)
    ship(limit, SMALL, 0)
    const { safe } = limit
    limit.opened([], 60_000)
    const probe = batchOf(safe + 1)
    limit.sealed(probe)
    limit.opened([probe], 60_001)
    assert.equal(limit.reach, safe)
    limit.opened([], 60_002)
    assert.equal(limit.reach, 2 * safe)
  })

  test('learns nothing from a larger record that is refused, but from one that is stored that batches may be as large', () => {
    const limit = new BatchLimit(MOST)
    while (limit.safe > SMALL) ship(limit, SMALL, 0)
    const { safe } = limit
    const large = batchOf(5 * safe)
    limit.refused({ batch: large, bytes: large.bytes, next: 2 * safe, now: 60_000 })
    limit.opened([], 60_000)
    assert.equal(limit.reach, 2 * safe, 'the pause is not longer')
    limit.stored(large.bytes, true)
    assert.equal(limit.safe, 2 * safe, 'it may compress better than others')
    limit.stored(large.bytes, false)
    assert.equal(limit.safe, 5 * safe)
  })
})
