import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FORMATS } from '../../../src/config/formats.ts'
import { GROUPS, INPUT_SCHEMA, SCHEMA } from '../../../src/config/schema.ts'
import { namedSettings } from '../../../src/config/setting.ts'

const settings = namedSettings(SCHEMA)

test('the environment names of the simple case are a contract', () => {
  const names = new Map(settings.map(({ name, env }) => [env, name]))
  const contract = {
    LOGAGENT_PATHS: 'paths',
    KAFKA_BROKERS: 'kafka.brokers',
    KAFKA_TOPIC: 'kafka.topic',
    LOGAGENT_STATE_DIR: 'state.dir',
    LOGAGENT_ENCODING: 'encoding',
    LOGAGENT_HEADERS: 'headers',
    LOGAGENT_DELIVERY: 'delivery',
    LOGAGENT_START: 'start',
    KAFKA_ACKS: 'kafka.acks',
    KAFKA_COMPRESSION: 'kafka.compression',
    KAFKA_PARTITIONER: 'kafka.partitioner',
    LOGAGENT_LOG_LEVEL: 'log.level',
    LOGAGENT_AGENT_ID: 'agent.id',
  }
  for (const [env, name] of Object.entries(contract)) assert.equal(names.get(env), name, env)
})

test('every setting has a description, a group and names of its own', () => {
  const taken = new Set<string>(['LOGAGENT_CONFIG', 'config', 'output', 'json', 'help'])
  for (const { name, env, flag, setting } of settings) {
    assert.match(setting.doc, /\.$/, name)
    assert.ok(GROUPS[name.includes('.') ? name.slice(0, name.indexOf('.')) : ''], `${name} has a group`)
    for (const one of [env, `${env}_FILE`, flag]) {
      assert.ok(!taken.has(one), `${one} is taken`)
      taken.add(one)
    }
  }
})

test('a number has its unit in its name or its format', () => {
  for (const { name, setting } of settings) {
    if (name.endsWith('Ms')) assert.equal(setting.unit, 'ms', name)
    if (name.endsWith('Bytes')) assert.equal(setting.unit, 'bytes', name)
  }
})

test('a default is a value that its format accepts, or is found out while loading', () => {
  for (const { name, setting } of [...settings, ...namedSettings(INPUT_SCHEMA)]) {
    const isEmpty = setting.default === '' || (Array.isArray(setting.default) && setting.default.length === 0)
    if (!isEmpty) assert.doesNotThrow(() => FORMATS[setting.format].validate(setting.default, setting), name)
  }
})
