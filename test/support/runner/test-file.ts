/** Runs one test file in a process of its own, within a time limit that holds whatever the file does. */
import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import type { TestEvent } from 'node:test/reporters'
import { Tally } from './tally.ts'

export interface Outcome {
  /** The events for a reporter. */
  readonly events: readonly TestEvent[]
  readonly tally: Tally
  readonly seconds: number
}

const NODE_ARGS = [
  '--import',
  join(import.meta.dirname, '../open-handles.ts'),
  // kafkajs passes a negative delay to setTimeout at every first response of a broker
  '--disable-warning=TimeoutNegativeWarning',
]

export async function runFile(file: string, limitSeconds: number): Promise<Outcome> {
  const begin = performance.now()
  const limit = AbortSignal.timeout(limitSeconds * 1000)
  // Node ends the file by SIGTERM then, which a file that tests signal handlers may ignore.
  limit.addEventListener('abort', () => killChild(file))
  const events: TestEvent[] = []
  const tally = new Tally(file)
  // The limit of a test is below that of the file, so that a test that hangs is named.
  const timeout = limitSeconds * 900
  const stream = run({ files: [file], isolation: 'process', timeout, signal: limit, execArgv: NODE_ARGS })
  for await (const event of stream) {
    if (isOfTheRun(event)) continue
    tally.add(event)
    events.push(event)
  }
  if (limit.aborted) events.push(message(file, `did not end within ${limitSeconds} s and was killed`))
  else if (tally.count === tally.failed && isEmpty(events, file)) events.push(message(file, 'has no test in it'))
  return { events, tally, seconds: (performance.now() - begin) / 1000 }
}

/** Whether this is one of Node's own totals of the file: the runner computes those of the whole run. */
function isOfTheRun(event: TestEvent): boolean {
  if (event.type === 'test:summary') return true
  return (event.type === 'test:plan' || event.type === 'test:diagnostic') && event.data.file === undefined
}

function isEmpty(events: readonly TestEvent[], file: string): boolean {
  return events.some((event) => event.type === 'test:pass' && event.data.name === file)
}

function message(file: string, text: string): TestEvent {
  return { type: 'test:stderr', data: { file, message: `✖ ${relative(process.cwd(), file)} ${text}\n` } }
}

function killChild(file: string): void {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ')
  for (const child of children.filter(Boolean).map(Number)) {
    const words = readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0')
    if (words.includes(file)) process.kill(child, 'SIGKILL')
  }
}
