/** The loading of a configuration on random input: it gives a frozen configuration or a complaint, and never breaks. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { INPUT_SCHEMA, SCHEMA } from '../../src/config/schema.ts'
import { namedSettings } from '../../src/config/setting.ts'
import { AgentError } from '../../src/errors.ts'
import { loadGiven, type Given } from '../support/configuration.ts'
import { seeded } from '../support/seed.ts'

/**
 * Loads, and checks that a frozen configuration or a complaint without control characters comes out. Its temporary
 * directories are removed after each call, not at the end of the test.
 */
async function loadsOrComplains(given: Given): Promise<void> {
  const cleanUps: (() => void | Promise<void>)[] = []
  try {
    const config = await loadGiven({ after: (cleanUp) => cleanUps.push(cleanUp) }, given)
    assert.ok(Object.isFrozen(config) && config.inputs.every((input) => Object.isFrozen(input)))
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    assert.equal(error.code, 'usage')
    assert.doesNotMatch(error.message.replaceAll('\n', ''), /\p{Cc}/u)
  } finally {
    for (const cleanUp of cleanUps) await cleanUp()
  }
}

const names = namedSettings(SCHEMA).map(({ name }) => name)
const keys = [
  ...new Set(names.flatMap((name) => name.split('.'))),
  ...Object.keys(INPUT_SCHEMA),
  'web',
  '__proto__',
  'constructor',
]
const values = [
  0,
  1,
  -1,
  5000,
  1e9,
  true,
  null,
  '',
  'all',
  'json',
  '/var/log/*.log',
  'a:9092',
  '5s',
  '1MiB',
  'hash',
  '${fields.a}',
  'at-most-once',
]

/** Trees of real names and nearly right values, which pass the first checks. */
const { tree } = fc.letrec<{ tree: Record<string, unknown>; node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom(...values),
    fc.anything(),
    fc.array(tie('node'), { maxLength: 3 }),
    tie('tree'),
  ),
  tree: fc.dictionary(fc.constantFrom(...keys), tie('node'), { maxKeys: 8 }),
}))

test('any object in a file gives a frozen configuration or a complaint', async (t) => {
  const text = fc
    .oneof(tree, fc.object())
    .map((value) => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v)))
  await fc.assert(
    fc.asyncProperty(text, async (json) => {
      await loadsOrComplains({ json })
      await loadsOrComplains({ yaml: json })
    }),
    seeded(t, 200),
  )
})

test('any bytes in a file give a configuration or a complaint', async (t) => {
  const scraps = fc.array(
    fc.constantFrom(...'{}[]:,-?&*!|>#\n\t"\'=; %@`'.split(''), ...keys, '__proto__', '<<', '---', '\\'),
    {
      maxLength: 40,
    },
  )
  const bytes = fc.oneof(
    scraps.map((parts) => parts.join('')),
    fc.string({ unit: 'binary' }),
    fc.uint8Array(),
  )
  await fc.assert(
    fc.asyncProperty(bytes, async (content) => {
      const text = typeof content === 'string' ? content : Buffer.from(content).toString('latin1')
      await loadsOrComplains({ json: typeof content === 'string' ? content : content })
      await loadsOrComplains({ yaml: text })
      await loadsOrComplains({ ini: text })
    }),
    seeded(t, 300),
  )
})

test('any text in the environment and in flags gives a configuration or a complaint', async (t) => {
  const text = fc.oneof(fc.string(), fc.constantFrom(...values.map(String)), fc.json())
  const given = fc.dictionary(fc.constantFrom(...names), text, { maxKeys: 10 })
  const envs = new Map(namedSettings(SCHEMA).map(({ name, env }) => [name, env]))
  await fc.assert(
    fc.asyncProperty(given, given, async (flags, byName) => {
      const environment = Object.fromEntries(
        Object.entries(byName).map(([name, value]) => [envs.get(name) ?? name, value]),
      )
      await loadsOrComplains({ environment, flags })
    }),
    seeded(t, 200),
  )
})
