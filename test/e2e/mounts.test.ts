/** Logs on a file system whose server can be gone: nobody else waits for it, and nothing on it is forgotten. */
import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TestContext } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { canBe } from '../support/privileges.ts'
import { type Agent, type LogLine, startAgent } from '../support/process.ts'
import { lastWords, openScene, type Scene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

const PROGRAM = join(import.meta.dirname, '../support/programs/fuse-mount.ts')
/** Mounts are seen only by those that are started into the same namespace, and end with it. */
const NAMESPACE = ['unshare', '--mount', '--propagation', 'private']

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const mounting = canBe({ command: [...NAMESPACE, 'sh', '-c', 'test -w /dev/fuse && exec "$@"', 'sh'] })
  ? {}
  : { skip: 'the tests may not mount' }

interface Mounted {
  readonly scene: Scene
  /** The server answers no more, until it comes back. */
  readonly goAway: () => Promise<void>
  readonly comeBack: () => Promise<void>
}

/** `logs` is local, `logs/far` is a mount of `backing`. */
async function withMount(t: TestContext): Promise<Mounted> {
  const under: string[] = []
  const scene = await openScene(t, kafka, { agent: { under }, args: ['--shutdown-timeout', '2s'] })
  for (const name of ['logs/far', 'logs/near', 'backing']) mkdirSync(scene.path(name), { recursive: true })
  const args = [scene.path('backing'), scene.path('logs/far')]
  const server = startAgent(t, { from: PROGRAM, args, under: NAMESPACE })
  const said = (what: string): Promise<boolean> =>
    until(() => server.output().toString().endsWith(`${what}\n`), {
      what: () => `the server to say ${what}; it said ${JSON.stringify(server.log)}`,
    })
  await said('mounted')
  under.push('nsenter', `--mount=/proc/${server.pid}/ns/mnt`)
  const toggle = async (what: string): Promise<void> => {
    server.signal('SIGUSR2')
    await said(what)
  }
  return { scene, goAway: () => toggle('away'), comeBack: () => toggle('back') }
}

/** In order, but for the call that hangs: no exit can wait for that, and what FUSE keeps not even a kill can end. */
async function toldToStop(agent: Agent): Promise<void> {
  agent.signal('SIGTERM')
  const isLast = ({ text }: LogLine): boolean => /killing the process instead of exit code 6/.test(String(text))
  await agent.logged(isLast, { what: 'its last words' })
  assert.equal(lastWords(agent)['lostBytes'], 0)
}

test('reads what is on a mount to its end, also when it is told to stop', mounting, async (t) => {
  const { scene } = await withMount(t)
  const far = scene.writer('backing/app.log')
  far.write(1000)
  const agent = scene.start('--paths', scene.path('logs/**/*.log'))
  await scene.arrived()
  for (let round = 0; round < 3; round++) far.write(100)
  await scene.stop(agent)
  await scene.delivered()
})

test('a mount that answers no more stops nobody else, and ends with the agent', mounting, async (t) => {
  const { scene, goAway, comeBack } = await withMount(t)
  const [far, near] = [scene.writer('backing/app.log'), scene.writer('logs/app.log')]
  symlinkSync('far/app.log', scene.path('logs/link.log'))
  symlinkSync('../far', scene.path('logs/near/directory'))
  for (const writer of [far, near]) writer.write(1000)
  const first = scene.start('--paths', scene.path('logs/**/*.log'))
  await scene.arrived()
  await goAway()
  near.write(1000)
  const late = scene.writer('logs/near/late.log')
  late.write(10)
  await scene.arrived()
  far.write(100)
  await toldToStop(first)
  // one that starts while it hangs
  const second = scene.start('--paths', scene.path('logs/**/*.log'))
  near.write(10)
  await scene.arrived(3020)
  await toldToStop(second)
  await comeBack()
  for (const agent of [first, second]) assert.equal((await agent.exited()).signal, 'SIGKILL')
  const third = scene.start('--paths', scene.path('logs/**/*.log'))
  await scene.arrived()
  await scene.stop(third)
  await scene.delivered()
  assert.equal(far.next, 1100)
})
