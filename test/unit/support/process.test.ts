/** The support's view of a process, on programs that stand in for the agent. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startAgent, type Agent } from '../../support/process.ts'
import { atEnd, type Ending } from '../../support/ending.ts'
import { freshDirectory } from '../../support/temp.ts'
import { until } from '../../support/wait.ts'
import { startWatchdog } from '../../support/watchdog.ts'

function standIn(t: Ending, lines: string, env: Record<string, string> = {}): Agent {
  const from = join(freshDirectory(t), 'program.mjs')
  writeFileSync(from, lines)
  return startAgent(t, { args: ['run'], from, env })
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

void test('gives log, output, environment and exit code', async (t) => {
  const agent = standIn(
    t,
    `console.error(JSON.stringify({ level: 30, msg: 'start', args: process.argv.slice(2) }))
     console.error('no JSON')
     console.log(process.env.KAFKA_TOPIC, process.env.KAFKA_TEST_BROKERS)
     process.exitCode = 3`,
    { KAFKA_TOPIC: 'logs' },
  )
  await agent.exitsWith(3)
  assert.deepEqual(agent.log, [{ level: 30, msg: 'start', args: ['run'] }, { text: 'no JSON' }])
  assert.equal(agent.output().toString(), 'logs undefined\n')
  await assert.rejects(agent.exitsWith(0), /exit 3, not 0.*no JSON/s)
})

void test('waits for a line of the log, and says when the process ended without it', async (t) => {
  const agent = standIn(t, `setTimeout(() => console.error(JSON.stringify({ msg: 'late' })), 100)`)
  const line = await agent.logged(({ msg }) => msg === 'late', { what: 'the late line' })
  assert.deepEqual(line, { msg: 'late' })
  await assert.rejects(
    agent.logged(({ msg }) => msg === 'never', { what: 'another line' }),
    /the agent ended/,
  )
})

void test('freezes, kills and measures', async (t) => {
  const agent = standIn(t, `console.error('{}'); for (;;);`)
  await agent.logged(() => true, { what: 'it runs' })
  await until(() => agent.usage().cpuMs > 100, { what: 'it uses CPU time' })
  agent.pause()
  assert.ok(agent.usage().rssBytes > 10e6 && agent.usage().peakRssBytes >= agent.usage().rssBytes)
  await agent.kill()
  assert.deepEqual(await agent.exited(), { code: null, signal: 'SIGKILL' })
})

void test('ends everything watched when its own process is killed, frozen or not', async (t) => {
  const directory = freshDirectory(t)
  const watchdog = JSON.stringify(join(import.meta.dirname, '../../support/watchdog.ts'))
  const program = join(directory, 'parent.mjs')
  const watched = join(directory, 'watched')
  writeFileSync(
    program,
    `import { spawn } from 'node:child_process'
     import { mkdirSync } from 'node:fs'
     import { startWatchdog } from ${watchdog}
     mkdirSync(${JSON.stringify(watched)})
     const dog = startWatchdog(${JSON.stringify(watched)})
     const sleepers = [1, 2, 3].map(() => spawn('sleep', ['600'], { detached: true }))
     for (const { pid } of sleepers) dog.watch(pid)
     dog.forget(sleepers[2].pid)
     sleepers[0].kill('SIGSTOP')
     console.log(JSON.stringify(sleepers.map(({ pid }) => pid)))`,
  )
  const parent = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await once(parent.stdout, 'data')
  const [frozen, running, forgotten]: [number, number, number] = JSON.parse(String(said))
  parent.kill('SIGKILL')
  await until(() => !isAlive(frozen) && !isAlive(running), { what: 'both are gone' })
  await until(() => !existsSync(watched), { what: 'the directory is gone' })
  assert.ok(isAlive(forgotten))
  process.kill(forgotten, 'SIGKILL')
})

void test('a watchdog that is closed ends what it still watches', async () => {
  const sleeper = spawn('sleep', ['600'], { detached: true })
  const watchdog = startWatchdog()
  watchdog.watch(sleeper.pid ?? 0)
  const exited = once(sleeper, 'exit')
  await watchdog.close()
  assert.deepEqual((await exited)[1], 'SIGKILL')
})

void test('what was set up last is taken down first', async (t) => {
  const order: string[] = []
  await t.test('inner', (inner) => {
    for (const name of ['directory', 'broker', 'agent']) atEnd(inner, () => void order.push(name))
  })
  assert.deepEqual(order, ['agent', 'broker', 'directory'])
})
