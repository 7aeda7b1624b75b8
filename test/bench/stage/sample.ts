/**
 * Checks that agents can be compared: the first records of a topic must have the first lines of the file, byte for byte,
 * raw or as the `message` of a JSON object.
 */
import { execFile } from 'node:child_process'
import { hostname } from 'node:os'
import { promisify } from 'node:util'
import { BLOCK_LINES, LineBlock, numberIn } from './lines.ts'
import type { Job } from './stage.ts'

const RECORDS = 1000

/** Compares the first records of a topic with the file, and returns the first one as text, with path and host replaced. */
export async function checkSample({ bootstrap, topic, logs }: Job): Promise<string> {
  const what = ['-t', topic, '-o', 'beginning', '-c', String(RECORDS), '-f', '%s\\n']
  const { stdout } = await promisify(execFile)('kcat', ['-C', '-q', '-b', bootstrap, ...what], { encoding: 'buffer' })
  const values = stdout.toString('latin1').trimEnd().split('\n')
  const block = new LineBlock()
  for (const value of values) {
    const n = numberIn(Buffer.from(value, 'latin1'))
    block.number(n % BLOCK_LINES, n)
    const line = block
      .line(n % BLOCK_LINES)
      .toString('latin1')
      .trimEnd()
    if (lineIn(value) !== line) throw new Error(`a record is not line ${n} of the file:\n${value}\n${line}`)
  }
  const [first = ''] = values
  // the page must not show where this was measured; rsyslog escapes slashes
  return first
    .replace(logs, '/var/log')
    .replace(logs.replaceAll('/', '\\/'), '\\/var\\/log')
    .replace(`"${hostname()}"`, '"node-1"')
}

function lineIn(value: string): string {
  if (!value.startsWith('{')) return value
  const { message }: { message: string } = JSON.parse(value)
  return message
}
