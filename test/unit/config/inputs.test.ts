import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'

const environment = { KAFKA_BROKERS: 'k', KAFKA_TOPIC: 'logs' }

suite('an input', () => {
  test('gets members that it does not give from the top level', async (t) => {
    const yaml = `
encoding: raw
headers: none
start: end
emptyLines: drop
maxLineBytes: 2KiB
longLines: drop
rotated: none
exclude: ['*.gz']
roots: [/var/log]
key: file
fields: {env: prod, tier: web}
kafka: {partitioner: 2}
inputs:
  plain: {path: /var/log/a.log}
  own: {path: /var/log/b.log, encoding: json, topic: t, partitioner: hash, fields: {tier: db}, exclude: []}
`
    const { inputs } = await loadGiven(t, { yaml, environment })
    const shared = {
      headers: 'none',
      start: 'end',
      emptyLines: 'drop',
      maxLineBytes: 2048,
      longLines: 'drop',
      rotated: 'none',
      roots: ['/var/log'],
      key: { kind: 'file' },
    }
    assert.deepEqual(inputs, [
      {
        ...shared,
        id: 'plain',
        globs: ['/var/log/a.log'],
        exclude: ['*.gz'],
        topic: 'logs',
        partitioner: 2,
        encoding: 'raw',
        fields: { env: 'prod', tier: 'web' },
      },
      {
        ...shared,
        id: 'own',
        globs: ['/var/log/b.log'],
        exclude: [],
        topic: 't',
        partitioner: 'hash',
        encoding: 'json',
        fields: { env: 'prod', tier: 'db' },
      },
    ])
  })

  test('keeps its identity at any place in the list', async (t) => {
    const [a, b] = ['{path: [/a/*.log, /b/*.log]}', '{path: /c/*.log}']
    const one = await loadGiven(t, { yaml: `inputs: [${a}, ${b}]`, environment })
    const other = await loadGiven(t, {
      yaml: `inputs: [${b}, {path: [/b/*.log, /a/*.log], topic: other}]`,
      environment,
    })
    assert.match(one.inputs[0]?.id ?? '', /^input-[\da-f]{8}$/)
    assert.deepEqual(one.inputs.map(({ id }) => id).toSorted(), other.inputs.map(({ id }) => id).toSorted())
    assert.notEqual(one.inputs[0]?.id, one.inputs[1]?.id)
  })

  test('may not be given twice, by name or by globs', async (t) => {
    const yaml = 'inputs: [{path: /a/b}, {path: /a/b, topic: x}, {name: n, path: /c/d}, {name: n, path: /e/f}]'
    const complaints = await complaintsOf(t, { yaml, environment })
    assert.equal(complaints.length, 2)
    assert.match(
      complaints[0] ?? '',
      /^inputs\[1\] \(FILE\): the input input-\w{8} is given twice, here and in inputs\[0\]/,
    )
    assert.match(complaints[1] ?? '', /^inputs\[3\] \(FILE\): the input n is given twice, here and in inputs\[2\]/)
    const other = await complaintsOf(t, { yaml: 'inputs: [{path: /var/log/app/*.log}]', environment: ENOUGH })
    assert.match(other.join('\n'), /^inputs\[0\] .* here and in paths;/)
  })

  test('comes from LOGAGENT_PATHS beside those of the file', async (t) => {
    const config = await loadGiven(t, { yaml: 'inputs: {web: {path: /x/y, topic: t}}', environment: ENOUGH })
    assert.deepEqual(
      config.inputs.map(({ globs, topic }) => [globs[0], topic]),
      [
        ['/var/log/app/*.log', 'logs'],
        ['/x/y', 't'],
      ],
    )
  })

  test('may come from the environment as JSON', async (t) => {
    const config = await loadGiven(t, { environment: { ...environment, LOGAGENT_INPUTS: '[{"path": "/a/b"}]' } })
    assert.deepEqual(config.inputs[0]?.globs, ['/a/b'])
    const complaints = await complaintsOf(t, { environment: { ...environment, LOGAGENT_INPUTS: '[{' } })
    assert.match(
      complaints.join('\n'),
      /^inputs = "\[\{" \(environment LOGAGENT_INPUTS\): give a list of inputs, or a map/,
    )
  })

  test('that is no map is reported, and the others are validated all the same', async (t) => {
    const map = 'inputs: {web: {path: /a/b, encoding: xml}, c: 5, b: {path: rel}, d: [x], e: }'
    assert.deepEqual(await complaintsOf(t, { yaml: map, environment }), [
      'inputs.web.encoding = "xml" (FILE): give json or raw',
      'inputs.c = 5 (FILE): give a map with path and more',
      'inputs.b.path = "rel" (FILE): give absolute globs without . and .., as /var/log/app/*.log',
      'inputs.d = ["x"] (FILE): give a map with path and more',
      'inputs.e = null (FILE): give a map with path and more',
    ])
    assert.deepEqual(await complaintsOf(t, { yaml: 'inputs: [5, {path: /a/b, start: now}]', environment }), [
      'inputs[0] = 5 (FILE): give a map with path and more',
      'inputs[1].start = "now" (FILE): give beginning or end',
    ])
  })

  test('needs a path and a topic', async (t) => {
    const yaml = 'inputs: [{topic: x}, {path: []}, {path: /a/b}]'
    assert.deepEqual(await complaintsOf(t, { yaml, environment: { KAFKA_BROKERS: 'k' } }), [
      'inputs[0].path: missing; give a glob or a list of globs',
      'inputs[1].path = [] (FILE): give at least one glob',
      'inputs[2].topic: missing; set KAFKA_TOPIC, kafka.topic in a file, --kafka-topic or the topic of each input',
    ])
  })

  test('keeps where each of its values came from', async (t) => {
    const config = await loadGiven(t, {
      yaml: 'inputs: {web: {path: /a/b, encoding: raw}}',
      environment: { ...environment, LOGAGENT_START: 'end' },
    })
    assert.match(config.origins['inputs.web.encoding']?.words ?? '', /^file /)
    assert.equal(config.origins['inputs.web.start']?.words, 'environment LOGAGENT_START, as start')
    assert.equal(config.origins['inputs.web.topic']?.words, 'environment KAFKA_TOPIC, as kafka.topic')
    assert.equal(config.origins['inputs.web.headers']?.words, 'default')
  })
})

