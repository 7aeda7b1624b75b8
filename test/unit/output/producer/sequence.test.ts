/** Single cases of the rules; test/property/sequence.property.test.ts plays all rules against those of a broker. */
import assert from 'node:assert/strict'
import { afterEach, describe, test } from 'node:test'
import { Batch, nextSequence } from '../../../../src/output/producer/batch.ts'
import { type BatchFailure, type Mode, SequenceState } from '../../../../src/output/producer/sequence.ts'
import { smallMemory } from '../../../support/made-file.ts'

const memory = smallMemory()
const SURE: BatchFailure = { maybeStored: false, refused: 'nothing' }
const UNSURE: BatchFailure = { maybeStored: true, refused: 'nothing' }

const open: Batch[] = []
afterEach(() => {
  for (const batch of open.splice(0)) memory.pool.release(batch.buffer)
  assert.equal(memory.pool.freeBytes, memory.pool.total)
})

/** `count` ready batches of ten records, and a state that has something stored already. */
function playing(mode: Mode, count: number) {
  const repeats: number[] = []
  const state = new SequenceState(mode, (_batch, records) => repeats.push(records))
  const queue = Array.from({ length: count + 1 }, () => {
    const batch = new Batch(memory, memory.pool.take('small')!)
    batch.records = batch.sending = 10
    open.push(batch)
    return batch
  })
  if (mode === 'idempotent') state.adopt({ id: 7, epoch: 0 })
  /**
   * Send all batches that may be sent; returns their first sequences, or their places in the queue where there are
   * none.
   */
  const send = (): number[] => {
    const sent: number[] = []
    for (let batch = state.next(queue); batch !== null; batch = state.next(queue)) {
      const { sequence } = state.send(batch)
      sent.push(sequence < 0 ? queue.indexOf(batch) : sequence)
    }
    return sent
  }
  const stored = (batch: Batch): void => {
    batch.records -= batch.sending
    if (batch.sequence >= 0) batch.sequence = nextSequence(batch.sequence, batch.sending)
    if (batch.records === 0) queue.splice(queue.indexOf(batch), 1)
    batch.sending = batch.records
    state.stored(batch, queue)
  }
  const failed = (batch: Batch, why: BatchFailure): void => state.failed(batch, queue, why)
  queue[0]!.ready = true
  send()
  stored(queue[0]!)
  for (const batch of queue) batch.ready = true
  return { state, queue, send, stored, failed, repeats, batches: [...queue] }
}

