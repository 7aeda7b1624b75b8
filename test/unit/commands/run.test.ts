import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd } from '../../support/ending.ts'
import { startAgent, type Agent } from '../../support/process.ts'
import { freshDirectory, type Ending } from '../../support/temp.ts'
import { until } from '../../support/wait.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')

/** The agent as `"$@"` of a script. */
function shell(t: Ending, script: string, args: readonly string[]) {
  const program = [process.execPath, MAIN]
  const { PATH = '' } = process.env
  return spawnSync('bash', ['-c', script, 'bash', ...program, ...args], {
    ...{ encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL', cwd: freshDirectory(t), env: { PATH } },
  })
}

interface Printed {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
  readonly value: string
}

function scene(t: Ending) {
  const directory = freshDirectory(t)
  const state = freshDirectory(t)
  const start = (...args: string[]): Agent =>
    startAgent(t, {
      args: ['run', '--output', 'stdout', '--paths', join(directory, '*.log'), '--state-dir', state, ...args],
    })
  const printed = (agent: Agent): Printed[] =>
    agent
      .output()
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line): Printed => JSON.parse(line))
  const prints = (agent: Agent, records: number): Promise<boolean> =>
    until(() => printed(agent).length >= records, { what: () => `${records} records; ${JSON.stringify(agent.log)}` })
  return { directory, state, path: (name: string) => join(directory, name), start, printed, prints }
}

suite('logagent run --output stdout', () => {
  test('prints what it would send, follows the files, and writes no state', async (t) => {
    const { path, start, printed, prints, state } = scene(t)
    writeFileSync(path('a.log'), 'one\ngröße ✓\n')
    const agent = start('--kafka-topic', 'logs', '--encoding', 'json')
    await prints(agent, 2)
    appendFileSync(path('a.log'), 'three\n')
    writeFileSync(path('b.log'), 'other\n')
    await prints(agent, 4)
    agent.signal('SIGTERM')
    await agent.exitsWith(0)
    const records = printed(agent)
    assert.deepEqual(new Set(records.map(({ topic, partition }) => `${topic}-${partition}`)), new Set(['logs-0']))
    const values = records.map(({ value }): { message: string; log: { file: { path: string }; offset: number } } => JSON.parse(value)) // prettier-ignore
    assert.deepEqual(values.map(({ message, log }) => `${log.file.path}@${log.offset} ${message}`).sort(), [
      `${path('a.log')}@0 one`,
      `${path('a.log')}@16 three`,
      `${path('a.log')}@4 größe ✓`,
      `${path('b.log')}@0 other`,
    ])
    assert.deepEqual(readdirSync(state), [])
  })

  test('prints records uncompressed that it would send compressed', async (t) => {
    const { path, start, printed, prints } = scene(t)
    writeFileSync(path('a.log'), 'one\ntwo\n')
    const agent = start('--encoding', 'raw', '--kafka-compression', 'zstd')
    await prints(agent, 2)
    agent.signal('SIGTERM')
    await agent.exitsWith(0)
    assert.deepEqual(printed(agent).map(({ value }) => value), ['one', 'two']) // prettier-ignore
  })

  test('ends soon and with exit code 0 when its output has no reader', async (t) => {
    const { path, state } = scene(t)
    writeFileSync(path('a.log'), 'line\n'.repeat(500_000))
    const args = ['run', '--output', 'stdout', '--paths', path('*.log'), '--state-dir', state]
    const { status, stdout } = shell(t, '"$@" | head -n 1; exit ${PIPESTATUS[0]}', args)
    assert.equal(status, 0)
    assert.match(stdout, /^\{"topic":"stdout".*\}\n$/)
  })

  test('goes on if its own log has no reader', async (t) => {
    const { path, state } = scene(t)
    writeFileSync(path('a.log'), 'one\n')
    const flags = ['--output', 'stdout', '--paths', path('*.log'), '--state-dir', state, '--log-summary-ms', '20']
    const child = spawn(process.execPath, [MAIN, 'run', ...flags], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] })
    atEnd(t, () => void child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', (chunk: Buffer) => void (out += chunk.toString()))
    child.stderr.once('data', () => child.stderr.destroy())
    const prints = (word: string): Promise<boolean> =>
      until(() => out.includes(word), { what: () => `${word}: ${out}` })
    await prints('one')
    await delay(300)
    appendFileSync(path('a.log'), 'two\n')
    await prints('two')
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'close'), [0, null])
  })

  test('prints the same again at the next start, since no position has moved', async (t) => {
    const { path, start, printed, prints } = scene(t)
    writeFileSync(path('a.log'), 'one\ntwo\n')
    for (let run = 0; run < 2; run++) {
      const agent = start('--encoding', 'raw')
      await prints(agent, 2)
      agent.signal('SIGINT')
      await agent.exitsWith(0)
      assert.deepEqual(printed(agent).map(({ value }) => value), ['one', 'two']) // prettier-ignore
    }
  })

  test('needs neither brokers nor a topic, and shows headers and bytes that are no text', async (t) => {
    const { path, start, printed, prints } = scene(t)
    writeFileSync(path('a.log'), Buffer.from('bytes \xff\xfe\n', 'latin1'))
    const agent = start('--encoding', 'raw')
    await prints(agent, 1)
    const [record] = printed(agent)
    assert.deepEqual(record?.value, { base64: Buffer.from('bytes \xff\xfe', 'latin1').toString('base64') })
    assert.equal(record?.headers['log.file.path'], path('a.log'))
    assert.equal(record.headers['log.offset'], '0')
    assert.equal(record.headers['log.bytes'], '9')
    assert.ok(Math.abs(record.timestamp - Date.now()) < 60_000)
  })

  test('keeps its log apart from its output, as lines of JSON', async (t) => {
    const { path, start, prints } = scene(t)
    writeFileSync(path('a.log'), 'a secret line\n')
    const agent = start()
    await prints(agent, 1)
    agent.signal('SIGTERM')
    await agent.exitsWith(0)
    assert.deepEqual(
      agent.log.filter(({ msg }) => typeof msg !== 'string'),
      [],
    )
    const logged = agent.log.map(({ msg }) => msg)
    for (const msg of ['logagent starts', 'file found', 'logagent stops', 'logagent stopped']) {
      assert.ok(logged.includes(msg), msg)
    }
    assert.ok(!JSON.stringify(agent.log).includes('secret'))
  })

  test('logs a summary at intervals', async (t) => {
    const { path, start } = scene(t)
    writeFileSync(path('a.log'), 'one\n')
    const agent = start('--log-summary-ms', '50ms')
    await until(() => agent.log.filter(({ msg, lines }) => msg === 'summary' && lines === 1).length >= 2, {
      what: () => `two summaries: ${JSON.stringify(agent.log)}`,
    })
    agent.signal('SIGTERM')
    await agent.exitsWith(0)
  })

  test('writes its log for people if standard error is a terminal', async (t) => {
    const { path, state } = scene(t)
    const args = ['run', '--output', 'stdout', '--paths', path('*.log'), '--state-dir', state]
    const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(' ')
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
      env: { PATH: process.env['PATH'] },
    })
    atEnd(t, () => void terminal.kill('SIGKILL'))
    let shown = ''
    terminal.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    await until(() => shown.includes('logagent starts'), { what: () => `the start: ${shown}` })
    assert.ok(!shown.includes('"msg"'), shown)
    terminal.kill('SIGTERM')
    await once(terminal, 'close')
  })

  test('leaves values from a file of their own out of its first line', async (t) => {
    const secret = join(freshDirectory(t), 'secret')
    writeFileSync(secret, 's3cret')
    const env = { KAFKA_BROKERS_FILE: secret, LOGAGENT_AGENT_ID_FILE: secret, KAFKA_TOPIC: 't' }
    const agent = startAgent(t, { args: ['run', '--output', 'stdout', '--paths', '/var/log/none/*.log'], env })
    const first = await agent.logged(({ msg }) => msg === 'logagent starts', { what: 'the start' })
    assert.deepEqual([first['brokers'], first['agent']], ['(hidden)', '(hidden)'])
  })

  test('drains what was written the moment before it is stopped', async (t) => {
    const { path, start, printed, prints } = scene(t)
    writeFileSync(path('a.log'), 'first\n')
    const agent = start('--encoding', 'raw')
    await prints(agent, 1)
    writeFileSync(path('b.log'), 'line\n'.repeat(1000))
    appendFileSync(path('a.log'), 'last\n')
    agent.signal('SIGTERM')
    await agent.exitsWith(0)
    assert.equal(printed(agent).length, 1002)
  })
})