suite('allowed roots', () => {
  const rootsOf = async (t: Parameters<typeof loadGiven>[0], paths: string): Promise<readonly string[] | undefined> =>
    (await loadGiven(t, { environment: { ...environment, LOGAGENT_PATHS: paths } })).inputs[0]?.roots

  test('are the part of a glob before its first pattern', async (t) => {
    assert.deepEqual(await rootsOf(t, '/var/log/app/*.log'), ['/var/log/app'])
    assert.deepEqual(await rootsOf(t, '/var/log/app.log'), ['/var/log'])
    assert.deepEqual(await rootsOf(t, '/var/log/a*/b/c.log'), ['/var/log'])
    assert.deepEqual(await rootsOf(t, '/var/{log,tmp}/x,//srv//logs/?.log,/var/x[0-9].log'), ['/var', '/srv/logs'])
    assert.deepEqual(await rootsOf(t, '/var/log/@x/*.log,/var/log/+/y.log'), ['/var/log/@x', '/var/log/+'])
  })

  test('are never the whole machine by accident', async (t) => {
    for (const paths of ['/**/*.log', '/*.log', '/app.log']) {
      const complaints = await complaintsOf(t, { environment: { ...environment, LOGAGENT_PATHS: paths } })
      assert.match(
        complaints.join('\n'),
        /^paths = "\/.*" \(environment LOGAGENT_PATHS\): it begins at \/, .*give roots/,
      )
    }
    const config = await loadGiven(t, {
      environment: { ...environment, LOGAGENT_PATHS: '/*/x.log', LOGAGENT_ROOTS: '/' },
    })
    assert.deepEqual(config.inputs[0]?.roots, ['/'])
  })
})

