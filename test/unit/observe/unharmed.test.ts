import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unharmed } from '../../../src/observe/unharmed.ts'
import { recordEvents } from '../../support/event-recorder.ts'

void test('returns the result of a report, and another value if it fails', () => {
  const unharmed = new Unharmed(() => assert.fail('nothing failed'))
  assert.equal(unharmed.by(() => 7, 0), 7) // prettier-ignore
  const reasons: string[] = []
  const harmed = new Unharmed((reason) => void reasons.push(reason))
  const fails = (): number => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory')
  }
  assert.deepEqual([harmed.by(fails, NaN), harmed.by(fails, 0)], [NaN, 0])
  assert.deepEqual(reasons, ['EMFILE: too many open files, uv_resident_set_memory'], 'once')
})

void test('complains of each reason once, up to a limit of reasons', () => {
  const reasons: string[] = []
  const unharmed = new Unharmed((reason) => void reasons.push(reason))
  for (let n = 0; n < 300; n++) {
    unharmed.by(() => {
      throw new Error(`fault ${n >> 1}`)
    }, undefined)
  }
  assert.deepEqual(
    reasons,
    Array.from({ length: 100 }, (_, n) => `fault ${n}`),
  )
})

void test('does not throw if the complaint fails too', () => {
  const unharmed = new Unharmed(() => {
    throw new Error('no log')
  })
  unharmed.by(() => {
    throw new Error('no report')
  }, undefined)
})

void test('passes every event to the listener, and reports each of its errors once', () => {
  const recorder = recordEvents()
  const reasons: string[] = []
  const unharmed = new Unharmed((reason) => void reasons.push(reason))
  const events = unharmed.events({
    ...recorder.events,
    checkpointFailed: () => {
      throw new Error('broken')
    },
  })
  events.topicReady('logs', 3)
  events.checkpointFailed('EMFILE')
  events.checkpointFailed('EMFILE')
  events.topicReady('logs', 4)
  assert.equal(recorder.counters.topicsFound, 2)
  assert.deepEqual(reasons, ['broken'])
})
