import assert from 'node:assert/strict'
import { test } from 'node:test'
import { splitList } from '../../../src/config/comma-list.ts'

test('lists split at commas that are not in braces', () => {
  assert.deepEqual(splitList('/a/{b,c}.log, /d,,'), ['/a/{b,c}.log', '/d'])
  assert.deepEqual(splitList('/a/\\{x.log,/b/*.log'), ['/a/\\{x.log', '/b/*.log'])
  assert.deepEqual(splitList(' '), [])
  assert.deepEqual(splitList('}a,b{c,d'), ['}a', 'b{c,d'])
})
