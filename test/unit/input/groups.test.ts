import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Groups } from '../../../src/input/groups.ts'

void test('groups have their members in the order in which they came, each once', () => {
  const groups = new Groups<string>()
  const [none, one, two] = ['none', 'one', 'two']
  for (const member of ['a', 'a']) groups.add(one, member)
  for (const member of ['a', 'b', 'a', 'c']) groups.add(two, member)
  assert.deepEqual([none, one, two].map((key) => groups.get(key)), [[], ['a'], ['a', 'b', 'c']]) // prettier-ignore
  assert.deepEqual([none, one, two].map((key) => groups.count(key)), [0, 1, 3]) // prettier-ignore
})

void test('a removed member is gone, and a missing one stays missing', () => {
  const groups = new Groups<string>()
  for (const member of ['a', 'b']) groups.add('two', member)
  groups.add('one', 'a')
  groups.remove('one', 'b')
  groups.remove('none', 'a')
  groups.remove('two', 'a')
  assert.deepEqual([groups.get('one'), groups.get('two')], [['a'], ['b']])
  groups.remove('one', 'a')
  groups.remove('two', 'b')
  assert.deepEqual([groups.count('one'), groups.count('two')], [0, 0])
  groups.add('two', 'c')
  assert.deepEqual(groups.get('two'), ['c'])
})
