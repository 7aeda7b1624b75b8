import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { descriptorLimit, descriptorLimitHere, openFilesWithin } from '../../../src/commands/descriptor-limit.ts'

/** The text as the kernel writes it. */
const limits = (soft: string): string =>
  [
    'Limit                     Soft Limit           Hard Limit           Units     ',
    'Max processes             63432                63432                processes ',
    `Max open files            ${soft.padEnd(20)} 1048576              files     `,
    'Max locked memory         8388608              8388608              bytes     ',
  ].join('\n')

void test('reserves a quarter of the limit for other things than files, at least 64', () => {
  assert.deepEqual(descriptorLimit(limits('256'), 20), { limit: 256, files: 192 })
  assert.deepEqual(descriptorLimit(limits('1024'), 20), { limit: 1024, files: 768 })
  assert.deepEqual(descriptorLimit(limits('100'), 20), { limit: 100, files: 36 })
})

void test('does not count on descriptors that were open before it began', () => {
  assert.deepEqual(descriptorLimit(limits('256'), 132), { limit: 256, files: 92 })
})

void test('has no bound if there is no limit, or none that can be read', () => {
  const unbounded = { limit: Infinity, files: Infinity }
  assert.deepEqual(descriptorLimit(limits('unlimited'), 20), unbounded)
  assert.deepEqual(descriptorLimit('', 20), unbounded)
  assert.equal(openFilesWithin(4096, unbounded), 4096)
})

void test('reads the limit of its own process', () => {
  const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]
  assert.equal(descriptorLimitHere().limit, Number(soft ?? Infinity))
})

void test('opens as many files as the setting says, or as the limit allows', () => {
  assert.equal(openFilesWithin(100, { limit: 256, files: 192 }), 100)
  assert.equal(openFilesWithin(4096, { limit: 256, files: 192 }), 192)
})

void test('refuses to start if too few descriptors remain, and says how many would be right', () => {
  assert.equal(openFilesWithin(4096, descriptorLimit(limits('80'), 20)), 16)
  assert.throws(() => openFilesWithin(4096, descriptorLimit(limits('79'), 20)), {
    code: 'usage',
    message: /may have 79 descriptors \(ulimit -n\), of which 64 .* allow 256 or more/,
  })
  assert.throws(() => openFilesWithin(16, descriptorLimit(limits('400'), 400)), { message: /allow 484 or more/ })
})
