import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordKeyOf } from '../../../src/enrich/key.ts'

const FILE = { id: 'a'.repeat(24), inputId: 'web', path: '/var/log/\xff-app.log' }
const hex = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString('latin1')

void test('a key is none, the path, or made by a template', () => {
  assert.equal(recordKeyOf(FILE, { kind: 'none' }), null)
  assert.equal(hex(recordKeyOf(FILE, { kind: 'file' })), FILE.path)
  const parts = ['node-1/', { of: 'log.file.name' }, '#', { of: 'log.file.path' }] as const
  assert.equal(hex(recordKeyOf(FILE, { kind: 'template', parts })), `node-1/\xff-app.log#${FILE.path}`)
})

void test('a key has the bytes of the path, and the text of the template in UTF-8', () => {
  const key = recordKeyOf(FILE, { kind: 'template', parts: ['größe ', { of: 'log.file.name' }] })
  assert.deepEqual(key, Buffer.concat([Buffer.from('größe '), Buffer.of(0xff), Buffer.from('-app.log')]))
})

void test('all generations of a log have one key', () => {
  const rule = { kind: 'file' } as const
  assert.deepEqual(recordKeyOf({ ...FILE, id: 'b'.repeat(24) }, rule), recordKeyOf(FILE, rule))
})

void test('an empty template makes an empty key, which is not the same as none', () => {
  assert.deepEqual(recordKeyOf(FILE, { kind: 'template', parts: [] }), Buffer.alloc(0))
})

void test('the name of a file in the root directory is its path without the slash', () => {
  const key = recordKeyOf({ ...FILE, path: '/app.log' }, { kind: 'template', parts: [{ of: 'log.file.name' }] })
  assert.equal(hex(key), 'app.log')
})
