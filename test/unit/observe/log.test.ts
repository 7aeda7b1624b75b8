import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pathOfText } from '../../../src/paths.ts'
import { Counters, countingEvents } from '../../../src/observe/counters.ts'
import type { Events } from '../../../src/observe/events.ts'
import { loggingEvents } from '../../../src/observe/log.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { collectOutput } from '../../support/capture.ts'
import { HandClock } from '../../support/hand-clock.ts'

const FILE = { id: 'a'.repeat(24), inputId: 'app', path: pathOfText('/var/log/größe.log') }

function scene({ level = 'trace', report = false } = {}) {
  const out = collectOutput()
  const clock = new HandClock()
  const events = loggingEvents({
    logger: createLogger({ level, pretty: false, out: out.stream }),
    report,
    clock: clock.read,
  })
  let seen = 0
  return {
    events,
    clock,
    /** The lines since the last call, as objects without their time. */
    lines: (): Record<string, unknown>[] => {
      const lines = out.text().split('\n').slice(0, -1)
      return lines.slice(seen, (seen = lines.length)).map((line) => {
        const parsed: Record<string, unknown> = JSON.parse(line)
        const { time: _, ...rest } = parsed
        return rest
      })
    },
  }
}

/** The levels of the lines that are logged. */
function levelsOf(report: (events: Events) => void): unknown[] {
  const { events, lines } = scene()
  report(events)
  return lines().map(({ level }) => level)
}

void test('logs an error where data is lost or somebody must act', () => {
  assert.deepEqual(
    levelsOf((events) => {
      events.lost(FILE, 'gone', 10)
      events.settled(FILE, 'too-large', { lines: 1, bytes: 10, offset: 0 })
      events.recordTooLarge({ topic: 'logs', partition: 1, file: '/a', offset: 0, bytes: 9, action: 'drop' })
      events.recordsCut(FILE, { records: 1, offset: 0 })
      events.checkpointFailed('EIO')
      events.stateSetAside('state.1.json', 'state.1.json.bad', 'x')
      events.batchRefused('logs', 1, 'TOPIC_AUTHORIZATION_FAILED')
      events.producerIdRefused('kafka:9092', 'CLUSTER_AUTHORIZATION_FAILED')
      events.topicRefused('logs', 'TOPIC_AUTHORIZATION_FAILED')
      events.mountWaits('/mnt')
    }),
    Array.from({ length: 10 }, () => 'error'),
  )
})

void test('logs a warning where the agent goes on or tries again', () => {
  const levels = levelsOf((events) => {
    events.fileDenied('/a', 'EACCES')
    events.fileTruncated(FILE, 10)
    events.watchUnavailable('/a', 'ENOSPC')
    events.mountHangs('/mnt')
    events.batchRetried('logs', 1, 'NOT_LEADER')
    events.batchSplit('logs', 1, 3, 500)
    events.possibleRepeats('logs', 1, 3)
    events.filesMoved('logs', 1, 3)
    events.brokerUnreachable(1, 'kafka:9092', 'x')
    events.producerIdWaiting('kafka:9092', 'COORDINATOR_LOAD_IN_PROGRESS')
    events.topicWaiting('logs', 'x')
    events.partitionWaiting('logs', 1, 'x')
    events.stateTorn('journal', 3)
    events.undelivered(FILE, 3)
    events.stateUnlocked('/state', 'ENOTSUP')
  })
  assert.deepEqual([...new Set(levels)], ['warn'])
  assert.equal(levels.length, 15)
})

void test('logs what happens to files and connections at info, and details at debug', () => {
  const levels = levelsOf((events) => {
    events.fileFound(FILE, { offset: 0, reason: 'beginning' })
    events.fileRotated(FILE)
    events.fileTruncated(FILE, 0)
    events.fileLetGo(FILE)
    events.fileIgnored('/a', 'not-regular')
    events.brokerConnected(1, 'kafka:9092')
    events.topicReady('logs', 3)
    events.mountAnswers('/mnt')
    events.settled(FILE, 'empty', { lines: 1, bytes: 1, offset: 0 })
  })
  assert.deepEqual([...new Set(levels)], ['info'])
  assert.deepEqual(levelsOf((events) => events.checkpointWritten(1, 2, 3)), ['debug']) // prettier-ignore
  const { events, lines } = scene({ level: 'warn' })
  events.fileFound(FILE, { offset: 0, reason: 'beginning' })
  assert.deepEqual(lines(), [])
})

void test('logs nothing of what happens with every chunk or batch', () => {
  const { events, lines } = scene()
  events.bytesRead(100)
  events.encoded({ records: 1, bytes: 1, invalidUtf8: 0, truncated: 0, cutBytes: 0 })
  events.batchStored({ topic: 'logs', partition: 1, baseOffset: 7, records: 3, bytes: 500, latencyMs: 4 })
  assert.deepEqual(lines(), [])
})

void test('logs every stored batch where a report is wanted', () => {
  const { events, lines } = scene({ report: true })
  const batch = { topic: 'logs', partition: 1, baseOffset: 7, records: 3, bytes: 500, latencyMs: 4 }
  events.batchStored(batch)
  assert.deepEqual(lines(), [{ level: 'info', report: batch, msg: 'batch stored' }])
})

