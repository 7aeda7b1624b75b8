import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import { createLogger } from '../../../src/observe/logger.ts'
import { collectOutput } from '../../support/capture.ts'
import { until } from '../../support/wait.ts'

function scene(pretty: boolean, level = 'info') {
  const out = collectOutput()
  return { logger: createLogger({ level, pretty, out: out.stream }), text: out.text }
}

void test('writes a line of JSON with time, level and message, and nothing of the machine', () => {
  const { logger, text } = scene(false)
  logger.warn({ topic: 'logs', reason: 'a "quoted"\nreason' }, 'waiting for topic')
  const lines = text().split('\n')
  assert.equal(lines.length, 2)
  const line: Record<string, unknown> = JSON.parse(lines[0] ?? '')
  assert.deepEqual(Object.keys(line), ['level', 'time', 'topic', 'reason', 'msg'])
  assert.deepEqual([line['level'], line['msg']], ['warn', 'waiting for topic'])
  assert.ok(Math.abs(Date.parse(String(line['time'])) - Date.now()) < 60_000)
  assert.match(String(line['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})

void test('leaves out lines below the level', () => {
  const { logger, text } = scene(false, 'error')
  for (const level of ['debug', 'info', 'warn'] as const) logger[level]('x')
  assert.equal(text(), '')
  logger.error('y')
  assert.match(text(), /"msg":"y"/)
})

void test('writes a line for people on a terminal', () => {
  const { logger, text } = scene(true, 'debug')
  logger.info({ topic: 'logs', partitions: 3 }, 'topic found')
  logger.error({ reason: 'a\nb' }, 'bytes lost')
  logger.debug('details')
  const lines = stripVTControlCharacters(text()).split('\n')
  assert.match(lines[0] ?? '', /^\d\d:\d\d:\d\d\.\d{3} info {2}topic found {2}topic="logs" {2}partitions=3$/)
  assert.match(lines[1] ?? '', /^\d\d:\d\d:\d\d\.\d{3} error bytes lost {2}reason="a\\nb"$/)
  assert.match(lines[2] ?? '', /debug details$/)
  assert.equal(lines.length, 4)
})

void test('escapes control characters in a path or reason', () => {
  const { logger, text } = scene(true)
  logger.info({ file: '\u001b[31mred\u0007' }, 'file found')
  assert.ok(!text().includes('\u001b[31m'))
  assert.ok(!text().includes('\u0007'))
})

void test('keeps a megabyte that is not read, and reports how many lines are missing when it is read again', async () => {
  const read: string[] = []
  let go = (): void => undefined
  let reads = false
  const out = new Writable({
    write(chunk: Buffer, _encoding, done) {
      read.push(chunk.toString())
      go = done
      if (reads) done()
    },
  })
  const logger = createLogger({ level: 'info', pretty: false, out })
  const text = 'x'.repeat(1000)
  for (let n = 0; n < 3000; n++) logger.info({ n, text }, 'batch stored')
  assert.ok(out.writableLength < 1.1 * 1024 * 1024, `${out.writableLength} bytes`)
  reads = true
  go()
  await until(() => out.writableLength === 0, { what: 'all is read' })
  logger.info('and on')
  const lines = read.map((line): { n?: number; lines?: number; msg: string } => JSON.parse(line))
  const [missing, last] = lines.splice(-2)
  assert.deepEqual(lines.map(({ n }) => n), lines.map((_, n) => n)) // prettier-ignore
  assert.deepEqual(
    [missing?.msg, missing?.lines],
    ['lines of the log are missing: nobody read it', 3000 - lines.length],
  )
  assert.equal(last?.msg, 'and on')
})
