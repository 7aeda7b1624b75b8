/** Logs on a file system whose server can be gone: other files do not wait for it, and its files are not forgotten. */
import assert from 'node:assert/strict'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TestContext } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { storedOffsets } from '../support/kept-state.ts'
import { canBe } from '../support/privileges.ts'
import { type Agent, type LogLine, startAgent } from '../support/process.ts'
import { lastWords, openScene, type Scene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

const PROGRAM = join(import.meta.dirname, '../support/programs/fuse-mount.ts')
/** Runs a command in a mount namespace of its own: its mounts are visible only there, and end with it. */
const NAMESPACE = ['unshare', '--mount', '--propagation', 'private']

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const mounting = canBe({ command: [...NAMESPACE, 'sh', '-c', 'test -w /dev/fuse && exec "$@"', 'sh'] })
  ? {}
  : { skip: 'the tests may not mount' }

/** The FUSE server of some mounts. */
interface Server {
  /** From here on calls to its mounts hang, until it comes back. */
  readonly goAway: () => Promise<void>
  readonly comeBack: () => Promise<void>
}

interface MountScene {
  readonly scene: Scene
  /** `logs/NAME` is a mount of `backing/NAME` for each of the names. */
  readonly serve: (...names: readonly string[]) => Promise<Server>
}

/** A scene whose directory `logs` is local, except for the mounts below it. */
async function withServers(t: TestContext): Promise<MountScene> {
  const inside: string[] = []
  const scene = await openScene(t, kafka, { agent: { under: inside }, args: ['--shutdown-timeout', '2s'] })
  const serve = async (...names: readonly string[]): Promise<Server> => {
    const pairs = names.map((name) => [scene.path(`backing/${name}`), scene.path(`logs/${name}`)])
    for (const path of pairs.flat()) mkdirSync(path, { recursive: true })
    // the server ends with the test, however that ends, and the mounts end with the server
    const under = inside.length > 0 ? [...inside] : NAMESPACE
    const server = startAgent(t, { from: PROGRAM, args: pairs.flat(), under })
    const said = (what: string): Promise<boolean> =>
      until(() => server.output().toString().endsWith(`${what}\n`), {
        what: () => `the server to say ${what}; it said ${JSON.stringify(server.log)}`,
      })
    await said('mounted')
    if (inside.length === 0) inside.push('nsenter', `--mount=/proc/${server.pid}/ns/mnt`)
    const toggle = async (what: string): Promise<void> => {
      server.signal('SIGUSR2')
      await said(what)
    }
    return { goAway: () => toggle('away'), comeBack: () => toggle('back') }
  }
  return { scene, serve }
}

/** A scene in which `logs` is local, and `logs/far` is a mount of `backing/far`. */
async function withMount(t: TestContext): Promise<Server & Pick<MountScene, 'scene'>> {
  const { scene, serve } = await withServers(t)
  mkdirSync(scene.path('logs/near'), { recursive: true })
  return { scene, ...(await serve('far')) }
}

const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `far${n}`)

/** The names, sorted, of the mounts for which the agent has logged this message. */
function mountsIn(agent: Agent, message: string): string[] {
  const lines = agent.log.filter(({ msg }) => msg === message)
  return lines.map(({ mount }) => basename(String(mount))).sort()
}

const HANGS = 'mount does not answer: its files wait'
const WAITS = 'too many mounts hang: this one waits too'
const ANSWERS = 'mount answers again'

/**
 * Stops an agent of which a call hangs. The stop is in order except for that call: no exit can wait for it, and not
 * even a kill can end a call that FUSE keeps.
 */
async function stopWhileCallsHang(agent: Agent): Promise<void> {
  agent.signal('SIGTERM')
  const isLast = ({ text }: LogLine): boolean => /killing the process instead of exit code 6/.test(String(text))
  await agent.logged(isLast, { what: 'its last words' })
  assert.equal(lastWords(agent)['lostBytes'], 0)
}

test('reads files on a mount to their ends, also during a stop', mounting, async (t) => {
  const { scene } = await withMount(t)
  const far = scene.writer('backing/far/app.log')
  far.write(1000)
  const agent = scene.start('--paths', scene.path('logs/**/*.log'))
  await scene.arrived()
  for (let round = 0; round < 3; round++) far.write(100)
  await scene.stop(agent)
  await scene.delivered()
})

