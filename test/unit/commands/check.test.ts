import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { afterEach, suite, test } from 'node:test'
import { check } from '../../../src/commands/check.ts'
import { AgentError, exitCodeOf } from '../../../src/errors.ts'
import { captureOutput } from '../../support/capture.ts'
import { ENOUGH, loadGiven } from '../../support/configuration.ts'
import { fault } from '../../support/fake-fault.ts'
import { closeAll, startFake } from '../../support/open-cluster.ts'
import { freePort } from '../../support/ports.ts'
import { startAgent, type Agent } from '../../support/process.ts'
import { until } from '../../support/wait.ts'

afterEach(closeAll)

const words = (agent: Agent): string => agent.log.map(({ text }) => String(text)).join('\n')

suite('check', () => {
  test('shows every setting with its value and where that came from', async (t) => {
    const config = await loadGiven(t, { environment: ENOUGH, flags: { 'kafka.lingerMs': '7ms' } })
    const out = captureOutput()
    await check({ config, json: false, connect: false, stdout: out.stream })
    const lines = out.text().split('\n')
    assert.ok(lines.some((line) => /^kafka\.brokers +kafka:9092 +environment KAFKA_BROKERS$/.test(line)))
    assert.ok(lines.some((line) => /^kafka\.lingerMs +7ms +flag /.test(line)))
    assert.ok(lines.some((line) => /^batch\.maxBytes .* default$/.test(line)))
    assert.equal(lines.at(-1), '')
  })

  test('shows how many files may be open if the process may not open as many as the setting says', () => {
    const agent = [process.execPath, 'src/main.ts', 'check', '--json', '--output', 'stdout', '--paths', '/logs/*']
    const rows: unknown = JSON.parse(execFileSync('prlimit', ['--nofile=300:300', ...agent], { encoding: 'utf8' }))
    assert.ok(Array.isArray(rows))
    assert.deepEqual(
      rows.find(({ setting }) => setting === 'file.maxOpenFiles'),
      {
        setting: 'file.maxOpenFiles',
        value: 225,
        origin: "default (4096), bounded by the process's limit of 300 descriptors (ulimit -n)",
      },
    )
  })

  test('shows the same as JSON, and findings only if they were requested', async (t) => {
    const config = await loadGiven(t, { environment: ENOUGH })
    const out = captureOutput()
    await check({ config, json: true, connect: false, stdout: out.stream })
    const rows: unknown = JSON.parse(out.text())
    assert.ok(Array.isArray(rows))
    assert.deepEqual(
      rows.find(({ setting }) => setting === 'kafka.topic'),
      { setting: 'kafka.topic', value: 'logs', origin: 'environment KAFKA_TOPIC' },
    )
  })

  test('tries Kafka after the settings, and fails if something is not ready', async (t) => {
    const kafka = await startFake({ topics: { logs: 2 } })
    const brokers = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
    const config = await loadGiven(t, { environment: { ...ENOUGH, KAFKA_BROKERS: brokers } })
    const good = captureOutput()
    await check({ config, json: false, connect: true, stdout: good.stream })
    assert.match(good.text(), /\n\nok {2}broker .*\nok {2}producer id.*\nok {2}topic logs: 2 partitions.*\n$/)
    kafka.moveLeader('logs', 0, -1)
    const bad = captureOutput()
    const failure = await check({ config, json: true, connect: true, stdout: bad.stream }).catch(
      (error: unknown) => error,
    )
    assert.ok(failure instanceof AgentError)
    assert.deepEqual([failure.code, exitCodeOf(failure)], ['kafka-refused', 4])
    assert.equal(failure.message, 'Kafka is not ready: topic logs')
    const { settings, findings }: { settings: unknown[]; findings: { ok: boolean; what: string }[] } = JSON.parse(bad.text()) // prettier-ignore
    assert.ok(settings.length > 20)
    assert.deepEqual(
      findings.map(({ ok, what }) => `${ok} ${what.split(' ')[0]}`),
      ['true broker', 'true producer', 'false topic'],
    )
  })
})

suite('logagent check --connect', () => {
  test('ends with 0 if everything is ready', async (t) => {
    const kafka = await startFake({ topics: { logs: 1 } })
    const brokers = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
    const agent = startAgent(t, { args: ['check', '--connect'], env: { ...ENOUGH, KAFKA_BROKERS: brokers } })
    await agent.exitsWith(0)
    assert.match(agent.output().toString(), /^ok {2}topic logs/m)
    assert.equal(words(agent), '')
  })

  test('ends with 4 where Kafka refuses something or cannot be reached, and says what', async (t) => {
    const kafka = await startFake({ topics: { logs: 1 } })
    kafka.on('InitProducerId', fault.error(31))
    const brokers = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
    const refused = startAgent(t, { args: ['check', '--connect'], env: { ...ENOUGH, KAFKA_BROKERS: brokers } })
    const nowhere = `127.0.0.1:${await freePort(new Set())}`
    const unreachable = startAgent(t, { args: ['check', '--connect'], env: { ...ENOUGH, KAFKA_BROKERS: nowhere } })
    await refused.exitsWith(4)
    assert.equal(words(refused), 'logagent: Kafka is not ready: producer id')
    assert.match(refused.output().toString(), /^NOT producer id: .*CLUSTER_AUTHORIZATION_FAILED/m)
    await unreachable.exitsWith(4)
    assert.equal(words(unreachable), `logagent: Kafka is not ready: broker ${nowhere}`)
  })

  test('ends with 2 where the configuration is wrong, without asking anybody', async (t) => {
    const kafka = await startFake()
    const brokers = kafka.bootstrap.map(({ host, port }) => `${host}:${port}`).join()
    const env = { ...ENOUGH, KAFKA_BROKERS: brokers, KAFKA_ACKS: 'maybe' }
    const agent = startAgent(t, { args: ['check', '--connect'], env })
    await agent.exitsWith(2)
    await until(() => kafka.nodes.every(({ accepted }) => accepted === 0), { what: 'nobody was asked' })
  })
})