suite('a glob', () => {
  const complaintOf = async (t: Parameters<typeof loadGiven>[0], name: string, value: string): Promise<string> =>
    (await complaintsOf(t, { environment: { ...ENOUGH, [name]: value } })).join('\n')

  test('may not be longer than any path', async (t) => {
    const long = `/var/log/${'x'.repeat(70_000)}`
    for (const [setting, name] of [
      ['paths', 'LOGAGENT_PATHS'],
      ['exclude', 'LOGAGENT_EXCLUDE'],
    ] as const) {
      const complaint = await complaintOf(t, name, `${long}/*.log`)
      assert.match(
        complaint,
        /^\w+ = \[?"\/var\/log\/x+\.\.\. \(environment \w+\): give no more than 4096 bytes: no path is/,
      )
      assert.ok(complaint.startsWith(`${setting} = `) && complaint.length < 250)
    }
    assert.match(
      await complaintOf(t, 'LOGAGENT_EXCLUDE', '*'.repeat(70_000)),
      /^exclude = "\*+\.\.\. .*no more than 4096 bytes/,
    )
  })

  test('may not have braces around a slash', async (t) => {
    assert.match(
      await complaintOf(t, 'LOGAGENT_PATHS', '/var/log/{a/b,c}/*.log'),
      /^paths = "\/var\/log\/\{a\/b,c\}\/\*\.log" \(environment LOGAGENT_PATHS\): close every \{.* has to be two globs/,
    )
  })
})

suite('a record key', () => {
  test('is a template whose agent id and fields are filled in', async (t) => {
    const yaml =
      'agent: {id: a1}\nfields: {team.name: shop, n: 7}\nkey: "${agent.id}/${fields.team.name}${fields.n}-${log.file.name}"\npaths: /a/b'
    const config = await loadGiven(t, { yaml, environment })
    assert.deepEqual(config.inputs[0]?.key, { kind: 'template', parts: ['a1/shop7-', { of: 'log.file.name' }] })
  })

  test('may not name an unknown field or placeholder', async (t) => {
    const complaintOf = async (key: string): Promise<string> =>
      (await complaintsOf(t, { environment: { ...ENOUGH, LOGAGENT_KEY: key } })).join('\n')
    assert.match(
      await complaintOf('${kubernetes.pod}'),
      /^key = "\$\{kubernetes\.pod\}" \(environment LOGAGENT_KEY\): there are no other placeholders than/,
    )
    assert.match(await complaintOf('${agent.id'), /a placeholder is not closed with \}$/)
    assert.match(
      await complaintOf('a${fields.toString}'),
      /^key = "\$\{fields\.toString\}" .*: there is no field of that name$/,
    )
  })

  test('may not be larger than the room for what all records of a file carry', async (t) => {
    const field = { a: 'x'.repeat(140_000) }
    const complaintOf = async (given: object): Promise<string> =>
      (await complaintsOf(t, { json: JSON.stringify(given), environment: ENOUGH })).join('\n')
    assert.match(
      await complaintOf({ fields: field, key: '${fields.a}'.repeat(2) }),
      /^key = "(\$\{fields\.a\}){2}" \(file .*\): each record would carry up to \d+ bytes beside its line, and there is room for 262080; give less$/,
    )
    assert.match(
      await complaintOf({ key: '${log.file.path}'.repeat(70) }),
      /^key = "\$\{log\..*\.\.\. \(file .*\): each record/,
    )
    const web = { path: '/a/b', key: 'x'.repeat(150_000), fields: { a: 'x'.repeat(100_000) } }
    assert.match(await complaintOf({ inputs: { web } }), /^inputs\.web\.key = "x+\.\.\. \(FILE\): each record/)
  })

  test('is needed where its hash chooses the partition', async (t) => {
    const complaints = await complaintsOf(t, { environment: { ...ENOUGH, KAFKA_PARTITIONER: 'hash' } })
    assert.match(complaints.join('\n'), /^kafka\.partitioner = "hash" .*there is no key to hash/)
    await loadGiven(t, { environment: { ...ENOUGH, KAFKA_PARTITIONER: 'hash', LOGAGENT_KEY: 'file' } })
  })
})

suite('fields', () => {
  test('may not be larger than the room for what all records of a file carry', async (t) => {
    const json = JSON.stringify({ fields: { a: '"'.repeat(120_000) } })
    const complaints = await complaintsOf(t, { json, environment: ENOUGH })
    assert.equal(complaints.length, 1)
    assert.match(
      complaints[0] ?? '',
      /^fields = a map \(file .*\): each record would carry up to 2\d{5} bytes beside its line/,
    )
    // a header has them as they are
    await loadGiven(t, { json, environment: { ...ENOUGH, LOGAGENT_ENCODING: 'raw' } })
  })
})
