/** What the last line of a test run says is what CI believes: its counting is tested on real files in real processes. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Ending } from '../../support/ending.ts'
import { freshDirectory } from '../../support/temp.ts'

const TEST_FILE = join(import.meta.dirname, '../../support/runner/test-file.ts')

/** Runs the lines as a test file, in a Node of its own since a runner doesn't run inside a test. */
function outcomeOf(t: Ending, lines: string, limitSeconds = 30): { passed: number; failed: number; skipped: number } {
  const directory = freshDirectory(t)
  const file = join(directory, 'some.test.mjs')
  writeFileSync(file, `import { test, describe, it, after } from 'node:test'\n${lines}\n`)
  const program = join(directory, 'runner.mjs')
  writeFileSync(
    program,
    `import { runFile } from ${JSON.stringify(TEST_FILE)}
     const { tally } = await runFile(${JSON.stringify(file)}, ${limitSeconds})
     console.log(JSON.stringify({ passed: tally.passed, failed: tally.failed, skipped: tally.skipped }))`,
  )
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  const env = { ...inherited, LOGAGENT_TEST_GRACE_MS: '1000' }
  const { stdout, stderr } = spawnSync(process.execPath, [program], { env, encoding: 'utf8' })
  assert.match(stdout, /^\{.*\}\n$/, stderr)
  return JSON.parse(stdout)
}

void test('counts the leaves, not what holds them', (t) => {
  const lines = `
    test('holds', async (t) => { await t.test('one', () => {}); await t.test('two', () => { throw new Error('no') }) })
    describe('suite', () => { it('three', () => {}); it('four', { skip: true }, () => {}) })
    test('five', () => {})`
  assert.deepEqual(outcomeOf(t, lines), { passed: 3, failed: 1, skipped: 1 })
})

void test('counts one that fails after its children passed', (t) => {
  const lines = `test('holds', async (t) => { await t.test('one', () => {}); throw new Error('no') })`
  assert.deepEqual(outcomeOf(t, lines), { passed: 1, failed: 1, skipped: 0 })
})

void test('fails a file without tests, and one that breaks outside them', (t) => {
  assert.deepEqual(outcomeOf(t, ''), { passed: 0, failed: 1, skipped: 0 })
  assert.deepEqual(outcomeOf(t, `test('one', () => {}); throw new Error('no')`), { passed: 1, failed: 1, skipped: 0 })
})

void test('fails a file that does not end within its limit, even one that blocks and ignores SIGTERM', (t) => {
  const lines = `process.on('SIGTERM', () => {}); test('blocks', () => { for (;;); })`
  assert.deepEqual(outcomeOf(t, lines, 2), { passed: 0, failed: 1, skipped: 0 })
})

void test('fails a file that leaves handles open', (t) => {
  const lines = `import net from 'node:net'; test('leaves', () => void net.createServer().listen(0))`
  assert.deepEqual(outcomeOf(t, lines), { passed: 1, failed: 1, skipped: 0 })
})
