import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, rowsOf } from '../../../src/config/describe.ts'
import { setting } from '../../../src/config/setting.ts'
import { ENOUGH, loadGiven } from '../../support/configuration.ts'

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

test('a secret that is set is masked, one that is not is empty', () => {
  const schema = { password: setting('name', '', { doc: 'x', sensitive: true }) }
  const rows = (password: string): unknown => rowsOf({ schema, values: { password }, origins: {} })
  assert.deepEqual(rows('hunter2'), [{ setting: 'password', value: '(hidden)', text: '(hidden)', origin: 'default' }])
  assert.deepEqual(rows(''), [{ setting: 'password', value: '', text: '', origin: 'default' }])
})