void test('names a file by its path as text, its id and its input', () => {
  const { events, lines } = scene()
  events.lost(FILE, 'gone', 10)
  assert.deepEqual(lines(), [
    {
      level: 'error',
      file: '/var/log/größe.log',
      id: FILE.id,
      input: 'app',
      reason: 'gone',
      bytes: 10,
      msg: 'bytes lost',
    },
  ])
  events.lost({ ...FILE, path: '/\xff\n"' }, 'gone', 10)
  assert.equal(lines()[0]?.['file'], '/\ufffd\n"', 'a line of the log is one line, whatever the path')
})

void test('logs the same problem once in ten seconds for each file and partition', () => {
  const { events, lines, clock } = scene()
  const trouble = (): void => {
    events.fileDenied('/a', 'EACCES')
    events.fileDenied('/b', 'EACCES')
    events.batchRetried('logs', 1, 'x')
    events.batchRetried('logs', 2, 'x')
    events.settled(FILE, 'empty', { lines: 1, bytes: 1, offset: 0 })
    events.settled(FILE, 'too-long', { lines: 1, bytes: 1, offset: 0 })
  }
  for (let i = 0; i < 100; i++) trouble()
  assert.equal(lines().length, 6)
  clock.advance(9_999)
  trouble()
  assert.equal(lines().length, 0)
  clock.advance(1)
  trouble()
  assert.equal(lines().length, 6)
})

void test('reports that no descriptor is left once in ten seconds, whatever files it is about', () => {
  const { events, clock, lines } = scene()
  events.fileDenied('/var/log/a.log', 'EMFILE')
  events.fileDenied('/var/log/b.log', 'ENFILE: file table overflow, open')
  events.fileDenied('/var/log/c.log', 'EACCES')
  const logged = lines().map(({ path, reason, msg }) => [path, reason, msg])
  assert.deepEqual(logged, [
    ['/var/log/a.log', 'EMFILE', 'no descriptor is free to read with; trying again'],
    ['/var/log/c.log', 'EACCES', 'cannot read; trying again'],
  ])
  clock.advance(10_000)
  events.fileDenied('/var/log/b.log', 'EMFILE')
  assert.equal(lines().length, 1)
})

void test('logs a broker that is down every ten seconds, a new reason at once, and its return', () => {
  const { events, lines, clock } = scene()
  const isDown = (reason: string): void => events.brokerUnreachable(1, 'kafka:9092', reason)
  const logged = (): unknown[] => lines().map(({ msg, reason }) => reason ?? msg)
  events.brokerConnected(1, 'kafka:9092')
  for (let i = 0; i < 10; i++) {
    isDown('refused')
    clock.advance(999)
  }
  isDown('no answer')
  events.brokerUnreachable(2, 'other:9092', 'refused')
  assert.deepEqual(logged(), ['connected to broker', 'refused', 'no answer', 'refused'])
  clock.advance(10)
  isDown('refused')
  events.brokerConnected(1, 'kafka:9092')
  assert.deepEqual(logged(), ['refused', 'connected to broker'])
  // after a failure that was not logged the next connection is not logged either: a flapping broker does not fill the
  // log
  isDown('refused')
  events.brokerConnected(1, 'kafka:9092')
  assert.deepEqual(logged(), [])
  clock.advance(10_000)
  isDown('refused')
  assert.deepEqual(logged(), ['refused'])
})

void test('logs a broker at another address, and does not take numbers in a reason for another reason', () => {
  const { events, lines } = scene()
  const logged = (): unknown[] => lines().map(({ msg, node, address }) => [msg, node, address].join(' '))
  events.brokerConnected(-1, 'a:9092')
  events.brokerConnected(1, 'a:9092')
  events.brokerConnected(1, 'b:9092')
  events.brokerConnected(1, 'b:9092')
  events.brokerConnected(1, 'a:9092')
  assert.deepEqual(logged(), [
    'connected to broker -1 a:9092',
    'connected to broker 1 a:9092',
    'connected to broker 1 b:9092',
    'connected to broker 1 a:9092',
  ])
  for (let n = 0; n < 10; n++) events.brokerUnreachable(1, 'a:9092', `a frame of ${n} bytes`)
  assert.equal(logged().length, 1)
})

void test('logs every loss, dropped record and possible repeat', () => {
  const { events, lines } = scene()
  for (let i = 0; i < 5; i++) {
    events.lost(FILE, 'gone', 10)
    events.settled(FILE, 'too-large', { lines: 1, bytes: 10, offset: 0 })
    events.possibleRepeats('logs', 1, 3)
  }
  assert.equal(lines().length, 15)
})

void test('does not remember every file that ever existed', () => {
  const { events, clock } = scene({ level: 'silent' })
  const heapBytes = (): number => {
    setFlagsFromString('--expose-gc')
    runInNewContext('gc')()
    return process.memoryUsage().heapUsed
  }
  const before = heapBytes()
  for (let n = 0; n < 100_000; n++) {
    clock.advance(100)
    events.settled({ ...FILE, id: n.toString(16).padStart(24, '0') }, 'empty', { lines: 1, bytes: 1, offset: 0 })
    events.fileDenied(`/var/log/pods/some/longish/path/of/a/file/${n}.log`, 'EACCES')
  }
  const grown = heapBytes() - before
  assert.ok(grown < 5e6, `${Math.round(grown / 1e6)} MB more`)
})

void test('has a method for every event', () => {
  const { events } = scene()
  assert.deepEqual(Object.keys(events).sort(), Object.keys(countingEvents(new Counters(), () => 0)).sort())
})
