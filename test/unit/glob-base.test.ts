import assert from 'node:assert/strict'
import { test } from 'node:test'
import picomatch from 'picomatch'
import { splitGlob } from '../../src/glob-base.ts'

void test('a glob begins in the directory before its first pattern', () => {
  assert.deepEqual(splitGlob('/var/log/app/*.log'), { base: '/var/log/app', rest: ['*.log'] })
  assert.deepEqual(splitGlob('/var/*/app/today.log'), { base: '/var', rest: ['*', 'app', 'today.log'] })
  assert.deepEqual(splitGlob('/*.log'), { base: '/', rest: ['*.log'] })
})

void test('without a pattern it begins in the directory of its file', () => {
  assert.deepEqual(splitGlob('//var/./log//app.log'), { base: '/var/log', rest: ['app.log'] })
  assert.deepEqual(splitGlob('/app.log'), { base: '/', rest: ['app.log'] })
})

void test('a character that makes no pattern by itself is a part of a name', () => {
  for (const name of ['@x', 'x@y', '+x', '!x', 'x)', 'x]', 'x}', 'x,y', 'größe'])
    assert.equal(splitGlob(`/var/log/${name}/*.log`).base, `/var/log/${name}`)
  for (const name of ['@(x)', '+(x)', '!(x)', '?(x)', '*(x)', '(x)', 'x?', '[x]', '{x,y}', '\\x'])
    assert.equal(splitGlob(`/var/log/${name}/*.log`).base, '/var/log', name)
})

void test('it begins at the same place as in picomatch', () => {
  for (const name of [
    '@x',
    '+x',
    '!x',
    'x)',
    'x]',
    'x}',
    '@(x)',
    '+(x)',
    '!(x)',
    '?(x)',
    '*(x)',
    '(x)',
    'x?',
    '[x]',
    '{x,y}',
  ])
    assert.equal(splitGlob(`/var/${name}/*.log`).base, picomatch.scan(`/var/${name}/*.log`).base, name)
})
