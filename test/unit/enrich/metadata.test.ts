import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsOf } from '../../../src/enrich/metadata.ts'

const FILE = { id: 'a'.repeat(24), inputId: 'web', path: '/var/log/\xff.log' }

void test('has the file, the agent, and the fields of the input', () => {
  const fields = new Map([
    ['web', { env: 'prod', tier: 2, canary: false }],
    ['api', { env: 'test' }],
  ])
  assert.deepEqual(factsOf(FILE, { agentId: 'node-1', fields }), {
    file: { id: FILE.id, path: FILE.path },
    agent: { name: 'logagent', id: 'node-1' },
    fields: { env: 'prod', tier: 2, canary: false },
  })
})

void test('has no fields where the input has none', () => {
  assert.deepEqual(factsOf(FILE, { agentId: 'node-1', fields: new Map() }).fields, {})
})
