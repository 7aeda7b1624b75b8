/** Limits of the machine: no inotify watch left, and an agent that does not run for a while. */
import assert from 'node:assert/strict'
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { sharedKafka } from '../support/kafka.ts'
import { startLoad } from '../support/load.ts'
import { canBe } from '../support/privileges.ts'
import { openScene } from '../support/scene.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const LONG = process.env['LOGAGENT_TEST_LONG'] !== undefined

/** A command that runs another one in a user namespace of its own, with a limit lower than the machine's. */
const limited = (name: string, value: number): readonly string[] => {
  const script = `echo ${value} > /proc/sys/user/${name} && exec "$@"`
  return ['unshare', '--user', '--map-root-user', 'sh', '-c', script, 'sh']
}

describe('inotify at its limit', () => {
  for (const [name, value] of [
    ['max_inotify_instances', 0],
    ['max_inotify_watches', 2],
  ] as const) {
    test(`${name} ${value}: all files are polled, and that is logged`, async (t) => {
      const under = limited(name, value)
      // this fails and is not skipped: a machine on which it cannot be tested has to be noticed
      assert.ok(canBe({ command: under }), 'this machine has no user namespaces, or no limits in them')
      const args = ['--file-last-line-quiet-ms', '200', '--file-discover-ms', '200']
      const scene = await openScene(t, kafka, { partitions: 3, args, agent: { under } })
      const directories = ['a', 'b', 'c', 'd', 'e']
      for (const directory of directories) mkdirSync(scene.path(directory))
      const writers = directories.map((directory) => scene.writer(`${directory}/app.log`))
      for (const writer of writers) writer.write(10)
      const agent = scene.start('--paths', scene.path('*/*.log'))
      await agent.logged(({ msg }) => msg === 'no inotify watch is available: files are polled', {
        what: 'the limit logged',
      })
      await scene.arrived()
      const load = startLoad(t, writers, { rotateAfter: 40 })
      await scene.arrived(1000)
      await load.stop()
      await scene.arrived()
      await scene.stop(agent)
      await scene.delivered()
    })
  }
})

test('finds the first file in a new directory within a second, with and without inotify', async (t) => {
  for (const under of [limited('max_inotify_instances', 0), []]) {
    const scene = await openScene(t, kafka, { agent: { under } })
    const directories = Array.from({ length: 5 }, (_, n) => scene.path(`app-${n}`))
    const agent = scene.start('--paths', directories.map((directory) => `${directory}/*.log`).join(','))
    await agent.logged(({ msg }) => msg === 'logagent starts', { what: 'its start' })
    const waits: number[] = []
    for (const [n, directory] of directories.entries()) {
      // the pause is the input: each directory comes at another moment between two looks
      await delay(n * 170)
      mkdirSync(directory)
      const path = `${directory}/new.log`
      writeFileSync(path, 'a line\n')
      const { time } = await agent.logged(({ msg, file }) => msg === 'file found' && file === path, { what: path })
      waits.push(Date.parse(String(time)) - statSync(path).birthtimeMs)
    }
    // one may be late on a busy machine
    const median = waits.toSorted((a, b) => a - b)[2] ?? Infinity
    assert.ok(median <= 1100, `${waits.join(', ')} ms`)
    await scene.arrived(directories.length)
    await scene.stop(agent)
  }
})

test('goes on after it was stopped by SIGSTOP while it shipped, and sends nothing twice', async (t) => {
  const impatient = LONG ? [] : ['--kafka-request-timeout-ms', '1s', '--kafka-connect-timeout-ms', '1s']
  const args = ['--file-last-line-quiet-ms', '200', ...impatient]
  const scene = await openScene(t, kafka, { partitions: 3, args })
  const writers = ['a.log', 'b.log', 'c.log'].map((name) => scene.writer(name))
  for (const writer of writers) writer.write(10)
  const agent = scene.start()
  // the agent does not ship what is rotated before its first start
  await scene.arrived()
  const load = startLoad(t, writers, { rotateAfter: 60 })
  await scene.arrived(500)
  for (let n = 0; n < 3; n++) {
    agent.pause()
    // the pause is the input: requests are pending for longer than their time-out
    await delay(LONG ? 45_000 : 1500)
    agent.resume()
    await scene.arrived((await scene.count()) + 300)
  }
  await load.stop()
  await scene.recovered(agent)
})