suite('logagent run', () => {
  test('ends with 2 if the configuration lacks something, and starts nothing', async (t) => {
    const state = freshDirectory(t)
    const agent = startAgent(t, { args: ['run', '--paths', '/var/log/*.log', '--state-dir', state] })
    await agent.exitsWith(2)
    assert.match(agent.log.map(({ text }) => String(text)).join('\n'), /kafka\.brokers/)
    assert.deepEqual(readdirSync(state), [])
  })

  test('ends with 3 if another agent has the state, or if it cannot be used', async (t) => {
    const directory = freshDirectory(t)
    const state = freshDirectory(t)
    const args = ['run', '--paths', join(directory, '*.log'), '--kafka-topic', 'logs', '--kafka-brokers', '127.0.0.1:9']
    const first = startAgent(t, { args: [...args, '--state-dir', state] })
    await first.logged(({ msg }) => msg === 'logagent starts', { what: 'the first' })
    const second = startAgent(t, { args: [...args, '--state-dir', state] })
    const third = startAgent(t, { args: [...args, '--state-dir', '/proc/self/state'] })
    await second.exitsWith(3)
    assert.match(second.log.map(({ text }) => String(text)).join('\n'), /another agent uses the state directory/)
    await third.exitsWith(3)
    first.signal('SIGTERM')
    await first.exitsWith(0)
  })

  test('ends in time and with 6 if Kafka cannot be reached, and logs what is left', async (t) => {
    const directory = freshDirectory(t)
    writeFileSync(join(directory, 'a.log'), 'one\ntwo\n')
    const args = ['run', '--paths', join(directory, '*.log'), '--kafka-topic', 'logs', '--kafka-brokers', '127.0.0.1:9']
    const agent = startAgent(t, {
      args: [...args, '--state-dir', freshDirectory(t), '--shutdown-timeout', '500ms', '--shutdown-drain', 'end'],
    })
    await agent.logged(({ msg }) => msg === 'file found', { what: 'the file' })
    const signalled = performance.now()
    agent.signal('SIGTERM')
    await agent.exitsWith(6, 10_000)
    assert.ok(performance.now() - signalled >= 500, 'it uses the time it has')
    const left = agent.log.filter(({ msg }) => msg === 'not delivered')
    assert.deepEqual(left.map(({ file, bytes }) => [file, bytes]), [[join(directory, 'a.log'), 8]]) // prettier-ignore
  })
})
