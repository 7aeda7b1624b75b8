/** Who is measured: a program that ships each line of a job's files as one record, with acks=all, until it is stopped. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Child, Command } from '../stage/child.ts'
import type { Job, Stage } from '../stage/stage.ts'

export interface Contestant {
  /** As in tables: the program, then what it makes of a line. */
  readonly name: string
  start(stage: Stage, job: Job): Child
}

/** What logagent makes of a line, by the name it has in tables. */
export const LOGAGENT_FLAGS = {
  raw: ['--encoding', 'raw', '--headers', 'none'],
  'raw, headers': ['--encoding', 'raw'],
  json: ['--encoding', 'json'],
} as const
export type Wanted = keyof typeof LOGAGENT_FLAGS

/** What docs/operations.md has for those who want each line as soon as it can be had. */
export const LOW_LATENCY = ['--file-poll-ms', '5']

/** logagent with its defaults, but for what is said. */
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

/** What the bundle's first line, and the image, start it with: variables, this Node, and the engine's flags. */
function startOf(bundle: string): string[] {
  const [line = ''] = readFileSync(bundle, 'utf8').split('\n', 1)
  const words = line.replace(/^#!.*env -S /, '').split(' ')
  return words.map((word) => (word === 'node' ? process.execPath : word))
}

/** ../naive.ts; it reads the one file that is there. */
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
