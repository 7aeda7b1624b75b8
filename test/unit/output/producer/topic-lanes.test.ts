/** A topic that is deleted and created anew under its name, as the broker's logs see it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { NO_TOPIC_ID } from '../../../../src/output/transport.ts'
import { Shipper, lines } from '../../../support/shipper.ts'

/**
 * A shipper with one line stored, so that several batches may be in flight. From then on requests get no response by
 * themselves.
 */
async function warm(...args: ConstructorParameters<typeof Shipper>): Promise<Shipper> {
  const shipper = new Shipper(...args)
  shipper.write('a', 0, ['first'])
  await shipper.time.pass(6)
  shipper.kafka.automatic = false
  return shipper
}

/** Write `count` lines, each of which is a batch of its own. */
async function launch(shipper: Shipper, name: string, count = 3): Promise<void> {
  for (let i = 0; i < count; i++) {
    shipper.write('a', 0, [`${name} ${i}`])
    await shipper.time.pass(6)
  }
}

async function finish(shipper: Shipper): Promise<void> {
  shipper.kafka.automatic = true
  for (const request of [...shipper.kafka.pending]) request.respond()
  await shipper.finish()
}

describe('when a topic is created anew', () => {
  test('one batch is sent first, alone, so that no later one is stored before it', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    kafka.remakeTopic('logs', [1])
    await launch(shipper, 'new')
    assert.deepEqual(kafka.pending.map(({ values }) => values.flat()), [['new 0']]) // prettier-ignore
    // the replicas of the new topic are not there yet
    kafka.pending[0]!.fail(19)
    await time.until(() => kafka.pending.length > 0)
    kafka.pending[0]!.respond()
    await time.pass(6)
    await launch(shipper, 'next')
    assert.equal(kafka.pending.length, 4, 'once one is stored, others follow it without waiting')
    await finish(shipper)
    assert.deepEqual(kafka.values('logs', 0), ['new 0', 'new 1', 'new 2', 'next 0', 'next 1', 'next 2'])
    assert.equal(shipper.possibleRepeats, 0)
  })

  test('the outcome of batches in flight is awaited first, and then one batch is sent alone', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 'old')
    kafka.pending[0]!.respond()
    await time.runDue()
    kafka.remakeTopic('logs', [1])
    await launch(shipper, 'new')
    assert.equal(kafka.pending.length, 2, 'nothing is sent that could overtake them')
    for (const request of [...kafka.pending]) request.fail(3)
    await time.until(() => kafka.pending.length > 0)
    assert.deepEqual(kafka.pending.map(({ values }) => values.flat()), [['old 1']]) // prettier-ignore
    kafka.pending[0]!.respond()
    await time.pass(6)
    assert.equal(kafka.pending.length, 2)
    await finish(shipper)
    assert.deepEqual(kafka.values('logs', 0), ['old 1', 'old 2', 'new 0', 'new 1', 'new 2'])
  })

  test('responses to requests sent before say nothing of the new log', async (t) => {
    const shipper = await warm(t)
    const { kafka, time } = shipper
    await launch(shipper, 'old')
    for (const request of kafka.pending) request.serve()
    kafka.remakeTopic('logs', [1])
    for (const request of [...kafka.pending]) request.respond()
    await time.runDue()
    await launch(shipper, 'new')
    assert.deepEqual(kafka.pending.map(({ values }) => values.flat()), [['new 0']]) // prettier-ignore
    await finish(shipper)
  })

  test('the same holds where topics have no ids, if the topic was seen to be missing', async (t) => {
    const shipper = new Shipper(t)
    const { kafka, time } = shipper
    const view = kafka.view.bind(kafka)
    kafka.view = (topic) => {
      const seen = view(topic)
      return seen === null ? null : { ...seen, id: NO_TOPIC_ID }
    }
    shipper.write('a', 0, ['first'])
    await time.pass(6)
    kafka.automatic = false
    kafka.setLeaders('logs', [2])
    await launch(shipper, 'moved')
    assert.equal(kafka.pending.length, 3, 'another leader is no other topic')
    for (const request of [...kafka.pending]) request.respond()
    await time.runDue()
    kafka.deleteTopic('logs')
    kafka.setLeaders('logs', [2])
    await launch(shipper, 'new')
    assert.equal(kafka.pending.length, 1)
    await finish(shipper)
    assert.deepEqual(kafka.values('logs', 0), ['new 0', 'new 1', 'new 2'])
  })

  test('larger batches are tried at once', async (t) => {
    const shipper = new Shipper(t)
    const { kafka, time } = shipper
    kafka.log('logs', 0).maxBatchBytes = 10_000
    shipper.write('a', 0, lines(3000, { length: 60 }))
    await time.until(() => shipper.done)
    kafka.remakeTopic('logs', [1])
    shipper.write('a', 0, lines(6000, { from: 3000, length: 60 }))
    await time.until(() => shipper.done)
    const sizes = kafka.log('logs', 0).batches.map(({ bytes }) => bytes.length)
    assert.ok(
      sizes.some((bytes) => bytes > 25_000),
      `${sizes.join()}`,
    )
    await shipper.finish()
  })
})
