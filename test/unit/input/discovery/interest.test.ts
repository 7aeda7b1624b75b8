import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interestsIn } from '../../../../src/input/discovery/interest.ts'
import { globsOf, inputsFor } from '../../../support/discovery-world.ts'

/** The interests in a directory: the input's name, and the index of the segment to be matched. */
const sought = (path: string, ...globs: string[]): string[] =>
  interestsIn(path, globsOf(inputsFor(...globs))).map(({ rules, at }) => `${rules.id}${at}`)

void test('knows from the path of a directory what is sought in it, in the order of the inputs', () => {
  assert.deepEqual(sought('/var/log', '/var/log/*.log', '/var/log/*/x', '/var/*/y', '/etc/*'), ['a0', 'b0', 'c1'])
  assert.deepEqual(sought('/var/log/app', '/var/log/*.log', '/var/log/*/x', '/var/*/app/z', '/var/log/a*/x'), [
    'b1',
    'c2',
    'd1',
  ])
  assert.deepEqual(sought('/', '/*.log', '/*/x'), ['a0', 'b0'])
  assert.deepEqual(sought('/var', '/*.log', '/*/x'), ['b1'])
  assert.deepEqual(sought('/var/login', '/var/log/*.log', '/var/log*/x'), ['b1'])
})

void test('seeks at any depth the segment behind a **, and continues below', () => {
  assert.deepEqual(sought('/a', '/a/**/*.log'), ['a0', 'a1'])
  assert.deepEqual(sought('/a/b/c', '/a/**/*.log'), ['a0', 'a1'])
  assert.deepEqual(sought('/a/b/day', '/a/**/day/*.log'), ['a0', 'a2', 'a1'])
  assert.deepEqual(sought('/a/b', '/a/**'), ['a0'])
  assert.deepEqual(sought('/a/.b', '/a/**/*.log'), [])
  assert.deepEqual(sought('/a/b', '/a/**/**/*.log'), ['a0', 'a1', 'a2'])
})
