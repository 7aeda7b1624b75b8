import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { Counters, both, countingEvents } from '../../../src/observe/counters.ts'
import type { Events, StoredBatch } from '../../../src/observe/events.ts'

const FILE = { id: 'a'.repeat(24), inputId: 'app', path: '/var/log/a.log' }
const BATCH: StoredBatch = { topic: 'logs', partition: 1, baseOffset: 7, records: 3, bytes: 500, latencyMs: 4 }

/** The counters that are changed after these events. */
function counted(report: (events: Events) => void): Record<string, unknown> {
  const counters = new Counters()
  report(countingEvents(counters, () => 1234))
  const fresh = new Map<string, unknown>(Object.entries(new Counters()))
  const changed = Object.entries(counters).filter(([name, value]) => !isDeepStrictEqual(value, fresh.get(name)))
  return Object.fromEntries(changed)
}

void test('counts each event with its numbers', () => {
  const cases: [(events: Events) => void, Record<string, unknown>][] = [
    [(events) => events.fileFound(FILE, { offset: 0, reason: 'beginning' }), { filesFound: 1 }],
    [(events) => events.fileTruncated(FILE, 10), { filesTruncated: 1 }],
    [(events) => events.fileLetGo(FILE), { filesLetGo: 1 }],
    [(events) => events.bytesRead(100), { bytesRead: 100 }],
    [
      (events) => events.encoded({ records: 2, bytes: 50, invalidUtf8: 1, truncated: 1, cutBytes: 7 }),
      { recordsEncoded: 2, bytesEncoded: 50, invalidUtf8: 1, truncatedRecords: 1, cutBytes: 7 },
    ],
    [(events) => events.recordsCut(FILE, { records: 2, offset: 0 }), { tooLargeRecords: 2 }],
    [(events) => events.batchStored(BATCH), { batchesStored: 1, recordsStored: 3, bytesStored: 500 }],
    [(events) => events.batchRetried('logs', 1, 'x'), { retries: 1 }],
    [(events) => events.batchRefused('logs', 1, 'x'), { retries: 1, refusals: 1 }],
    [(events) => events.producerIdWaiting('kafka:9092', 'x'), { producerIdWaits: 1 }],
    [(events) => events.producerIdRefused('kafka:9092', 'x'), { producerIdRefusals: 1 }],
    [(events) => events.topicRefused('logs', 'x'), { topicRefusals: 1 }],
    [(events) => events.batchSplit('logs', 1, 3, 500), { splits: 1 }],
    [
      (events) =>
        events.recordTooLarge({ topic: 'logs', partition: 1, file: '/a', offset: 0, bytes: 9, action: 'drop' }),
      { tooLargeRefusals: 1 },
    ],
    [
      (events) => events.recordTruncated({ records: 1, cutBytes: 90 }),
      { tooLargeRecords: 1, truncatedRecords: 1, cutBytes: 90 },
    ],
    [(events) => events.possibleRepeats('logs', 1, 30), { possibleRepeats: 30 }],
    [(events) => events.filesMoved('logs', 1, 4), { filesMoved: 4 }],
    [(events) => events.checkpointWritten(5, 100, 3), { checkpoints: 1, lastCheckpointAt: 1234 }],
    [(events) => events.checkpointFailed('EIO'), { checkpointFailures: 1 }],
  ]
  for (const [report, expected] of cases) assert.deepEqual(counted(report), expected, String(report))
})

