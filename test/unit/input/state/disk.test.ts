import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectories, nodeDisk } from '../../../../src/input/state/disk.ts'
import { at, offsets, openState } from '../../../support/state.ts'
import { systemError } from '../../../support/system-error.ts'
import { freshDirectory } from '../../../support/temp.ts'

void test('creates a directory with its missing parents, and keeps existing ones', async (t) => {
  const root = freshDirectory(t)
  await nodeDisk.createDirectory(join(root, 'a/b/c'))
  await nodeDisk.createDirectory(join(root, 'a/b/c'))
  await nodeDisk.createDirectory(root)
  assert.ok(statSync(join(root, 'a/b/c')).isDirectory())
})

void test('fails if there can be no directory, and does not try for ever', { timeout: 5000 }, async (t) => {
  const file = join(freshDirectory(t), 'file')
  writeFileSync(file, '')
  await assert.rejects(nodeDisk.createDirectory(join(file, 'below')), { code: 'ENOTDIR' })
  await assert.rejects(nodeDisk.createDirectory('/proc/self/state/deep'), { code: 'ENOENT' })
  const readOnly = (): Promise<never> => Promise.reject(systemError('EROFS', 'mkdir'))
  await assert.rejects(makeDirectories('/state', readOnly), { code: 'EROFS' })
})

void test('creates a directory that somebody else creates at the same time', async () => {
  const made = new Set(['/'])
  const mkdir = (path: string): Promise<void> => {
    if (made.has(path)) return Promise.reject(systemError('EEXIST', 'mkdir'))
    if (!made.has(join(path, '..'))) return Promise.reject(systemError('ENOENT', 'mkdir'))
    made.add(path)
    return Promise.resolve()
  }
  await Promise.all([1, 2, 3].map(() => makeDirectories('/var/lib/logagent', mkdir)))
  assert.deepEqual([...made], ['/', '/var', '/var/lib', '/var/lib/logagent'])
})

void test('keeps a state on a real disk', async (t) => {
  const directory = `${freshDirectory(t)}/not/there/yet`
  const first = await openState({ directory, journalMinBytes: 2000 })
  for (let round = 0; round < 50; round++) {
    first.state.put(at(`f${round % 7}`, round))
    if (round % 5 === 0) first.state.remove('f3')
    assert.equal(await first.state.flush(), true)
  }
  const expected = offsets(first.state)
  assert.equal(await first.state.close(), true)
  const second = await openState({ directory })
  assert.deepEqual(offsets(second.state), expected)
  assert.deepEqual(second.reports, [])
  await second.state.close()
  assert.equal(readdirSync(directory).length, 2)
})
