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

suite('values from files', () => {
  test('NAME_FILE names a file with the value, whose last newline is dropped', async (t) => {
    const path = join(freshDirectory(t), 'topic')
    writeFileSync(path, 'secret-topic\n')
    const { KAFKA_TOPIC: _, ...rest } = ENOUGH
    const config = await loadGiven(t, { environment: { ...rest, KAFKA_TOPIC_FILE: path } })
    assert.equal(config.kafka.topic, 'secret-topic')
    assert.equal(config.origins['kafka.topic']?.words, `environment KAFKA_TOPIC_FILE=${path}`)
  })

  test('NAME and NAME_FILE together are a complaint', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_TOPIC_FILE: '/nowhere' } })
    assert.deepEqual(complaints, [
      'kafka.topic (environment KAFKA_TOPIC_FILE and KAFKA_TOPIC): both are set; give one of them',
    ])
  })

  test('a missing file is reported, and the missing value is not reported too', async (t) => {
    const { KAFKA_BROKERS: _, ...rest } = ENOUGH
    const complaints = await complaintsOf(t, { environment: { ...rest, KAFKA_BROKERS_FILE: '/nowhere/at-all' } })
    assert.equal(complaints.length, 1)
    assert.match(
      complaints[0] ?? '',
      /^kafka\.brokers \(environment KAFKA_BROKERS_FILE\): give a file that can be read: ENOENT/,
    )
  })
})

suite('rules between settings', () => {
  test('something to read, brokers and a topic must be given', async (t) => {
    assert.deepEqual(await complaintsOf(t, {}), [
      'inputs: nothing to read; set LOGAGENT_PATHS (globs), paths or inputs in a file, or --paths',
      'kafka.brokers: missing; set KAFKA_BROKERS, kafka.brokers in a file or --kafka-brokers to host:port',
    ])
    const noTopic = await complaintsOf(t, { environment: { LOGAGENT_PATHS: '/a/*', KAFKA_BROKERS: 'k' } })
    assert.match(noTopic.join('\n'), /^kafka\.topic: missing; set KAFKA_TOPIC[^\n]*$/)
  })

  test('standard output needs neither brokers nor topic', async (t) => {
    const config = await loadGiven(t, { environment: { LOGAGENT_PATHS: '/a/*' }, output: 'stdout' })
    assert.deepEqual(config.kafka.brokers, [])
    assert.equal(config.inputs[0]?.topic, 'stdout')
  })

  test('at-most-once means acks 0, and nothing else', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_DELIVERY: 'at-most-once' }
    assert.equal((await loadGiven(t, { environment })).kafka.acks, 0)
    assert.equal((await loadGiven(t, { environment: { ...environment, KAFKA_ACKS: '0' } })).kafka.acks, 0)
    for (const acks of ['1', 'all']) {
      const complaints = await complaintsOf(t, { environment: { ...environment, KAFKA_ACKS: acks } })
      assert.match(
        complaints.join('\n'),
        /^kafka\.acks = (1|"all") \(environment KAFKA_ACKS\): at-most-once waits for no response/,
      )
    }
  })

  test('at-least-once can have acks all and 1, not 0', async (t) => {
    assert.equal((await loadGiven(t, { environment: { ...ENOUGH, KAFKA_ACKS: '1' } })).kafka.acks, 1)
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_ACKS: '0' } })
    assert.match(complaints.join('\n'), /^kafka\.acks = 0 .*at-least-once is impossible/)
  })

  test('the buffer must hold eight batches, and the complaint says how much that is', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_BATCH_MAX_BYTES: '4MiB' }
    const complaints = await complaintsOf(t, { environment })
    assert.match(complaints.join('\n'), /^buffer\.maxBytes = 16777216 \(default\): .*give 32MiB \(33554432\) or more$/)
    await loadGiven(t, { environment: { ...environment, LOGAGENT_BUFFER_MAX_BYTES: '33554432' } })
  })

  test('a line must fit into the bytes that may be read ahead', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, LOGAGENT_MAX_LINE_BYTES: '9MiB' } })
    assert.match(
      complaints.join('\n'),
      /^buffer\.maxBytes = 16777216 \(default\): too little for lines .*give 29229056 or more$/m,
    )
    assert.match(complaints.join('\n'), /^file\.maxUnacked = 8388608 \(default\): .*give 9MiB or more$/m)
  })

  test('reports need a log that shows them', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_REPORT: 'log', LOGAGENT_LOG_LEVEL: 'warn' }
    assert.deepEqual(await complaintsOf(t, { environment }), [
      'report = "log" (environment LOGAGENT_REPORT): batches are reported at info, which log.level = warn (environment LOGAGENT_LOG_LEVEL) leaves out; give log.level info, debug or trace, or report none',
    ])
    await loadGiven(t, { environment: { ...environment, LOGAGENT_REPORT: 'none' } })
    for (const level of ['trace', 'debug', 'info'])
      await loadGiven(t, { environment: { ...environment, LOGAGENT_LOG_LEVEL: level } })
  })

  test('the first retry may not wait longer than the longest', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_RETRY_MIN_MS: '2s' } })
    assert.match(complaints.join('\n'), /^kafka\.retry\.minMs = 2000 .*give no more than kafka\.retry\.maxMs \(1000\)$/)
  })
})