void test('counts settled lines and bytes, and lost bytes, by reason', () => {
  assert.deepEqual(
    counted((events) => {
      events.settled(FILE, 'empty', { lines: 2, bytes: 2, offset: 0 })
      events.settled(FILE, 'empty', { lines: 1, bytes: 1, offset: 9 })
      events.settled(FILE, 'too-long', { lines: 1, bytes: 999, offset: 2 })
      events.settled(FILE, 'too-large', { lines: 2, bytes: 50, offset: 2 })
      events.lost(FILE, 'truncated', 10)
      events.lost(FILE, 'gone', 30)
      events.undelivered(FILE, 7)
      events.lost(FILE, 'truncated', 5)
      events.finished(FILE, 'stored', 100)
      events.finished(FILE, 'settled', 3)
      events.finished(FILE, 'stored', 20)
    }),
    {
      finishedBytes: { stored: 120, settled: 3 },
      settledLines: { empty: 3, 'too-long': 1, 'too-large': 2 },
      settledBytes: { empty: 3, 'too-long': 999, 'too-large': 50 },
      tooLargeRecords: 2,
      lostBytes: { truncated: 15, gone: 30 },
      undeliveredBytes: 7,
    },
  )
})

void test('counts files that are not read by reason, and failures by broker', () => {
  assert.deepEqual(
    counted((events) => {
      events.fileIgnored('/a', 'not-regular')
      events.fileIgnored('/b', 'outside-roots')
      events.fileIgnored('/c', 'outside-roots')
      events.brokerUnreachable(1, 'kafka-1:9092', 'x')
      events.brokerUnreachable(-1, 'kafka:9092', 'x')
      events.brokerUnreachable(1, 'kafka-1:9092', 'y')
    }),
    {
      filesIgnored: { 'not-regular': 1, 'outside-roots': 2, 'rotated-before-first-start': 0 },
      brokerFailures: new Map([
        ['kafka-1:9092', 2],
        ['kafka:9092', 1],
      ]),
    },
  )
})

void test('counts every event', () => {
  const counters = new Counters()
  const events = countingEvents(counters, () => 1234)
  /* oxlint-disable typescript/no-unsafe-type-assertion -- every event by its name, with facts that all can count */
  const facts = [FILE, 'empty', 1, 1]
  const silent = (Object.keys(events) as (keyof Events)[]).filter((name) => {
    const before = structuredClone(counters)
    const report = events[name] as (...facts: unknown[]) => void
    if (name === 'encoded') events.encoded({ records: 1, bytes: 1, invalidUtf8: 0, truncated: 0, cutBytes: 0 })
    else if (name === 'recordsCut') events.recordsCut(FILE, { records: 1, offset: 0 })
    else if (name === 'batchStored') events.batchStored(BATCH)
    else if (name === 'bytesRead') events.bytesRead(1)
    else if (name === 'settled') events.settled(FILE, 'empty', { lines: 1, bytes: 1, offset: 0 })
    else if (name === 'lost') events.lost(FILE, 'truncated', 1)
    else if (name === 'undelivered') events.undelivered(FILE, 1)
    else if (name === 'fileIgnored') events.fileIgnored('/a', 'not-regular')
    else report(...facts)
    return isDeepStrictEqual(structuredClone(counters), before)
  })
  /* oxlint-enable typescript/no-unsafe-type-assertion */
  assert.deepEqual(silent, [])
})

void test('passes every event with all its arguments to both, the first one first', () => {
  const reported: unknown[][] = []
  /* oxlint-disable typescript/no-unsafe-type-assertion -- every event by its name */
  const names = Object.keys(countingEvents(new Counters(), () => 0)) as (keyof Events)[]
  const recorder = (who: string): Events =>
    Object.fromEntries(names.map((name) => [name, (...facts: unknown[]) => void reported.push([who, name, ...facts])])) as unknown as Events // prettier-ignore
  const events = both(recorder('first'), recorder('second'))
  assert.deepEqual(Object.keys(events).sort(), [...names].sort())
  for (const name of names) {
    const report = events[name] as (...facts: unknown[]) => void
    const facts = Array.from({ length: 4 }, (_, n) => `${name} ${n}`)
    report(...facts)
    const [first, second] = reported.splice(0)
    assert.deepEqual(first?.slice(0, 2), ['first', name])
    assert.deepEqual(second?.slice(0, 2), ['second', name])
    // batchSplit has four arguments, and no event has more
    assert.deepEqual(first?.slice(2), facts)
    assert.deepEqual(second?.slice(2), facts)
  }
  /* oxlint-enable typescript/no-unsafe-type-assertion */
})