describe('the producer state', () => {
  test('sends one batch until it is stored, then up to five', () => {
    const { send, stored, queue, state } = playing('idempotent', 8)
    assert.deepEqual(send(), [10, 20, 30, 40, 50])
    stored(queue[0]!)
    assert.deepEqual(send(), [60])
    assert.equal(state.inFlight, 5)
  })

  test('after a failure waits until nothing is in flight, then sends the lowest alone under the sequence it had', () => {
    const { send, stored, failed, queue, batches } = playing('idempotent', 4)
    send()
    failed(batches[0]!, SURE)
    assert.deepEqual(send(), [])
    for (const batch of batches.slice(1)) failed(batch, { maybeStored: false, refused: 'sequence' })
    assert.deepEqual(send(), [10])
    assert.deepEqual(send(), [])
    stored(queue[0]!)
    assert.deepEqual(send(), [20, 30, 40])
  })

  test('goes on recovering when an older batch was stored', () => {
    const { send, stored, failed, batches } = playing('idempotent', 3)
    send()
    failed(batches[2]!, SURE)
    stored(batches[0]!)
    stored(batches[1]!)
    assert.deepEqual(send(), [30], 'the one that failed')
  })

  test('has room for one more behind what is in flight, also in the middle of recovering with nothing left', () => {
    const { state, queue, send, stored, failed, batches } = playing('idempotent', 2)
    assert.equal(state.hasRoom(queue), false, 'two wait')
    send()
    assert.equal(state.hasRoom(queue), true)
    failed(batches[1]!, SURE)
    assert.equal(state.hasRoom(queue), false)
    stored(batches[0]!)
    // as if its only record had been dropped
    queue.pop()
    state.restart(queue)
    assert.equal(state.hasRoom(queue), true)
  })

  test('sends nothing behind a batch that is sent in parts', () => {
    const { state, send, stored, queue } = playing('idempotent', 2)
    queue[0]!.sending = 4
    assert.deepEqual(send(), [10])
    assert.equal(state.hasRoom(queue), false)
    stored(queue[0]!)
    assert.deepEqual(send(), [14, 20], 'the rest of it has its own numbers')
  })

  test('begins a new epoch when the sequence of the lowest is refused, and counts records that may be stored', () => {
    const { state, send, failed, stored, queue, repeats, batches } = playing('idempotent', 3)
    send()
    failed(batches[0]!, UNSURE)
    failed(batches[1]!, UNSURE)
    failed(batches[2]!, SURE)
    send()
    failed(batches[0]!, { maybeStored: false, refused: 'sequence' })
    assert.deepEqual(repeats, [10, 10])
    assert.deepEqual(send(), [0])
    assert.deepEqual(state.send(queue[1]!), { producerId: 7, epoch: 1, sequence: 10 })
    state.failed(queue[1]!, queue, SURE)
    stored(queue[0]!)
    assert.deepEqual(repeats, [10, 10], 'once')
  })

  test('does not begin a new epoch for a batch that fails because of one before it', () => {
    const { state, send, failed, stored, batches } = playing('idempotent', 2)
    send()
    failed(batches[1]!, { maybeStored: false, refused: 'sequence' })
    stored(batches[0]!)
    assert.deepEqual(send(), [20])
    assert.equal(state.needsProducer, false)
  })

  test('waits until nothing is in flight before it takes another producer id, whatever the outcomes are', () => {
    const { state, send, failed, stored, batches } = playing('idempotent', 3)
    send()
    failed(batches[0]!, { maybeStored: false, refused: 'producer' })
    assert.equal(state.needsProducer, false)
    stored(batches[1]!)
    assert.equal(state.needsProducer, false)
    stored(batches[2]!)
    assert.equal(state.needsProducer, true)
    assert.equal(state.formerId, 7)
    assert.deepEqual(send(), [])
    state.adopt({ id: 8, epoch: 0 })
    assert.deepEqual(send(), [0])
  })

  test('takes another producer id after the last epoch', () => {
    const { state, queue } = playing('idempotent', 1)
    for (let epoch = 1; epoch <= 32767; epoch++) state.restart(queue)
    assert.equal(state.needsProducer, false)
    assert.equal(state.send(queue[0]!).epoch, 32767)
    state.failed(queue[0]!, queue, { maybeStored: false, refused: 'sequence' })
    assert.equal(state.needsProducer, true)
  })

  test('with acks 1 has one batch in flight, and counts records that are sent again and may be stored', () => {
    const { send, failed, stored, queue, repeats, batches } = playing('one-in-flight', 3)
    assert.deepEqual(send(), [0])
    failed(batches[0]!, SURE)
    assert.deepEqual(send(), [0])
    assert.deepEqual(repeats, [])
    failed(batches[0]!, UNSURE)
    assert.deepEqual(repeats, [], 'it may still be dropped, or the agent may stop')
    assert.deepEqual(send(), [0])
    assert.deepEqual(repeats, [10])
    failed(batches[0]!, SURE)
    send()
    assert.deepEqual(repeats, [10], 'the second one did not arrive for sure')
    stored(queue[0]!)
    assert.deepEqual(send(), [0])
  })

  test('with acks 0 has no limit, and sends no batch twice that may have arrived', () => {
    const { send, failed, stored, queue, batches, repeats } = playing('fire-and-forget', 9)
    assert.equal(send().length, 9)
    for (const batch of batches.slice(0, 3)) stored(batch)
    for (const batch of batches.slice(3)) failed(batch, SURE)
    assert.deepEqual(send(), [0], 'in order: the first alone')
    stored(queue[0]!)
    assert.deepEqual(send(), [0, 1, 2, 3, 4])
    assert.deepEqual(repeats, [])
  })
})
