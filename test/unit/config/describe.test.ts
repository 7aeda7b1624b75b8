import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Complaints } from '../../../src/config/complaints.ts'
import { describe, rowsOf } from '../../../src/config/describe.ts'
import { collect } from '../../../src/config/layers.ts'
import { setting } from '../../../src/config/setting.ts'
import { resolveValues } from '../../../src/config/resolve.ts'
import { ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freshDirectory } from '../../support/temp.ts'

test('every setting and every member of an input has a row', async (t) => {
  const environment = {
    ...ENOUGH,
    KAFKA_BROKERS: 'a,[::1]:1',
    LOGAGENT_KEY: '${agent.id}-${log.file.path}',
    LOGAGENT_FIELDS: 'a=b',
  }
  const rows = new Map(describe(await loadGiven(t, { environment })).map((row) => [row.setting, row]))
  const text = (name: string): string | undefined => rows.get(name)?.text
  assert.equal(text('kafka.brokers'), 'a:9092, [::1]:1')
  assert.equal(text('kafka.requestTimeoutMs'), '30s')
  assert.equal(rows.get('kafka.requestTimeoutMs')?.value, 30_000)
  assert.equal(text('buffer.maxBytes'), '16MiB')
  assert.equal(text('agent.id'), 'node-1')
  assert.equal(rows.get('kafka.topic')?.origin, 'environment KAFKA_TOPIC')
  const [input] = [...rows.keys()].filter((name) => /^inputs\..*\.key$/.test(name))
  assert.equal(text(input ?? ''), 'node-1-${log.file.path}')
  assert.equal(text((input ?? '').replace('.key', '.fields')), 'a=b')
  assert.ok(!rows.has('inputs'))
})

test('a secret that is set is masked, and one that is not set is empty', () => {
  const schema = { password: setting('name', '', { doc: 'x', sensitive: true }) }
  const rows = (password: string): unknown => rowsOf({ schema, values: { password }, origins: {} })
  assert.deepEqual(rows('hunter2'), [{ setting: 'password', value: '(hidden)', text: '(hidden)', origin: 'default' }])
  assert.deepEqual(rows(''), [{ setting: 'password', value: '', text: '', origin: 'default' }])
})

test('a sensitive setting is masked in every layer, and its origin is shown', () => {
  const schema = { password: setting('name', '', { doc: 'x', sensitive: true }) }
  const complaints = new Complaints()
  const given = collect({ environment: { LOGAGENT_PASSWORD: 'hunter2' }, flags: new Map() }, schema, complaints)
  const { values, origins } = resolveValues(schema, given, { complaints })
  assert.equal(values.password, 'hunter2')
  const hidden = { value: '(hidden)', text: '(hidden)', origin: 'environment LOGAGENT_PASSWORD' }
  const rows = rowsOf({ schema, values, origins: Object.fromEntries(origins) })
  assert.deepEqual(rows, [{ setting: 'password', ...hidden }])
  assert.equal(origins.get('password')?.isSecret, true)
})

test('a value from a file of its own is masked, and so is a value that was made with it', async (t) => {
  const directory = freshDirectory(t)
  const files = {
    KAFKA_BROKERS: 's3cret-broker',
    KAFKA_TOPIC: 's3cret-topic',
    LOGAGENT_AGENT_ID: 's3cret-agent',
    LOGAGENT_FIELDS: 'token=s3cret',
    LOGAGENT_PATHS: '/s3cret/*.log',
  }
  const environment = Object.fromEntries(
    Object.entries(files).map(([name, text]) => {
      writeFileSync(join(directory, name), `${text}\n`)
      return [`${name}_FILE`, join(directory, name)]
    }),
  )
  const yaml = `
inputs:
  own: {path: /a/*.log, fields: {team: shop}, key: '\${fields.token}', topic: open}
  agent: {path: /b/*.log, key: '\${agent.id}', roots: [/b]}
  plain: {path: /c/*.log, key: '\${log.file.name}'}
`
  const rows = describe(await loadGiven(t, { yaml, environment }))
  assert.doesNotMatch(JSON.stringify(rows), /s3cret/)
  const hidden = rows.filter(({ value, text }) => value === '(hidden)' && text === '(hidden)')
  assert.deepEqual(
    hidden.map(({ setting }) => setting.replace(/input-\w+/, 'ID')),
    [
      ...['paths', 'fields', 'kafka.brokers', 'kafka.topic', 'agent.id'],
      ...['path', 'topic', 'roots', 'fields'].map((member) => `inputs.ID.${member}`),
      ...['key', 'fields'].map((member) => `inputs.own.${member}`),
      ...['topic', 'key', 'fields'].map((member) => `inputs.agent.${member}`),
      ...['topic', 'fields'].map((member) => `inputs.plain.${member}`),
    ],
  )
  const origin = (name: string): string | undefined => rows.find(({ setting }) => setting === name)?.origin
  const file = (name: string): string => `environment ${name}_FILE=${join(directory, name)}`
  assert.equal(origin('kafka.topic'), file('KAFKA_TOPIC'))
  assert.equal(origin('inputs.agent.fields'), `${file('LOGAGENT_FIELDS')}, as fields`)
  assert.match(origin('inputs.own.fields') ?? '', /^file .*logagent\.yaml, with environment LOGAGENT_FIELDS_FILE=/)
  assert.match(origin('inputs.agent.key') ?? '', /^file .*logagent\.yaml, with environment LOGAGENT_AGENT_ID_FILE=/)
})

test('a value that overrides one from a file of its own is shown', async (t) => {
  const path = join(freshDirectory(t), 'topic')
  writeFileSync(path, 'below')
  const { KAFKA_TOPIC: _, ...rest } = ENOUGH
  const environment = { ...rest, KAFKA_TOPIC_FILE: path }
  const rows = describe(await loadGiven(t, { environment, flags: { 'kafka.topic': 'above' } }))
  assert.equal(rows.find(({ setting }) => setting === 'kafka.topic')?.text, 'above')
})
