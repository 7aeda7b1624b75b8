import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { tail } from '../../../src/commands/tail.ts'
import { AgentError } from '../../../src/errors.ts'
import { captureOutput } from '../../support/capture.ts'
import { freshDirectory } from '../../support/temp.ts'
import { until } from '../../support/wait.ts'

function fileWith(t: TestContext, content: string | Uint8Array, name = 'a.log'): string {
  const path = join(freshDirectory(t), name)
  writeFileSync(path, content)
  return path
}

async function shown(files: readonly string[], lines: number): Promise<Buffer> {
  const { stream, bytes } = captureOutput({ highWaterMark: 1 })
  await tail({
    files,
    lines,
    follow: false,
    stdout: stream,
    complain: assert.fail,
    signal: AbortSignal.timeout(20_000),
  })
  return bytes()
}

suite('the last lines', () => {
  test('are as many as requested, with a last one that has no newline', async (t) => {
    const path = fileWith(t, 'a\nb\n\nc')
    const last = async (lines: number): Promise<string> => (await shown([path], lines)).toString()
    assert.equal(await last(0), '')
    assert.equal(await last(1), 'c')
    assert.equal(await last(2), '\nc')
    assert.equal(await last(3), 'b\n\nc')
    assert.equal(await last(4), 'a\nb\n\nc')
    assert.equal(await last(5), 'a\nb\n\nc')
  })

  test('do not count the newline that ends the file', async (t) => {
    assert.equal((await shown([fileWith(t, 'a\nb\n')], 1)).toString(), 'b\n')
    assert.equal((await shown([fileWith(t, '\n\n')], 1)).toString(), '\n')
    assert.equal((await shown([fileWith(t, '')], 3)).toString(), '')
  })

  test('come out byte for byte', async (t) => {
    const bytes = Buffer.concat([
      Buffer.from('x\n'),
      Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
      Buffer.from('é\r\n'),
    ])
    assert.deepEqual(await shown([fileWith(t, bytes)], 100), bytes)
  })

  test('are found across the borders of blocks', async (t) => {
    const block = 64 * 1024
    for (const length of [block - 1, block, block + 1, 3 * block]) {
      const path = fileWith(t, `first\n${'x'.repeat(length)}\nlast\n`)
      assert.equal((await shown([path], 2)).length, length + 6)
      assert.equal((await shown([path], 3)).length, length + 12)
    }
  })

  test('of several files have headings', async (t) => {
    const [a, b] = [fileWith(t, 'a\n'), fileWith(t, 'b\n')]
    assert.equal((await shown([a, b], 1)).toString(), `==> ${a} <==\na\n\n==> ${b} <==\nb\n`)
  })

  test('of the files that can be read are shown before the others are reported', async (t) => {
    const path = fileWith(t, 'a\n')
    const { stream, text } = captureOutput()
    const { signal } = new AbortController()
    const options = { lines: 1, follow: false, stdout: stream, complain: assert.fail, signal }
    await assert.rejects(
      async () => tail({ ...options, files: ['/nowhere', path, '/tmp', '/dev/zero'] }),
      (error) => {
        assert.ok(error instanceof AgentError)
        assert.equal(error.code, 'file-unreadable')
        assert.match(
          error.message,
          /^\/nowhere: ENOENT[^\n]*\n\/tmp: not a regular file\n\/dev\/zero: not a regular file$/,
        )
        return true
      },
    )
    await until(() => text() === `==> ${path} <==\na\n`, { what: 'the file that can be read is shown' })
  })
})
