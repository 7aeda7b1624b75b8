/** How an agent ends after a signal: in order, in time, and with the truth about what is left. */
import assert from 'node:assert/strict'
import { readFileSync, renameSync, unlinkSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { freshTopic, sharedKafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { freePort } from '../support/ports.ts'
import type { Agent } from '../support/process.ts'
import { canBe } from '../support/privileges.ts'
import { openScene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

const LONG = process.env['LOGAGENT_TEST_LONG'] !== undefined
/** The agent's time-out of a stop; in long runs its default. */
const TIMEOUT_MS = LONG ? 25_000 : 500
const HASTY = LONG ? [] : ['--shutdown-timeout', `${TIMEOUT_MS}ms`]

/** How much later than its time-out an agent may end: a pod has 30 s by default, and the agent 25 s of them. */
const SPARE_MS = 5000

/** Stops an agent that cannot deliver: it uses the time it has, and not much more. */
async function stopsInTime(agent: Agent): Promise<void> {
  const signalled = performance.now()
  agent.signal('SIGTERM')
  await agent.exitsWith(6, TIMEOUT_MS + SPARE_MS)
  const passed = performance.now() - signalled
  assert.ok(passed >= TIMEOUT_MS, `after ${passed} ms`)
}

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

test('goes on where it stopped after each of many restarts, also in the middle of a backlog', async (t) => {
  const scene = await openScene(t, kafka, { partitions: 3 })
  const writers = ['a.log', 'b.log', 'c.log'].map((name) => scene.writer(name))
  for (const writer of writers) writer.write(30_000)
  for (let round = 0; round < 6; round++) {
    const there = await scene.count()
    const agent = scene.start('--shutdown-drain', round < 4 ? 'inflight' : 'end')
    await scene.arrived(there + 1)
    await scene.stop(agent)
    for (const writer of writers) writer.write(100)
  }
  const last = scene.start()
  await scene.arrived()
  await scene.stop(last)
  await scene.delivered()
})

test('reads files to their ends before it ends, also rotated and deleted ones', async (t) => {
  const scene = await openScene(t, kafka)
  const kept = scene.writer('kept.log')
  const rotated = scene.writer('rotated.log')
  const deleted = scene.writer('deleted.log')
  const writers = [kept, rotated, deleted]
  for (const writer of writers) writer.write(10)
  const agent = scene.start()
  await scene.arrived()
  agent.pause()
  for (const writer of writers) writer.write(20_000)
  renameSync(rotated.path, `${rotated.path}.1`)
  unlinkSync(deleted.path)
  agent.signal('SIGTERM')
  agent.resume()
  await agent.exitsWith(0)
  await scene.delivered()
})

test('ships the last line of a deleted file before it ends, although the line has no newline', async (t) => {
  const scene = await openScene(t, kafka, { args: ['--file-last-line-quiet-ms', '0'] })
  const writer = scene.writer('app.log')
  writer.write(10)
  const agent = scene.start()
  await scene.arrived()
  agent.pause()
  writer.raw('the last words')
  unlinkSync(writer.path)
  agent.signal('SIGTERM')
  agent.resume()
  await agent.exitsWith(0)
  assert.equal((await scene.records()).at(-1)?.value?.toString(), 'the last words')
})

test('ends within its time-out, with exit code 6, while Kafka is down, and logs which bytes it leaves', async (t) => {
  const scene = await openScene(t, kafka)
  const noBroker = `127.0.0.1:${await freePort(new Set())}`
  const writers = ['a.log', 'b.log'].map((name) => scene.writer(name))
  for (const writer of writers) writer.write(100)
  const agent = scene.start('--kafka-brokers', noBroker, ...HASTY)
  await agent.logged(({ msg }) => msg === 'broker cannot be reached', { what: 'the broker named' })
  await stopsInTime(agent)
  const left = agent.log.filter(({ msg }) => msg === 'not delivered')
  assert.deepEqual(left.map(({ file }) => file).sort(), writers.map(({ path }) => path).sort()) // prettier-ignore
  assert.ok(left.every(({ bytes, file }) => bytes === readFileSync(String(file)).length))
  const next = scene.start()
  await scene.arrived()
  await scene.stop(next)
  await scene.delivered()
})

test('ends with exit code 0 where nothing is left to deliver, even without Kafka', async (t) => {
  const scene = await openScene(t, kafka)
  const noBroker = `127.0.0.1:${await freePort(new Set())}`
  const agent = scene.start('--kafka-brokers', noBroker)
  await agent.logged(({ msg }) => msg === 'logagent starts', { what: 'its start' })
  await scene.stop(agent)
})

test('ends with exit code 6 while its topic is missing, and ships everything once the topic is there', async (t) => {
  const scene = await openScene(t, kafka, { createTopic: false })
  scene.writer('a.log').write(100)
  const agent = scene.start(...HASTY)
  await agent.logged(({ msg }) => msg === 'waiting for topic', { what: 'the topic named' })
  await stopsInTime(agent)
  await kafka.createTopic(scene.topic)
  const next = scene.start()
  await scene.arrived()
  await scene.stop(next)
  await scene.delivered()
})

test('ends at once after a second signal, and loses no line', async (t) => {
  const scene = await openScene(t, kafka, { createTopic: false })
  scene.writer('a.log').write(100)
  const agent = scene.start('--kafka-topic', freshTopic('never'), '--shutdown-timeout', '1h')
  await agent.logged(({ msg }) => msg === 'waiting for topic', { what: 'the topic named' })
  agent.signal('SIGINT')
  // two signals that are sent together may arrive in either order
  await agent.logged(({ msg }) => msg === 'logagent stops', { what: 'that it stops' })
  agent.signal('SIGTERM')
  await agent.exitsWith(143, SPARE_MS)
  await kafka.createTopic(scene.topic)
  const next = scene.start()
  await scene.arrived()
  await scene.stop(next)
  await scene.delivered()
})

test('ends with exit code 3 where all records are stored and positions cannot be written', async (t) => {
  const scene = await openScene(t, kafka, { agent: { under: ['sh', '-c', 'ulimit -f 16 && exec "$@"', 'sh'] } })
  for (let n = 0; n < 100; n++) scene.writer(`file-${n}.log`).write(10)
  const agent = scene.start()
  await scene.arrived()
  await agent.logged(({ msg }) => String(msg).startsWith('checkpoint not written'), {
    what: 'that the state may not grow',
  })
  agent.signal('SIGTERM')
  await agent.exitsWith(3)
  assert.match(JSON.stringify(agent.log), /positions could not be written to/)
  await scene.delivered()
})

const namespace = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
const isolating = canBe({ command: namespace }) ? {} : { skip: 'the tests may not make namespaces' }

test('obeys SIGTERM as process 1 of its container', isolating, async (t) => {
  const scene = await openScene(t, kafka, { agent: { under: namespace } })
  const writer = scene.writer('a.log')
  writer.write(1000)
  const unshare = scene.start()
  await scene.arrived()
  writer.write(1000)
  // unshare itself only waits for its child, and ends as it does
  const children = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8')
  process.kill(Number(children.trim()), 'SIGTERM')
  await unshare.exitsWith(0)
  await scene.delivered()
})

test('sends lingering records at once when it stops', async (t) => {
  const scene = await openScene(t, kafka, { args: ['--kafka-linger-ms', '60s'] })
  const writer = scene.writer('a.log')
  writer.write(100)
  const agent = scene.start()
  await agent.logged(({ msg }) => msg === 'file found', { what: 'the file' })
  await scene.stop(agent)
  await scene.delivered()
})

test('ends while its files are being written, and the next agent ships the rest', async (t) => {
  const scene = await openScene(t, kafka, { partitions: 2 })
  const writers = ['a.log', 'b.log'].map((name) => scene.writer(name))
  const load = startLoad(t, writers)
  for (let life = 0; life < 4; life++) {
    const agent = scene.start()
    await scene.arrived((await scene.count()) + 500)
    await scene.stop(agent)
  }
  await load.stop()
  const last = scene.start()
  await scene.arrived()
  await scene.stop(last)
  await scene.delivered()
})

test('leaves nothing running and nothing open: its process ends by itself', async (t) => {
  const scene = await openScene(t, kafka)
  scene.writer('a.log').write(10)
  const agent = scene.start()
  await scene.arrived()
  agent.signal('SIGTERM')
  await until(() => agent.log.find(({ msg }) => msg === 'logagent stopped'), { what: 'its last words' })
  // no process.exit anywhere: a handle left open would keep it
  await agent.exitsWith(0)
})
