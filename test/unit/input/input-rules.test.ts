import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rootsOf } from '../../../src/input/input-rules.ts'
import { pathOfText } from '../../../src/paths.ts'
import { rulesFor } from '../../support/reading.ts'

void test('allows the roots of the input, else the literal prefix of its glob', () => {
  assert.deepEqual(rootsOf({ rules: rulesFor('/var/log/*.log'), base: '/var/log' }), ['/var/log'])
  assert.deepEqual(rootsOf({ rules: rulesFor('/var/log/*.log', { roots: ['/data', '/größe'] }), base: '/var/log' }), [
    '/data',
    pathOfText('/größe'),
  ])
})
