import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { SCHEMA } from '../../src/config/schema.ts'
import { namedSettings } from '../../src/config/setting.ts'
import { startAgent } from '../support/process.ts'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

const ROOT = join(import.meta.dirname, '../..')

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function logagent(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const agent = startAgent(t, { args, env })
  const { code } = await agent.exited()
  return { code, out: agent.output().toString(), err: agent.log.map(({ text }) => String(text)).join('\n') }
}

suite('the command line', () => {
  test('shows help with every command, and groups the flags of run', async (t) => {
    const { code, out } = await logagent(t, ['--help'])
    assert.equal(code, 0)
    for (const command of ['run', 'check', 'consume', 'tail', 'state', 'version'])
      assert.match(out, new RegExp(`^  ${command} `, 'm'))
    const run = await logagent(t, ['run', '--help'])
    assert.equal(run.code, 0)
    for (const { flag } of namedSettings(SCHEMA)) assert.match(run.out, new RegExp(`^  --${flag} `, 'm'))
    assert.match(run.out, /^Kafka:\n  --kafka-brokers/m)
  })

  test('an unknown command or flag ends with exit code 2 and a guess', async (t) => {
    assert.deepEqual(await logagent(t, ['rnu']), {
      code: 2,
      out: '',
      err: "logagent: unknown command 'rnu'\nlogagent: (Did you mean run?)",
    })
    assert.match(
      (await logagent(t, ['check', '--kafka-topics', 'x'])).err,
      /unknown option '--kafka-topics'\n.*--kafka-topic/,
    )
    assert.equal((await logagent(t, ['tail', '-n', 'x', '/dev/null'])).code, 2)
    assert.equal((await logagent(t, ['consume', '--brokers', 'a'])).code, 2)
    assert.match(
      (await logagent(t, ['consume', '--topic', 't', '--follow', '--brokers', 'a:b'])).err,
      /give host:port$/,
    )
    assert.match(
      (await logagent(t, ['consume', '--topic', 't', '--follow', '--brokers', ','])).err,
      /at least one host:port$/,
    )
    assert.match(
      (await logagent(t, ['consume', '--topic', 't', '--brokers', 'a'])).err,
      /give --from-beginning .* --follow/,
    )
    assert.equal((await logagent(t, [])).code, 2)
  })

  test('--help is no error', async (t) => {
    for (const args of [['--help'], ['help'], ['help', 'run'], ['run', '--help']]) {
      const { code, out, err } = await logagent(t, args)
      assert.deepEqual([code, err], [0, ''], args.join(' '))
      assert.match(out, /Usage: logagent/)
    }
  })

  test('prints the version', async (t) => {
    const manifest: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
    const version = String(Reflect.get(Object(manifest), 'version'))
    assert.match(
      (await logagent(t, ['version'])).out,
      new RegExp(`^logagent ${version} \\(node \\d+\\.\\d+\\.\\d+, \\w+ \\w+\\)\n$`),
    )
    assert.equal((await logagent(t, ['--version'])).out, `${version}\n`)
  })

  test('a file that cannot be read ends with exit code 5', async (t) => {
    assert.deepEqual(await logagent(t, ['tail', '/nowhere']), {
      code: 5,
      out: '',
      err: "logagent: /nowhere: ENOENT: no such file or directory, open '/nowhere'",
    })
  })

  test('a broker that cannot be reached ends with exit code 4', async (t) => {
    const { code, out, err } = await logagent(t, ['consume', '--topic', 't', '--follow', '--brokers', '127.0.0.1:1'])
    assert.deepEqual([code, out], [4, ''])
    assert.match(err, /^logagent: Kafka can't be reached: [^\n]*$/)
  })
})

suite('check', () => {
  test('shows the values in effect and where they came from', async (t) => {
    const env = { LOGAGENT_PATHS: '/a/*.log', KAFKA_BROKERS: 'k' }
    const { code, out } = await logagent(t, ['check', '--kafka-topic', 'logs', '--topic-create'], env)
    assert.equal(code, 0)
    assert.match(out, /^kafka\.brokers +k:9092 +environment KAFKA_BROKERS$/m)
    assert.match(out, /^topic\.create +true +flag --topic-create$/m)
    assert.match(out, /^kafka\.lingerMs +5ms +default$/m)
    assert.match(out, /^inputs\.input-[\da-f]{8}\.topic +logs +flag --kafka-topic, as kafka\.topic$/m)
  })

  test('shows the same as JSON', async (t) => {
    const path = join(freshDirectory(t), 'c.yaml')
    writeFileSync(path, 'inputs: {web: {path: /a/b}}\nkafka: {brokers: k, topic: t}')
    const { out } = await logagent(t, ['check', '--json', '--config', path])
    const rows: unknown = JSON.parse(out)
    assert.ok(Array.isArray(rows))
    assert.deepEqual(
      rows.find(({ setting }) => setting === 'kafka.lingerMs'),
      { setting: 'kafka.lingerMs', value: 5, origin: 'default' },
    )
    assert.deepEqual(
      rows.find(({ setting }) => setting === 'inputs.web.path'),
      { setting: 'inputs.web.path', value: ['/a/b'], origin: `file ${path}` },
    )
  })

  test('prints all complaints, one in each line, with exit code 2', async (t) => {
    const { code, out, err } = await logagent(t, ['check', '--encoding', 'xml'], { KAFKA_ACKS: 'maybe' })
    assert.deepEqual([code, out], [2, ''])
    assert.deepEqual(
      err.split('\n').map((line) => line.split(/[ :]/)[2]),
      ['encoding', 'kafka.acks', 'inputs', 'kafka.brokers'],
    )
  })
})

suite('signals', () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} ends a command in order`, async (t) => {
      const path = join(freshDirectory(t), 'a.log')
      writeFileSync(path, 'here\n')
      const agent = startAgent(t, { args: ['tail', '-f', path] })
      await until(() => agent.output().length > 0, { what: 'the file is shown' })
      agent.signal(signal)
      assert.deepEqual(await agent.exited(), { code: 0, signal: null })
    })
  }

  test('a reader that goes away is no error', async (t) => {
    const path = join(freshDirectory(t), 'a.log')
    writeFileSync(path, 'x\n'.repeat(1_000_000))
    const child = spawn(process.execPath, [join(ROOT, 'src/main.ts'), 'tail', '-n', '1000000', path], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    t.after(() => child.kill('SIGKILL'))
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    await once(child.stdout, 'readable')
    child.stdout.destroy()
    assert.deepEqual(await once(child, 'close'), [0, null])
    assert.equal(err, '')
  })
})
