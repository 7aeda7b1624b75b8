/** The measured agents: each ships every line of a job's files as one record, with acks=all, until it is stopped. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Child, Command } from '../stage/child.ts'
import type { Job, Stage } from '../stage/stage.ts'

export interface Contestant {
  /** The name in tables: the program, then the format of its records. */
  readonly name: string
  start(stage: Stage, job: Job): Child
}

/** The formats of logagent's records, by their names in tables. */
export const LOGAGENT_FLAGS = {
  raw: ['--encoding', 'raw', '--headers', 'none'],
  'raw, headers': ['--encoding', 'raw'],
  json: ['--encoding', 'json'],
} as const
export type Wanted = keyof typeof LOGAGENT_FLAGS

/** The setting that docs/operations.md recommends for low latency. */
export const LOW_LATENCY = ['--file-poll-ms', '5']

/** logagent with its defaults, except for the format, and for the low-latency setting if that is named. */
export function logagent(what: Wanted, how: '' | 'low latency' = ''): Contestant {
  const flags = [...LOGAGENT_FLAGS[what], ...(how === '' ? [] : LOW_LATENCY)]
  return {
    name: ['logagent', what, how].filter(Boolean).join(' '),
    start: (stage, job) => stage.launch(logagentCommand(stage, job, flags)),
  }
}

/** Another build of logagent; `bundle`: the path of its program. */
export function logagentAt(bundle: string, name: string, flags: readonly string[]): Contestant {
  return { name, start: (stage, job) => stage.launch(logagentCommand({ bundle }, job, flags)) }
}

export function logagentCommand(stage: Pick<Stage, 'bundle'>, job: Job, flags: readonly string[]): Command {
  const target = ['--kafka-brokers', job.bootstrap, '--kafka-topic', job.topic, '--state-dir', job.state]
  const args = [...startOf(stage.bundle), stage.bundle, 'run', '--paths', job.glob, ...target, ...flags]
  return { program: '/usr/bin/env', args }
}

/** How the bundle's first line, and the image, start logagent: variables, Node (this one here), and flags of the engine. */
function startOf(bundle: string): string[] {
  const [line = ''] = readFileSync(bundle, 'utf8').split('\n', 1)
  const words = line.replace(/^#!.*env -S /, '').split(' ')
  return words.map((word) => (word === 'node' ? process.execPath : word))
}

/** The naive agent (../naive.ts), which reads the one file of the job. */
export function naive(): Contestant {
  const program = join(import.meta.dirname, '../naive.ts')
  return {
    name: 'naive raw',
    start(stage, { logs, topic, bootstrap }) {
      const [file = ''] = readdirSync(logs)
      return stage.launch({ program: process.execPath, args: [program, join(logs, file), topic, bootstrap] })
    },
  }
}
