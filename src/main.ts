#!/usr/bin/env -S MALLOC_ARENA_MAX=1 node --max-semi-space-size=1 --optimize-for-size --no-concurrent-recompilation --single-threaded-gc --memory-reducer-delay-ms=60000 --gc-memory-reducer-start-delay-ms=60000 --no-turbofan --heap-growing-percent=50
/**
 * The table of contents: subcommand → configuration → command → exit code. Only this file knows argv, environment,
 * signals and standard streams; commands are passed what they need. A command is loaded only when it is used, so that
 * `run` does not pay for kafkajs.
 */
import { constants, hostname } from 'node:os'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { addConfigurationFlags, addStateFlags, givenFlags } from './commands/flags.ts'
import { threadsFor } from './commands/threads.ts'
import { version } from './commands/version.ts'
import type { Config } from './config/load.ts'
import { AgentError, exitCodeOf, exitCodeOfSignal, messageOf } from './errors.ts'
import { VERSION } from './version.ts'

const { stdout, stderr, env: environment } = process
const stop = new AbortController()
const { signal } = stop
/** Aborts when standard output has lost its reader. */
const unread = new AbortController()
/** libuv reads the variable when it makes its threads, which is at their first use, and that is later. */
const threads = threadsFor(environment['UV_THREADPOOL_SIZE'])
environment['UV_THREADPOOL_SIZE'] = `${threads}`

const program = new Command('logagent')
  .description('Tails files and ships each line to Apache Kafka. An offset moves only after Kafka has the line.')
  .version(VERSION)
  .exitOverride()
  .configureOutput({ outputError: () => undefined })

addConfigurationFlags(program.command('run').description('tail files and ship each line to Kafka')).action(
  async (options: ConfigurationOptions) => {
    const { run } = await import('./commands/run.ts')
    const { output } = options
    await run({
      config: await loadConfig(options),
      output,
      runtime: { stdout, stderr, stderrIsTTY: stderr.isTTY, rssBytes: () => process.memoryUsage.rss(), threads },
      signal,
      unread: unread.signal,
    })
  },
)

addConfigurationFlags(program.command('check').description('validate the configuration and show the values in effect'))
  .option('--json', 'as JSON', false)
  .option('--connect', 'also try to reach Kafka: brokers, topics, partitions, permissions', false)
  .action(async (options: ConfigurationOptions & { json: boolean; connect: boolean }) => {
    const { check } = await import('./commands/check.ts')
    const { json, connect } = options
    if (connect && options.output === 'stdout') {
      throw new AgentError('usage', '--connect tries Kafka, which --output stdout does not use')
    }
    await check({ config: await loadConfig(options), json, connect, stdout })
  })

program
  .command('consume')
  .description('print the records of a topic, to the end that it has at the start')
  .addOption(new Option('--topic <name>', 'topic to read').env('KAFKA_TOPIC').makeOptionMandatory())
  .addOption(new Option('--brokers <list>', 'host:port, comma separated').env('KAFKA_BROKERS').makeOptionMandatory())
  .option('--from-beginning', 'start with the first record; without it only new ones are printed', false)
  .option('--max <records>', 'how many records to print at most', wholeNumber, Infinity)
  .option('--follow', 'go on after the end', false)
  .addOption(
    new Option('--format <what>', "value: the value's bytes and a newline; record: JSON with key, headers and offset")
      .choices(['value', 'record'])
      .default('value'),
  )
  .action(async ({ brokers, ...options }: ConsumeFlags) => {
    const [{ consume }, { readBrokers }] = await Promise.all([
      import('./commands/consume.ts'),
      import('./config/broker-address.ts'),
    ])
    if (!options.fromBeginning && !options.follow) {
      throw new AgentError('usage', 'give --from-beginning for existing records, --follow for new ones, or both')
    }
    await consume({ ...options, brokers: readBrokers(brokers), stdout, signal })
  })

