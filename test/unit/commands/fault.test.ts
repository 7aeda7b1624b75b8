/** After a fault an agent does nothing more before another one may take its place. */
import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { lockedState } from '../../../src/commands/compose.ts'
import { Pipeline } from '../../../src/pipeline.ts'
import { run } from '../../../src/commands/run.ts'
import { lockState } from '../../../src/input/state/lock.ts'
import { loadGiven } from '../../support/configuration.ts'
import { atEnd } from '../../support/ending.ts'
import { FakeDisk } from '../../support/fake-disk.ts'
import { FakeKafka } from '../../support/fake-broker.ts'
import { fault } from '../../support/fake-fault.ts'
import { loopTurn } from '../../support/loop-turn.ts'
import { at, HandTimer, offsets, openState } from '../../support/state.ts'
import { freshDirectory } from '../../support/temp.ts'
import { until } from '../../support/wait.ts'

const events = { stateUnlocked: () => undefined }
const locked = { code: 'state-locked' }

void test('keeps the lock until a slow disk has finished its write, and begins no other', async (t) => {
  const directory = freshDirectory(t)
  const disk = new FakeDisk()
  const timer = new HandTimer()
  const open = async () => (await openState({ disk, after: timer.after })).state
  const { checkpoint, abandon } = await lockedState(directory, events, open)
  checkpoint.start(1000)
  checkpoint.put(at('a', 1))
  const release = disk.holdSyncs()
  timer.fire()
  await loopTurn()
  checkpoint.put(at('a', 2))
  const abandoned = abandon()
  await loopTurn()
  await assert.rejects(lockState(directory, Math.random), locked)
  release()
  await abandoned
  const next = await lockState(directory, Math.random)
  const { writes, syncs } = { ...disk.seen }
  checkpoint.put(at('a', 3))
  timer.fire()
  await loopTurn()
  assert.deepEqual([timer.isArmed, disk.seen.writes, disk.seen.syncs], [false, writes, syncs])
  assert.deepEqual(offsets((await openState({ disk: disk.afterKill() })).state), { a: 1 })
  await next.release()
})

void test('keeps the lock until the process ends if the disk hangs', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const directory = freshDirectory(t)
  const disk = new FakeDisk()
  const open = async () => (await openState({ disk })).state
  const { checkpoint, abandon } = await lockedState(directory, events, open)
  checkpoint.put(at('a', 1))
  const release = disk.holdSyncs()
  void checkpoint.flush()
  await loopTurn()
  const abandoned = abandon()
  t.mock.timers.tick(5000)
  await abandoned
  await assert.rejects(lockState(directory, Math.random), locked)
  release()
})

void test('after a fault nothing more is sent or written once another agent can start', async (t) => {
  const directory = freshDirectory(t)
  const state = freshDirectory(t)
  const path = join(directory, 'app.log')
  const kafka = await FakeKafka.start({ topics: { logs: 1 } })
  atEnd(t, () => kafka.close())
  const config = await loadGiven(t, {
    environment: {
      KAFKA_BROKERS: kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join(),
      KAFKA_TOPIC: 'logs',
      LOGAGENT_PATHS: path,
      LOGAGENT_STATE_DIR: state,
      LOGAGENT_CHECKPOINT_INTERVAL_MS: '100',
      LOGAGENT_LOG_SUMMARY_MS: '0',
    },
  })
  writeFileSync(path, 'one\n')
  const stop = new AbortController()
  const ended = run({
    config,
    output: 'kafka',
    runtime: {
      stdout: new PassThrough(),
      stderr: new PassThrough().resume(),
      stderrIsTTY: false,
      rssBytes: () => 0,
      threads: 24,
    },
    signal: stop.signal,
    unread: new AbortController().signal,
  })
  ended.catch(() => undefined)
  await until(() => kafka.log('logs', 0).batches.length === 1, { what: 'a record is stored' })
  kafka.onProduce(fault.never())
  appendFileSync(path, 'two\n')
  const produced = (): number => kafka.requests.filter(({ api }) => api === 'Produce').length
  await until(() => produced() === 2, { what: 'another one is under way' })
  t.mock.method(Pipeline.prototype, 'stop', () => Promise.reject(new Error('a fault')))
  stop.abort()
  await assert.rejects(ended, /a fault/)
  const next = await lockState(state, Math.random)
  const contents = (): string[] =>
    readdirSync(state)
      .filter((name) => name.startsWith('state.'))
      .map((name) => `${name} ${readFileSync(join(state, name), 'utf8')}`)
  const before = contents()
  await until(() => kafka.nodes.every(({ connections }) => connections === 0), { what: 'no connection is left' })
  assert.deepEqual([contents(), produced()], [before, 2])
  await next.release()
})
