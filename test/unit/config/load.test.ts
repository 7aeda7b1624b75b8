import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { load } from '../../../src/config/load.ts'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freshDirectory } from '../../support/temp.ts'

suite('layers', () => {
  test('three environment variables are a whole configuration', async (t) => {
    const config = await loadGiven(t, { environment: ENOUGH })
    assert.deepEqual(config.kafka.brokers, [{ host: 'kafka', port: 9092 }])
    assert.equal(config.inputs.length, 1)
    assert.equal(config.inputs[0]?.topic, 'logs')
    assert.deepEqual(config.inputs[0].globs, ['/var/log/app/*.log'])
    assert.equal(config.kafka.acks, 'all')
    assert.equal(config.delivery, 'at-least-once')
    assert.equal(config.agent.id, 'node-1')
  })

  test('a flag wins over the environment, that over a file, that over the default', async (t) => {
    const yaml = 'kafka: {lingerMs: 1, clientId: from-file, compression: zstd}'
    const config = await loadGiven(t, {
      yaml,
      environment: { ...ENOUGH, KAFKA_LINGER_MS: '2', KAFKA_CLIENT_ID: 'from-environment' },
      flags: { 'kafka.lingerMs': '3' },
    })
    assert.equal(config.kafka.lingerMs, 3)
    assert.equal(config.kafka.clientId, 'from-environment')
    assert.equal(config.kafka.compression, 'zstd')
    assert.equal(config.origins['kafka.lingerMs']?.words, 'flag --kafka-linger-ms')
    assert.equal(config.origins['kafka.clientId']?.words, 'environment KAFKA_CLIENT_ID')
    assert.match(config.origins['kafka.compression']?.words ?? '', /^file \/.*logagent\.yaml$/)
    assert.equal(config.origins['kafka.topic']?.words, 'environment KAFKA_TOPIC')
    assert.equal(config.origins['kafka.requestTimeoutMs'], undefined)
  })

  test('every value is validated, also one that a higher layer overrides', async (t) => {
    const complaints = await complaintsOf(t, {
      yaml: 'kafka: {lingerMs: soon}',
      environment: { ...ENOUGH, KAFKA_LINGER_MS: '2' },
    })
    assert.equal(complaints.length, 1)
    assert.match(complaints[0] ?? '', /^kafka\.lingerMs = "soon" \(FILE\): give a duration from 0 to 1m, as 250/)
  })

  test('LOGAGENT_CONFIG names the file, --config wins over it', async (t) => {
    const directory = freshDirectory(t)
    for (const id of ['a', 'b']) writeFileSync(join(directory, `${id}.json`), JSON.stringify({ agent: { id } }))
    const environment = { ...ENOUGH, LOGAGENT_CONFIG: join(directory, 'a.json') }
    const rest = { environment, flags: new Map<string, string>(), hostName: 'h', output: 'kafka' } as const
    assert.equal((await load(rest)).agent.id, 'a')
    assert.equal((await load({ ...rest, configPath: join(directory, 'b.json') })).agent.id, 'b')
  })

  test('an empty variable counts as not set, a key without a value as left out', async (t) => {
    const config = await loadGiven(t, {
      yaml: 'kafka:\n  compression:\ntopic:\n',
      environment: { ...ENOUGH, KAFKA_COMPRESSION: '', LOGAGENT_CONFIG: '' },
    })
    assert.equal(config.kafka.compression, 'none')
  })

  test('is frozen to its leaves', async (t) => {
    const config = await loadGiven(t, {
      environment: { ...ENOUGH, LOGAGENT_FIELDS: 'a=b', LOGAGENT_KEY: 'x${agent.id}' },
    })
    const rest: unknown[] = [config]
    for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
      if (typeof next !== 'object' || next === null) continue
      assert.ok(Object.isFrozen(next))
      rest.push(...Object.values(next))
    }
  })
})

suite('files', () => {
  test('YAML, JSON and INI give the same configuration', async (t) => {
    const yaml =
      'kafka: {brokers: [a:1, b:2], retry: {maxMs: 2s}}\ninputs: {web: {path: [/x/*.log, /y/z.log], topic: t, fields: {n: x}}}\ntopic: {create: true}'
    const json = JSON.stringify({
      kafka: { brokers: 'a:1,b:2', retry: { maxMs: 2000 } },
      inputs: [{ name: 'web', path: ['/x/*.log', '/y/z.log'], topic: 't', fields: { n: 'x' } }],
      topic: { create: true },
    })
    const ini =
      '; said\n[kafka]\nbrokers = a:1, b:2\n[kafka.retry]\nmaxMs = 2s\n[inputs.web]\npath=/x/*.log,/y/z.log\ntopic=t\nfields = n=x\n[topic]\ncreate=true\n'
    const [first, ...others] = await Promise.all([
      loadGiven(t, { yaml }),
      loadGiven(t, { json }),
      loadGiven(t, { ini }),
    ])
    const { origins: _, ...expected } = first
    assert.equal(first.kafka.retry.maxMs, 2000)
    for (const { origins: _, ...other } of others) assert.deepEqual(other, expected)
  })

  test('fields may be a section of their own in INI', async (t) => {
    const config = await loadGiven(t, {
      ini: '[inputs.web]\npath=/x.d/*\n[inputs.web.fields]\nenv=prod',
      environment: ENOUGH,
    })
    assert.deepEqual({ ...config.inputs.find(({ id }) => id === 'web')?.fields }, { env: 'prod' })
  })
})
