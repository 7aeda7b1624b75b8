import assert from 'node:assert/strict'
import { test } from 'node:test'
import { descriptorLimit, openFilesFor } from '../../../src/commands/open-files.ts'
import { AgentError } from '../../../src/errors.ts'
import { systemError } from '../../support/volumes.ts'

test('the setting holds where the process may have more', () => {
  assert.deepEqual(openFilesFor(4096, 1_048_576), { logs: 4096, limit: 1_048_576 })
  assert.deepEqual(openFilesFor(4096, Infinity), { logs: 4096, limit: Infinity })
  assert.equal(openFilesFor(100, 256).logs, 100)
})

test('the limit of the process bounds it, less what the rest needs', () => {
  assert.equal(openFilesFor(4096, 256).logs, 192)
  assert.equal(openFilesFor(4096, 1024).logs, 768)
  assert.equal(openFilesFor(4096, 80).logs, 16)
})

test('a limit under which nothing would get on is refused, with what would do', () => {
  assert.throws(
    () => openFilesFor(4096, 79),
    (error) =>
      error instanceof AgentError && error.code === 'usage' && /may have 79 .* at least 80/.test(error.message),
  )
})

test('the limit is that of this process', () => {
  assert.ok(descriptorLimit() > 80)
})

test('a limit that is none, or cannot be read, is none', () => {
  const text = 'Limit                     Soft Limit           Hard Limit           Units\nMax open files            '
  assert.equal(
    descriptorLimit(() => `${text}256                  4096                 files\n`),
    256,
  )
  assert.equal(
    descriptorLimit(() => `${text}unlimited            unlimited            files\n`),
    Infinity,
  )
  assert.equal(
    descriptorLimit(() => 'nothing of the kind'),
    Infinity,
  )
  assert.equal(
    descriptorLimit(() => {
      throw systemError('ENOENT', 'open')
    }),
    Infinity,
  )
})
