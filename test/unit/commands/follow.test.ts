import assert from 'node:assert/strict'
import fs, { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { tail, type TailOptions } from '../../../src/commands/tail.ts'
import { captureOutput } from '../../support/capture.ts'
import { freshDirectory } from '../../support/temp.ts'
import { systemError } from '../../support/system-error.ts'
import { until } from '../../support/wait.ts'

function fileWith(t: TestContext, content: string | Uint8Array, name = 'a.log'): string {
  const path = join(freshDirectory(t), name)
  writeFileSync(path, content)
  return path
}

suite('following', () => {
  /** Follows a file until the test ends; gives what is shown. */
  function following(
    t: TestContext,
    files: readonly string[],
    lines = 10,
  ): { text: () => string; complaints: string[]; stop: () => Promise<void> } {
    const { stream, text } = captureOutput()
    const complaints: string[] = []
    const controller = new AbortController()
    const { signal } = controller
    const complain = (message: string): void => void complaints.push(message)
    const options: TailOptions = { files, lines, follow: true, stdout: stream, complain, signal }
    const done = tail(options)
    const stop = async (): Promise<void> => {
      controller.abort()
      await done
    }
    t.after(stop)
    return { text, complaints, stop }
  }

  const shows = async (text: () => string, expected: string): Promise<void> => {
    await until(() => text() === expected, { what: () => `${JSON.stringify(text())} is ${JSON.stringify(expected)}` })
  }

  test('shows appended bytes, with characters cut anywhere', async (t) => {
    const path = fileWith(t, 'a\nb\n')
    const { text } = following(t, [path], 1)
    await shows(text, 'b\n')
    appendFileSync(path, Buffer.from('c\xc3', 'latin1'))
    await shows(() => text().slice(0, 3), 'b\nc')
    appendFileSync(path, Buffer.from('\xa9\n', 'latin1'))
    await shows(text, 'b\ncé\n')
  })

  test('shows a renamed file to its end, then the new one from its beginning', async (t) => {
    const path = fileWith(t, '1\n')
    const { text } = following(t, [path])
    await shows(text, '1\n')
    for (const [index, before] of ['1\n', '1\n2\n3\n4\n'].entries()) {
      appendFileSync(path, '2\n')
      renameSync(path, `${path}.${index}`)
      appendFileSync(`${path}.${index}`, '3\n')
      writeFileSync(path, '4\n')
      await shows(text, `${before}2\n3\n4\n`)
    }
  })

  test('shows nothing again of a file that gets its name back', async (t) => {
    const path = fileWith(t, '1\n')
    const { text } = following(t, [path])
    await shows(text, '1\n')
    for (let n = 0; n < 5; n++) {
      renameSync(path, `${path}.1`)
      if (n % 2 === 0) await delay(n * 60)
      renameSync(`${path}.1`, path)
      appendFileSync(path, `${n}\n`)
      await until(() => text().endsWith(`\n${n}\n`), { what: `line ${n}` })
    }
    assert.equal(text(), '1\n0\n1\n2\n3\n4\n')
  })

  test('waits if the name has something that cannot be read, and reports it once', async (t) => {
    const [path, other] = [fileWith(t, '1\n'), fileWith(t, '')]
    const { text, complaints } = following(t, [path, other])
    await until(() => text().endsWith('<==\n'), { what: 'both files are followed' })
    renameSync(path, `${path}.1`)
    mkdirSync(path)
    await until(() => complaints.length > 0, { what: 'a complaint' })
    await delay(500)
    assert.deepEqual(complaints, [`${path}: not a regular file`])
    appendFileSync(other, 'of the other\n')
    await until(() => text().endsWith('of the other\n'), { what: 'the other file is followed' })
    rmSync(path, { recursive: true })
    writeFileSync(path, '2\n')
    await until(() => text().endsWith(`==> ${path} <==\n2\n`), {
      what: () => `the new file in ${JSON.stringify(text())}`,
    })
  })

  test('waits if the name cannot be looked at', async (t) => {
    const path = fileWith(t, '1\n')
    const { text } = following(t, [path])
    await shows(text, '1\n')
    appendFileSync(path, '2\n')
    await shows(text, '1\n2\n')
    // a link to itself: ELOOP, for root too
    renameSync(path, `${path}.1`)
    symlinkSync(path, path)
    await delay(500)
    rmSync(path)
    renameSync(`${path}.1`, path)
    appendFileSync(path, '3\n')
    await shows(text, '1\n2\n3\n')
  })

  test('shows appended bytes if no inotify watch is available', async (t) => {
    t.mock.method(fs, 'watch', () => {
      throw systemError('ENOSPC', 'watch')
    })
    const path = fileWith(t, '1\n')
    const { text } = following(t, [path])
    await shows(text, '1\n')
    for (let n = 2; n < 5; n++) {
      appendFileSync(path, `${n}\n`)
      await until(() => text().endsWith(`\n${n}\n`), { what: `line ${n}` })
    }
    renameSync(path, `${path}.1`)
    writeFileSync(path, 'new\n')
    await shows(text, '1\n2\n3\n4\nnew\n')
  })

  test('does not take bytes of a longer new file for those of the old one', async (t) => {
    const path = fileWith(t, '1\n')
    const { text } = following(t, [path])
    await shows(text, '1\n')
    appendFileSync(path, '2\n')
    renameSync(path, `${path}.1`)
    writeFileSync(path, 'a long new line\n')
    await shows(text, '1\n2\na long new line\n')
  })

  test('goes on with a file that was truncated or deleted', async (t) => {
    const path = fileWith(t, 'long line\n')
    const { text } = following(t, [path])
    await shows(text, 'long line\n')
    // the package learns of an append through the kernel, so output shows that it is watching
    appendFileSync(path, 'x\n')
    await shows(text, 'long line\nx\n')
    truncateSync(path)
    await until(
      () => {
        appendFileSync(path, 'y\n')
        return text().includes('y')
      },
      { what: 'lines after the cut are shown' },
    )
    rmSync(path)
    writeFileSync(path, 'reborn\n')
    await until(() => text().endsWith('reborn\n'), { what: 'lines of the new file are shown' })
  })

  test('ends when it is stopped, also while there is no file', async (t) => {
    const path = fileWith(t, '1\n')
    const { text, stop } = following(t, [path])
    await shows(text, '1\n')
    rmSync(path)
    await stop()
  })

  test('shows which of several files the bytes are from', async (t) => {
    const [a, b] = [fileWith(t, ''), fileWith(t, '')]
    const { text } = following(t, [a, b])
    await shows(text, `==> ${a} <==\n\n==> ${b} <==\n`)
    appendFileSync(a, '1\n')
    await shows(text, `==> ${a} <==\n\n==> ${b} <==\n\n==> ${a} <==\n1\n`)
  })
})
