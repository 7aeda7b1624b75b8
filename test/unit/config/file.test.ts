import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { Complaints } from '../../../src/config/complaints.ts'
import { readConfigFile } from '../../../src/config/file.ts'
import { complaintsOf, ENOUGH, loadGiven } from '../../support/configuration.ts'
import { freshDirectory } from '../../support/temp.ts'

const environment = ENOUGH

suite('a file that is no configuration', () => {
  for (const [what, path] of [
    ['is not there', '/nowhere/x.yaml'],
    ['is a device that never ends', '/dev/zero'],
    ['has no known ending', '/etc/hostname'],
  ] as const) {
    test(what, async () => {
      const complaints = new Complaints()
      assert.deepEqual(await readConfigFile(path, 'flag --config', complaints), {})
      assert.throws(() => complaints.throwIfAny(), /^AgentError: configuration \(file \/[^\n]*$/)
    })
  }

  test('is a FIFO without a writer, a directory, or too large', async (t) => {
    const directory = freshDirectory(t)
    execFileSync('mkfifo', [join(directory, 'fifo.yaml')])
    mkdirSync(join(directory, 'directory.json'))
    writeFileSync(join(directory, 'large.ini'), ';'.repeat(256 * 1024 + 1))
    symlinkSync('/dev/zero', join(directory, 'zero.yaml'))
    for (const name of ['fifo.yaml', 'directory.json', 'large.ini', 'zero.yaml']) {
      const complaints = new Complaints()
      await readConfigFile(join(directory, name), 'flag --config', complaints)
      assert.throws(() => complaints.throwIfAny(), /: (not a regular file|larger than 256 KiB)$/, name)
    }
  })

  test('is not text', async (t) => {
    const json = Uint8Array.of(0x7b, 0xff, 0xfe)
    assert.deepEqual(await complaintsOf(t, { json, environment }), ['configuration (FILE): not UTF-8 text'])
    const yaml = 'agent: {id: "a\0b"}'
    assert.deepEqual(await complaintsOf(t, { yaml, environment }), ['configuration (FILE): not text: it has NUL bytes'])
  })

  test('has no map of settings at the top', async (t) => {
    for (const given of [{ yaml: '- a' }, { yaml: 'text' }, { json: '[]' }, { json: '5' }]) {
      const complaints = await complaintsOf(t, { ...given, environment })
      assert.deepEqual(complaints, ['configuration (FILE): give a map of settings at the top'])
    }
  })
})

suite('YAML', () => {
  test('an empty file is an empty configuration', async (t) => {
    for (const yaml of ['', '# nothing\n', '---\n', '\ufeff']) await loadGiven(t, { yaml, environment })
  })

  test('faults are reported with their place', async (t) => {
    const complaintOf = async (yaml: string): Promise<string> =>
      (await complaintsOf(t, { yaml, environment })).join('\n')
    assert.match(
      await complaintOf('agent:\n\tid: x'),
      /^configuration \(FILE\): not YAML: line 2, column 1: Tabs are not allowed/,
    )
    assert.match(await complaintOf('a: 1\n---\nb: 1'), /multiple documents/)
    assert.match(await complaintOf('agent: !!js/function x'), /line 1, column 8: Unresolved tag/)
    assert.match(
      await complaintOf('agent: {id: a}\nkafka: {}\nagent: {id: b}'),
      /: line 3, column 1: "agent" is given twice$/,
    )
    assert.match(await complaintOf('? [a]\n: 1'), /keys must be strings/)
  })

  test('aliases that multiply, contain themselves or nest are refused', async (t) => {
    const bomb = Array.from({ length: 9 }, (_, i) => {
      const before = i === 0 ? 'x' : `*a${i - 1}`
      return `a${i}: &a${i} [${Array<string>(9).fill(before).join(',')}]`
    }).join('\n')
    for (const yaml of [
      bomb,
      'fields: &a {x: *a}',
      'inputs: &a [*a]',
      '['.repeat(20_000),
      '? '.repeat(20_000),
      '{a: '.repeat(20_000),
    ]) {
      const [complaint = ''] = await complaintsOf(t, { yaml, environment })
      assert.match(complaint, /^configuration \(FILE\): /, yaml.slice(0, 20))
    }
  })
})

suite('JSON', () => {
  test('text around a fault may be a secret and is not shown', async (t) => {
    const complaints = await complaintsOf(t, { json: '{"password": hunter2}', environment })
    assert.match(complaints.join('\n'), /^configuration \(FILE\): not JSON: Unexpected token 'h'$/)
  })

  test('a million brackets are refused', async (t) => {
    const json = '['.repeat(100_000) + ']'.repeat(100_000)
    assert.match(
      (await complaintsOf(t, { json: `{"inputs": ${json}}`, environment })).join('\n'),
      /nested more than 10 levels deep$/,
    )
  })
})

test('names that would change a prototype change nothing and are reported', async (t) => {
  const text =
    '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}, "kafka": {"__proto__": {"polluted": 1}}}'
  for (const given of [{ json: text }, { yaml: text }]) {
    const complaints = await complaintsOf(t, { ...given, environment })
    assert.deepEqual(complaints, [
      '__proto__ (FILE): unknown setting',
      'constructor (FILE): unknown setting',
      'kafka.__proto__ (FILE): unknown setting',
    ])
  }
  for (const setting of ['inputs', 'fields']) {
    const json = `{"${setting}": {"__proto__": {"path": "/a/b"}}}`
    for (const given of [{ json }, { yaml: json }]) {
      const complaints = await complaintsOf(t, { ...given, environment })
      assert.ok(complaints.includes(`${setting} (FILE): __proto__ can't be a name`), complaints.join('\n'))
    }
  }
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})
