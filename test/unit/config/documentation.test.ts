import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { INPUT_SCHEMA, SCHEMA } from '../../../src/config/schema.ts'
import { namedSettings } from '../../../src/config/setting.ts'
import { loadGiven } from '../../support/configuration.ts'

const ROOT = join(import.meta.dirname, '../../..')
const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')
const examples = [...page.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, kind = '', text = '']) => ({ kind, text }))

test('generated files have not drifted from their source', () => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/generate.ts'), '--check'], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
})

for (const [index, { kind, text }] of examples.entries()) {
  test(`example ${index + 1} of docs/configuration.md (${kind}) can be loaded`, async (t) => {
    const variables = Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s)),
    )
    const config = await loadGiven(t, kind === 'sh' ? { environment: variables } : { [kind]: text })
    assert.ok(config.inputs.length > 0)
  })
}

test('the page has an example of each kind, the simple case first', () => {
  assert.deepEqual(
    examples.map(({ kind }) => kind),
    ['sh', 'yaml', 'ini', 'sh'],
  )
})

test('page and schema have every setting', () => {
  const schema: unknown = JSON.parse(readFileSync(join(ROOT, 'docs/configuration.schema.json'), 'utf8'))
  const at = (node: unknown, key: string): unknown =>
    typeof node === 'object' && node !== null ? Reflect.get(node, key) : undefined
  for (const { name, env, flag } of namedSettings(SCHEMA)) {
    for (const word of [name, env, `--${flag}`]) assert.ok(page.includes(`\`${word}\``), word)
    const node = name.split('.').reduce((parent, key) => at(at(parent, 'properties'), key), schema)
    assert.equal(typeof at(node, 'description'), 'string', name)
  }
  for (const { name } of namedSettings(INPUT_SCHEMA)) assert.ok(page.includes(`| \`${name}\` |`), name)
})
