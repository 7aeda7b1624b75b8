import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { openRandomBytes } from '../../../src/commands/random.ts'
import { withoutDescriptors } from '../../support/without-descriptors.ts'

void test('gives different bytes each time, with the same descriptor', () => {
  const randomBytes = openRandomBytes()
  const before = readdirSync('/proc/self/fd').length
  const ids = new Set(Array.from({ length: 100 }, () => randomBytes(12).toString('hex')))
  assert.equal(ids.size, 100)
  assert.ok([...ids].every((id) => id.length === 24))
  assert.equal(readdirSync('/proc/self/fd').length, before)
})

void test('needs no further descriptor', () => {
  assert.equal(withoutDescriptors('random'), '100 ids')
})