program
  .command('tail')
  .description('print the last lines of files')
  .argument('<file...>')
  .option('-n, --lines <number>', 'how many lines', wholeNumber, 10)
  .option('-f, --follow', 'go on with lines that are appended', false)
  .action(async (files: string[], options: { lines: number; follow: boolean }) => {
    const { tail } = await import('./commands/tail.ts')
    await tail({ files, ...options, stdout, complain, signal })
  })

const state = program.command('state').description('manage the stored positions, while no agent runs')
addStateFlags(
  state.command('set-aside').description('give up the positions: the next start reads every file from its beginning'),
).action(async (options: { config?: string }) => {
  const [{ setAside }, { loadStateDirectory }] = await Promise.all([
    import('./commands/state.ts'),
    import('./config/load.ts'),
  ])
  const flags = givenFlags(options)
  const directory = await loadStateDirectory({ configPath: options.config, environment, flags })
  await setAside({ directory, stdout, complain, now: Date.now, random: Math.random })
})

program
  .command('version')
  .description('print the version')
  .action(() =>
    version({ stdout, platform: { node: process.versions.node, os: process.platform, arch: process.arch } }),
  )

function complain(message: string): void {
  stderr.write(`logagent: ${message}\n`)
}

type ConfigurationOptions = {
  readonly config?: string
  readonly output: 'kafka' | 'stdout'
}

interface ConsumeFlags {
  readonly topic: string
  readonly brokers: string
  readonly fromBeginning: boolean
  readonly max: number
  readonly follow: boolean
  readonly format: 'value' | 'record'
}

async function loadConfig(options: ConfigurationOptions): Promise<Config> {
  const { load } = await import('./config/load.ts')
  const flags = givenFlags(options)
  return load({ configPath: options.config, environment, flags, hostName: hostname(), output: options.output })
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('give a whole number.')
  return Number(text)
}

/** At the first signal the command stops in order; at the second the process ends at once. */
function listenForSignals(): void {
  let isStopping = false
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (isStopping) leave(exitCodeOfSignal(constants.signals[name]))
      isStopping = true
      stop.abort()
    })
  }
  // if the log has no reader, this cannot be reported either
  stderr.on('error', () => undefined)
  // EPIPE means that the reader of standard output has gone (`| head`), which is no error.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      stderr.write(`logagent: standard output cannot be written: ${error.message}\n`)
      process.exitCode = exitCodeOf(error)
    }
    unread.abort()
    stop.abort()
  })
}

/** The error that the user should read; null after `--help` and after a stop by a signal. */
function failureOf(error: unknown): unknown {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return null
    return error.code === 'commander.help'
      ? new AgentError('usage', 'give a command')
      : new AgentError('usage', error.message.replace(/^error: /, ''), { cause: error })
  }
  return signal.aborted && error instanceof Error && error.name === 'AbortError' ? null : error
}

/** How long anything that a command has left behind may take to end. It no longer matters to the result. */
const LEFT_BEHIND_MS = 1000

/** The longest time that a call to a working file system takes. */
const CALL_MS = 200

/**
 * Ends the process now. An exit waits for all threads, and a call to a mount that hangs keeps one; so the process kills
 * itself if a call is still under way after a moment (`isSure`).
 */
function leave(code: number, isSure = false): void {
  if (process.getActiveResourcesInfo().some((resource) => resource.startsWith('FSReq'))) {
    if (!isSure) {
      setTimeout(() => leave(code, true), CALL_MS)
      return
    }
    stderr.write(`logagent: a mount does not answer; killing the process instead of exit code ${code}\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  process.exit(code)
}

listenForSignals()
try {
  await program.parseAsync(process.argv)
} catch (error) {
  const failure = failureOf(error)
  if (failure !== null) {
    stderr.write(`logagent: ${messageOf(failure).replaceAll('\n', '\nlogagent: ')}\n`)
    process.exitCode = exitCodeOf(failure)
  }
}
setTimeout(() => leave(Number(process.exitCode ?? 0)), LEFT_BEHIND_MS).unref()
