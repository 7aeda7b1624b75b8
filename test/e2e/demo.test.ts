/** `make demo`, on the Kafka of the tests: it shows what it promises. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { atEnd, type Ending } from '../support/ending.ts'
import { sharedKafka } from '../support/kafka.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

function startDemo(t: Ending, settings: Readonly<Record<string, string>> = {}) {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], KAFKA_BROKERS: kafka.bootstrap, ...settings }
  const demo = spawn(process.execPath, [join(import.meta.dirname, '../../scripts/demo.ts')], { env })
  // SIGTERM lets it clean up by itself
  atEnd(t, () => void demo.kill('SIGTERM'))
  let shown = ''
  demo.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  demo.stderr.on('data', (chunk: Buffer) => (shown += chunk.toString()))
  const ended = once(demo, 'close')
  const isOver = (): boolean => demo.exitCode !== null || demo.signalCode !== null
  return { demo, shown: () => shown, ended, isOver }
}

/** The numbers of the summary by name. */
function summaryIn(shown: string): Record<string, number> {
  const rows = shown.split('Summary')[1] ?? ''
  return Object.fromEntries(
    Array.from(rows.matchAll(/^ *(lines written|records read|missing|repeated|changed|out of order) +([\d,]+)/gm)).map(
      ([, name = '', number = '']) => [name, Number(number.replaceAll(',', ''))],
    ),
  )
}

function assertWhole(shown: string): void {
  const { 'lines written': written = 0, ...rest } = summaryIn(shown)
  assert.ok(written > 1000, shown)
  assert.deepEqual(rest, { 'records read': written, missing: 0, repeated: 0, changed: 0, 'out of order': 0 }, shown)
  assert.match(shown, /Every line arrived once, whole and in order\./)
}

test('writes, rotates, ships and reads back every line', async (t) => {
  const { shown, ended } = startDemo(t)
  assert.deepEqual(await ended, [0, null], shown())
  assertWhole(shown())
})

test('with KEEP=1 goes on until Ctrl-C, and then reads back every line', async (t) => {
  const { demo, shown, ended, isOver } = startDemo(t, { KEEP: '1' })
  await until(() => isOver() || /[1-9]\d,\d{3} in Kafka|[1-9]\d{3} in Kafka|[1-9],\d{3} in Kafka/.test(shown()), {
    within: 60_000,
    what: shown,
  })
  demo.kill('SIGINT')
  assert.deepEqual(await ended, [0, null], shown())
  assertWhole(shown())
})
