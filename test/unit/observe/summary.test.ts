import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters, countingEvents } from '../../../src/observe/counters.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { logSummary } from '../../../src/observe/summary.ts'
import { collectOutput } from '../../support/capture.ts'

void test('logs all figures in one line', () => {
  const out = collectOutput()
  const counters = new Counters()
  const events = countingEvents(counters, () => 0)
  const file = { id: 'a', inputId: 'app', path: '/a' }
  events.bytesRead(5000)
  events.batchStored({ topic: 'logs', partition: 1, baseOffset: 7, records: 30, bytes: 900, latencyMs: 4 })
  events.batchRetried('logs', 1, 'x')
  events.possibleRepeats('logs', 1, 2)
  events.lost(file, 'truncated', 10)
  events.lost(file, 'gone', 5)
  const source = {
    counters,
    logger: createLogger({ level: 'info', pretty: false, out: out.stream }),
    state: () => ({ files: 3, lagBytes: 700, inFlightBytes: 100 }),
    rssBytes: () => 64_400_000,
  }
  logSummary(source)
  logSummary(source, 'logagent stopped')
  const [first = '', second = ''] = out.text().split('\n')
  const line: Record<string, unknown> = JSON.parse(first)
  const { time: _, ...rest } = line
  assert.deepEqual(rest, {
    level: 'info',
    files: 3,
    lagBytes: 700,
    inFlightBytes: 100,
    lines: 30,
    bytes: 5000,
    storedBytes: 900,
    batches: 1,
    retries: 1,
    possibleRepeats: 2,
    settledLines: 0,
    tooLargeRecords: 0,
    truncatedLines: 0,
    cutBytes: 0,
    invalidUtf8: 0,
    lostBytes: 15,
    rssMB: 64,
    msg: 'summary',
  })
  assert.match(second, /"msg":"logagent stopped"/)
})