test('ships all other files while a mount hangs, and the files of the mount once it answers', mounting, async (t) => {
  const { scene, goAway, comeBack } = await withMount(t)
  const [far, near] = [scene.writer('backing/far/app.log'), scene.writer('logs/app.log')]
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
  await stopWhileCallsHang(first)
  // one that starts while it hangs
  const second = scene.start('--paths', scene.path('logs/**/*.log'))
  near.write(10)
  await scene.arrived(3020)
  await stopWhileCallsHang(second)
  await comeBack()
  for (const agent of [first, second]) assert.equal((await agent.exited()).signal, 'SIGKILL')
  const third = scene.start('--paths', scene.path('logs/**/*.log'))
  await scene.arrived()
  await scene.stop(third)
  await scene.delivered()
  assert.equal(far.next, 1100)
})

test(
  'keeps threads for the state, zstd, host names and a mount that answers while seven mounts hang',
  mounting,
  async (t) => {
    const { scene, serve } = await withServers(t)
    const names = numbered(7)
    const gone = await serve(...names)
    await serve('well')
    const far = names.map((name) => scene.writer(`backing/${name}/app.log`))
    const [well, near] = [scene.writer('backing/well/app.log'), scene.writer('logs/app.log')]
    for (const writer of [...far, well, near]) writer.write(100)
    await gone.goAway()
    const paths = ['--paths', scene.path('logs/**/*.log')]
    // everything that needs a thread happens while they hang
    const brokers = kafka.bootstrap.replaceAll('127.0.0.1', 'localhost')
    const first = scene.start(...paths, '--kafka-compression', 'zstd', '--kafka-brokers', brokers)
    await scene.arrived(200)
    const hung = (): boolean => mountsIn(first, HANGS).length === 7
    await until(hung, { what: () => `a message for each; there were ${mountsIn(first, HANGS).join(' ')}` })
    for (const writer of [well, near]) writer.write(1000)
    const late = scene.writer('logs/late.log')
    late.write(10)
    await scene.arrived(2210)
    const sizes = ['logs/app.log', 'logs/late.log', 'backing/well/app.log'].map(
      (name) => statSync(scene.path(name)).size,
    )
    let offsets: number[] = []
    const isKept = async (): Promise<boolean> => {
      offsets = [...(await storedOffsets(t, scene.state)).values()]
      return sizes.every((size) => offsets.includes(size))
    }
    await until(isKept, { what: () => `positions ${sizes.join(' ')}; there were ${offsets.join(' ')}` })
    await stopWhileCallsHang(first)
    assert.deepEqual(mountsIn(first, HANGS), names)
    assert.deepEqual(mountsIn(first, WAITS), [])
    await gone.comeBack()
    assert.equal((await first.exited()).signal, 'SIGKILL')
    const second = scene.start(...paths)
    await scene.arrived()
    await scene.stop(second)
    await scene.delivered()
  },
)

test('makes only mounts wait, until they answer, where more of them hang than may', mounting, async (t) => {
  const { scene, serve } = await withServers(t)
  // more than there are threads
  const names = numbered(30)
  const { goAway, comeBack } = await serve(...names)
  const far = names.map((name) => scene.writer(`backing/${name}/app.log`))
  const near = scene.writer('logs/app.log')
  for (const writer of [...far, near]) writer.write(100)
  const agent = scene.start('--paths', scene.path('logs/**/*.log'), '--kafka-compression', 'zstd')
  await scene.arrived()
  await goAway()
  const reported = (): string[] => [...mountsIn(agent, HANGS), ...mountsIn(agent, WAITS)].sort()
  for (const writer of far) writer.write(100)
  await until(() => reported().length >= 30, { what: () => `a message for each; ${reported().join(' ')}` })
  near.write(1000)
  await scene.arrived(3100 + 1000)
  assert.deepEqual([reported(), mountsIn(agent, HANGS).length], [[...names].sort(), 8])
  assert.deepEqual(mountsIn(agent, ANSWERS), [])
  await comeBack()
  await scene.arrived()
  await until(() => mountsIn(agent, ANSWERS).length === 30, { what: 'a message for each that answers again' })
  await scene.stop(agent)
  await scene.delivered()
})
