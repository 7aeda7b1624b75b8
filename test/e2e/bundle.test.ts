/** The built program: dist/ by itself, away from the sources and from node_modules. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import type { Ending } from '../support/ending.ts'
import { sharedKafka } from '../support/kafka.ts'
import { openScene } from '../support/scene.ts'
import { freshDirectory } from '../support/temp.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** The path of the program in a copy of dist/. */
function copied(t: Ending): string {
  const directory = freshDirectory(t)
  cpSync(join(import.meta.dirname, '../../dist'), directory, { recursive: true })
  return join(directory, 'logagent.mjs')
}

/** Runs the program by its first line, with this Node first in the path, and returns its output. */
function output(program: string, ...args: readonly string[]): string {
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` }
  return execFileSync(program, args, { env, cwd: '/', encoding: 'utf8', timeout: 60_000 })
}

test('ships lines from a copy of dist/ alone', async (t) => {
  const program = copied(t)
  const scene = await openScene(t, kafka, { encoding: 'json', agent: { from: program, cwd: '/' } })
  const writer = scene.writer('a.log')
  writer.write(1000)
  const agent = scene.start('--kafka-compression', 'zstd')
  await scene.arrived()
  await scene.stop(agent)
  await scene.delivered()
})

for (const [poolSize, threads] of [
  ['', 24],
  ['4', 24],
  ['40', 40],
] as const) {
  test(`has ${threads} threads for calls that may hang where UV_THREADPOOL_SIZE is '${poolSize}'`, async (t) => {
    const env = { UV_THREADPOOL_SIZE: poolSize }
    const scene = await openScene(t, kafka, { agent: { from: copied(t), env } })
    scene.writer('a.log').write(1)
    const agent = scene.start()
    await scene.arrived()
    const tasks = `/proc/${agent.pid}/task`
    const names = readdirSync(tasks).map((task) => readFileSync(join(tasks, task, 'comm'), 'utf8').trim())
    assert.equal(names.filter((name) => name === 'libuv-worker').length, threads)
    await scene.stop(agent)
  })
}

test('has every command', async (t) => {
  const program = copied(t)
  const scene = await openScene(t, kafka)
  scene.writer('a.log').write(20)
  const agent = scene.start()
  await scene.arrived()
  await scene.stop(agent)
  assert.match(output(program, 'version'), new RegExp(`^logagent ${manifest.version.replaceAll('.', '\\.')} `))
  assert.match(output(program, '--help'), /\bconsume\b/)
  const to = ['--kafka-brokers', kafka.bootstrap, '--kafka-topic', scene.topic]
  assert.match(output(program, 'check', ...to, '--paths', scene.path('*.log'), '--connect'), new RegExp(scene.topic))
  const from = ['--brokers', kafka.bootstrap, '--topic', scene.topic]
  const consumed = output(program, 'consume', ...from, '--from-beginning')
  assert.equal(consumed.split('\n').length - 1, 20)
  const last = consumed.split('\n').slice(-4).join('\n')
  assert.equal(output(program, 'tail', scene.path('a.log'), '-n', '3'), last)
})
