import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { closest, Complaints, showValue } from '../../../src/config/complaints.ts'
import { collect } from '../../../src/config/layers.ts'
import { setting } from '../../../src/config/setting.ts'
import { resolveValues } from '../../../src/config/resolve.ts'
import { AgentError } from '../../../src/errors.ts'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freshDirectory } from '../../support/temp.ts'

suite('complaints', () => {
  test('reports everything that is wrong at once', async (t) => {
    const yaml = `
encoding: xml
delivery: exactly-once
kafka:
  brokers: [http://kafka]
  topic: ../etc
  lingerMs: -1
  acks: 2
topic: {create: yes, partitions: 0}
inputs: [{path: relative.log}]
`
    assert.deepEqual(await complaintsOf(t, { yaml }), [
      'delivery = "exactly-once" (FILE): not supported yet; give at-least-once or at-most-once',
      'encoding = "xml" (FILE): give json or raw',
      'kafka.brokers = ["http://kafka"] (FILE): give host:port (IPv6 as [::1]:9092), no scheme in front',
      'kafka.topic = "../etc" (FILE): give a topic name: 1 to 249 letters, digits, dots, dashes and underscores',
      'kafka.acks = 2 (FILE): give all, 1 or 0',
      'kafka.lingerMs = -1 (FILE): give a duration from 0 to 1m, as 250 (milliseconds), 500ms, 25s or 5m',
      'topic.create = "yes" (FILE): give true or false',
      'topic.partitions = 0 (FILE): give a number from 1 to 100000 or -1',
      'inputs[0].path = "relative.log" (FILE): give absolute globs without . and .., as /var/log/app/*.log',
    ])
  })

  test('shows neither the text of a file that was named for a value, nor a password', async (t) => {
    const path = join(freshDirectory(t), 'secret')
    writeFileSync(path, 's3cr3t password\nhunter2\n')
    const { KAFKA_BROKERS: _, ...rest } = ENOUGH
    const fromFile = await complaintsOf(t, { environment: { ...rest, KAFKA_BROKERS_FILE: path } })
    assert.deepEqual(fromFile, [
      `kafka.brokers (environment KAFKA_BROKERS_FILE=${path}): give host:port (IPv6 as [::1]:9092), no scheme in front`,
    ])
    const long = `user:hunter2${'x'.repeat(100)}@kafka:9092`
    for (const brokers of ['user:hunter2@kafka:9092', 'a:1,sasl://user:hunter2@kafka:9092', long]) {
      const complaints = (await complaintsOf(t, { environment: { ...rest, KAFKA_BROKERS: brokers } })).join()
      assert.doesNotMatch(complaints, /hunter2/)
      assert.match(complaints, /\*\*\*@kafka:9092/)
    }
  })

  test('guesses which name with the other prefix was meant', async (t) => {
    const environment = { ...ENOUGH, LOGAGENT_TOPIC: 'x', LOGAGENT_KAFKA_BROKERS: 'x', LOGAGENT_ACKS: '1' }
    assert.deepEqual((await complaintsOf(t, { environment })).sort(), [
      'LOGAGENT_ACKS (environment): unknown setting; did you mean KAFKA_ACKS?',
      'LOGAGENT_KAFKA_BROKERS (environment): unknown setting; did you mean KAFKA_BROKERS?',
      'LOGAGENT_TOPIC (environment): unknown setting; did you mean KAFKA_TOPIC?',
    ])
    assert.deepEqual(await complaintsOf(t, { yaml: 'kafka.brokers: k', environment: ENOUGH }), [
      'kafka.brokers (FILE): unknown setting; write brokers below kafka, without a dot',
    ])
  })

  test('shows the field that is wrong, and goes on with the others', async (t) => {
    const yaml = 'fields: {env: prod, team: [shop], "a b\\n": 1}\ninputs: [{path: /a/b, fields: {deep: {er: 1}}}]'
    assert.deepEqual(await complaintsOf(t, { yaml, environment: ENOUGH }), [
      'fields.team = ["shop"] (FILE): give text, a number, true or false: fields are flat',
      '"fields.a b\\n" = 1 (FILE): give a name of 1 to 128 characters, none of them a control character',
      'inputs[0].fields.deep = a map (FILE): give text, a number, true or false: fields are flat',
    ])
  })

  test('shows nothing of a file named for a value, also where several settings do not fit together', async (t) => {
    const file = (name: string, text: string): string => {
      const path = join(freshDirectory(t), name)
      writeFileSync(path, text)
      return path
    }
    const environment = {
      ...ENOUGH,
      LOGAGENT_FIELDS_FILE: file('fields', '{"hunter2": ["hunter2"]}'),
      LOGAGENT_KEY_FILE: file('key', '${fields.hunter2}'),
      KAFKA_ACKS_FILE: file('acks', '0'),
      LOGAGENT_INPUTS_FILE: file('inputs', '[5, {"path": "hunter2"}]'),
    }
    const complaints = await complaintsOf(t, { environment })
    assert.deepEqual(
      complaints.map((line) => line.replace(/ \(.*\): /, ' (…): ')),
      [
        'fields (…): give text, a number, true or false: fields are flat',
        'key (…): there is no field of that name',
        'inputs[0] (…): give a map with path and more',
        'inputs[1].path (…): give absolute globs without . and .., as /var/log/app/*.log',
        'kafka.acks (…): no broker confirms what it stored, so at-least-once is impossible; give all or 1, or delivery at-most-once',
      ],
    )
    assert.doesNotMatch(complaints.join(), /hunter2|= 0/)
  })

  test('says what named a file that cannot be read', async (t) => {
    const byEnvironment = await complaintsOf(t, { environment: { ...ENOUGH, LOGAGENT_CONFIG: '/nowhere/a.yaml' } })
    assert.match(byEnvironment.join(), /^configuration \(FILE\): ENOENT.*; environment LOGAGENT_CONFIG names it$/)
  })

  test('refuses globs that match nothing', async (t) => {
    for (const glob of ['/x/[ab', '/x/{a,b', '/x/a}', '/x/']) {
      const complaints = await complaintsOf(t, { environment: { ...ENOUGH, LOGAGENT_PATHS: glob } })
      assert.match(complaints.join(), /^paths = .*: (close every|give globs of files)/, glob)
    }
    for (const glob of ['/x/\\[ab', '/x/[]a]', '/x/[[]', '/x/{a,b}/*[0-9].log']) {
      await loadGiven(t, { environment: { ...ENOUGH, LOGAGENT_PATHS: glob } })
    }
  })

  test('guesses what was meant by an unknown name', async (t) => {
    const yaml = `
kafak: {brokers: a}
kafka: {linger: 5, broker: a, LingerMs: 1}
KAFKA_TOPIC: t
brokers: b
topic: t
max_line_bytes: 5
utterlyunknown: 1
inputs: [{path: /a/b, toppic: x, path2: y}]
`
    assert.deepEqual(await complaintsOf(t, { yaml, environment: ENOUGH }), [
      'kafak (FILE): unknown setting; did you mean kafka?',
      'kafka.linger (FILE): unknown setting; did you mean kafka.lingerMs?',
      'kafka.broker (FILE): unknown setting; did you mean kafka.brokers?',
      'kafka.LingerMs (FILE): unknown setting; did you mean kafka.lingerMs?',
      'KAFKA_TOPIC (FILE): unknown setting; did you mean kafka.topic?',
      'brokers (FILE): unknown setting; did you mean kafka.brokers?',
      'topic = "t" (FILE): this is a group: give create, partitions, replicationFactor below it; did you mean kafka.topic?',
      'max_line_bytes (FILE): unknown setting; did you mean maxLineBytes?',
      'utterlyunknown (FILE): unknown setting',
      'inputs[0].toppic (FILE): unknown setting; did you mean topic?',
      'inputs[0].path2 (FILE): unknown setting; did you mean path?',
    ])
  })

  test('a secret is not shown', () => {
    const schema = { password: setting('count', 1, { doc: 'x', sensitive: true }) }
    const complaints = new Complaints()
    const given = collect({ environment: { LOGAGENT_PASSWORD: 'hunter2' }, flags: new Map() }, schema, complaints)
    resolveValues(schema, given, { complaints })
    assert.throws(
      () => complaints.throwIfAny(),
      (error) => {
        assert.ok(error instanceof AgentError)
        assert.equal(error.code, 'usage')
        assert.match(error.message, /^password \(environment LOGAGENT_PASSWORD\): give a number from 1/)
        assert.doesNotMatch(error.message, /hunter2/)
        return true
      },
    )
  })

  test('is limited to a number of lines that a person can read', () => {
    const complaints = new Complaints()
    for (let i = 0; i < 1000; i++) complaints.add({ setting: `s${i}`, advice: 'no' })
    assert.throws(() => complaints.throwIfAny(), /\ns49: no\nand 950 more$/)
  })

  test('a hostile name or value stays one line and moves no cursor', () => {
    const complaints = new Complaints()
    complaints.add({ setting: 'a\nb\u001b[2J\u009b', value: '\u202e\n', origin: 'file /x\ny', advice: 'no' })
    assert.throws(
      () => complaints.throwIfAny(),
      (error) => {
        assert.ok(error instanceof Error)
        assert.doesNotMatch(error.message, /[\p{Cc}\u202e]/u)
        return true
      },
    )
  })
})

test('any value is shown as a short text', () => {
  assert.equal(showValue('x'.repeat(1000)).length, 80)
  assert.equal(showValue([1, 'a', null]), '[1,"a",null]')
  assert.equal(showValue([[1]]), 'a list of 1')
  assert.equal(showValue({ a: 1 }), 'a map')
  assert.equal(showValue(true), 'true')
})

test('the closest word is at most a few letters away', () => {
  const words = ['kafka.topic', 'encoding', 'exclude']
  assert.equal(closest('encodign', words), 'encoding')
  assert.equal(closest('KAFKA_TOPIC', words), 'kafka.topic')
  assert.equal(closest('include', words), 'exclude')
  assert.equal(closest('nonsense', words), undefined)
  assert.equal(closest('x'.repeat(1_000_000), words), undefined)
})
