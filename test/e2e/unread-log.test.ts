/** An agent whose log nobody reads: it ships all the same, and ends as it should. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants, closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { freshDirectory } from '../support/temp.ts'
import { until } from '../support/wait.ts'

const PROGRAM = join(import.meta.dirname, '../../dist/logagent.mjs')

/** A pipe that is full, and one whose reader has gone: the descriptor to write to, made in a directory. */
const PIPES = {
  full(path: string): number {
    execFileSync('mkfifo', [path])
    // as a reader, too, it cannot break
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
    for (const size of [4096, 1]) while (writeAll(pipe, size)) continue
    return pipe
  },
  broken(path: string): number {
    execFileSync('mkfifo', [path])
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const pipe = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
    closeSync(reader)
    return pipe
  },
}

function writeAll(pipe: number, size: number): boolean {
  try {
    return writeSync(pipe, Buffer.alloc(size)) > 0
  } catch {
    return false
  }
}

for (const [kind, pipeAt] of Object.entries(PIPES)) {
  test(`ships, and stops in order, where its log is a ${kind} pipe`, async (t) => {
    const directory = freshDirectory(t)
    const log = pipeAt(join(directory, 'pipe'))
    writeFileSync(join(directory, 'a.log'), 'one\n')
    const args = ['run', '--output', 'stdout', '--paths', join(directory, '*.log'), '--log-summary-ms', '10']
    const agent = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', log] })
    t.after(() => agent.kill('SIGKILL'))
    closeSync(log)
    const exit = once(agent, 'exit')
    assert.ok(agent.stdout)
    let text = ''
    agent.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
    await until(() => text.includes('one'), { what: 'the first line' })
    for (const word of ['two', 'three']) {
      writeFileSync(join(directory, 'a.log'), `${word}\n`, { flag: 'a' })
      await until(() => text.includes(word), { what: `the line ${word}` })
    }
    agent.kill('SIGTERM')
    assert.deepEqual(await exit, [0, null])
  })
}
