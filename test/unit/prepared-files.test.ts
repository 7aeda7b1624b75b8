import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AgentError } from '../../src/errors.ts'
import type { Generation } from '../../src/flow.ts'
import { PreparedFiles, type Shipping } from '../../src/prepared-files.ts'

const SHIPPING: Shipping = {
  ...{ topic: 'logs', partitioner: 'sticky', encoding: 'json', headers: 'none', key: { kind: 'none' } },
  ...{ emptyLines: 'keep', maxLineBytes: 1024, longLines: 'cut' },
}
const METADATA = { agentId: 'b', fields: new Map() }

const file = (id: string, inputId = 'web'): Generation => ({ id, inputId, path: `/var/log/${id}.log` })

test('a file is prepared once while it is among those read last', () => {
  const files = new PreparedFiles(new Map([['web', SHIPPING]]), METADATA, 2)
  const [a, b, c] = [file('a'), file('b'), file('c')]
  const first = files.of(a)
  files.of(b)
  files.of(c)
  assert.equal(files.of(a), first, 'found among the earlier ones, and recent again')
  files.of(b)
  files.of(c)
  assert.equal(files.of(a), first)
})

test('a file that was not read for long is prepared again', () => {
  const files = new PreparedFiles(new Map([['web', SHIPPING]]), METADATA, 2)
  const a = file('a')
  const first = files.of(a)
  for (let n = 0; n < 5; n++) files.of(file(String(n)))
  const again = files.of(a)
  assert.notEqual(again, first)
  assert.deepEqual(again, first)
})

test('a file of an input that does not exist is an internal error', () => {
  const files = new PreparedFiles(new Map([['web', SHIPPING]]), METADATA)
  assert.throws(() => files.of(file('a', 'other')), AgentError)
})
