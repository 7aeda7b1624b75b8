/** The size that the configuration computes for a file's metadata, against what is rendered: no template is larger. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { metadataSize } from '../../src/config/metadata-size.ts'
import { jsonTemplate } from '../../src/encode/json.ts'
import { rawTemplate } from '../../src/encode/raw.ts'
import { type Template, TemplateSlot } from '../../src/encode/template.ts'
import { recordKeyOf } from '../../src/enrich/key.ts'
import { factsOf } from '../../src/enrich/metadata.ts'
import { AgentError } from '../../src/errors.ts'
import type { Config } from '../../src/config/load.ts'
import { ENOUGH, loadGiven } from '../support/configuration.ts'
import { smallMemory } from '../support/made-file.ts'
import { seeded } from '../support/seed.ts'

const LONGEST_PATH = 4095

type Input = Config['inputs'][number]

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc
    .tuple(fc.constantFrom('"', '\\', '\x01', '\ud800', 'ö', '日', '🦊', 'x'), fc.nat(2000))
    .map(([piece, times]) => piece.repeat(times)),
)
const path = fc
  .tuple(fc.constantFrom('\x01', '"', '\xff', '\xc3\xb6', 'x'), fc.boolean())
  .map(([piece, isLong]) => `/${piece.repeat(isLong ? (LONGEST_PATH - 1) / piece.length : 1)}`)
const part = fc.oneof(text, fc.constantFrom({ of: 'log.file.path' } as const, { of: 'log.file.name' } as const))
const input = fc.record({
  encoding: fc.constantFrom('json', 'raw'),
  headers: fc.constantFrom('otel', 'none'),
  fields: fc.dictionary(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }),
    fc.oneof(text, fc.boolean(), fc.double({ noDefaultInfinity: true, noNaN: true })),
  ),
  key: fc.oneof(
    fc.constantFrom({ kind: 'none' } as const, { kind: 'file' } as const),
    fc.array(part, { maxLength: 5 }).map((parts) => ({ kind: 'template', parts }) as const),
  ),
})

type Shape = Pick<Input, 'encoding' | 'headers' | 'fields' | 'key'>

/** The template as prepared-files.ts renders it. */
function rendered({ encoding, headers, fields, key }: Shape, agentId: string, path: string): Template {
  const file = { id: '0123456789abcdef01234567', inputId: 'i', path }
  const facts = factsOf(file, { agentId, fields: new Map([['i', fields]]) })
  const bytes = recordKeyOf(file, key)
  return encoding === 'json' ? jsonTemplate(facts, bytes) : rawTemplate(facts, bytes, headers)
}

test('no file has more metadata than was computed', (t) => {
  fc.assert(
    fc.property(input, text, path, (shape, agentId, path) => {
      const { key, rest } = metadataSize(shape, agentId)
      assert.ok(rendered(shape, agentId, path).text.length <= key + rest)
    }),
    seeded(t, 500),
  )
})

test('accepted settings have room for any path, and refused ones have hardly more than there is room for', async (t) => {
  const slot = new TemplateSlot(smallMemory())
  const load = async (settings: object): Promise<Input | null> => {
    try {
      const json = JSON.stringify(settings)
      return (await loadGiven(t, { json, environment: ENOUGH })).inputs[0] ?? null
    } catch (error) {
      if (error instanceof AgentError && error.code === 'usage') return null
      throw error
    }
  }
  const cases: readonly ((size: number) => object)[] = [
    (size) => ({ fields: { a: '"'.repeat(size) } }),
    (size) => ({ fields: { a: 'x'.repeat(size) }, encoding: 'raw' }),
    (size) => ({ key: 'x'.repeat(size) }),
    (size) => ({ key: 'x'.repeat(size) + '${log.file.path}', encoding: 'raw', headers: 'none' }),
    (size) => ({ key: '${fields.a}', fields: { a: 'x'.repeat(size) } }),
  ]
  for (const [i, settings] of cases.entries()) {
    let fits = 0
    let refused = 260_000
    while (refused - fits > 1) {
      const middle = (fits + refused) >> 1
      if ((await load(settings(middle))) === null) refused = middle
      else fits = middle
    }
    const accepted = await load(settings(fits))
    assert.ok(accepted !== null && fits > 0, `case ${i}`)
    const worst = (accepted.encoding === 'json' ? '\x01' : '\xff').repeat(LONGEST_PATH - 1)
    const template = rendered(accepted, 'node-1', `/${worst}`)
    assert.doesNotThrow(() => slot.install(template), `case ${i}`)
    assert.ok(template.text.length > slot.capacity - 1024, `case ${i}: ${template.text.length} bytes`)
  }
})
