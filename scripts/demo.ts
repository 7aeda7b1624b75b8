/**
 * `make demo`: a real Kafka, an application that writes two logs and rotates them, and logagent between the two. Then
 * all records are read back and compared, line by line. The exit code is 1 if a line is missing, repeated, changed or
 * out of its file's order. With KEEP=1 the demo goes on until Ctrl-C; KAFKA_BROKERS names another Kafka to use. Nothing
 * is left behind.
 */
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { usageOf, type Usage } from '../test/support/process.ts'
import { until } from '../test/support/wait.ts'
import { Account } from './demo/account.ts'
import type { Progress } from './demo/app.ts'
import { Screen, counted } from './demo/screen.ts'
import { openKafka, openStage, type Child, type DemoKafka, type Stage } from './demo/stage.ts'

const BUNDLE = 'dist/logagent.mjs'
const APP = join(import.meta.dirname, 'demo/app.ts')
/** Longer than the agent's own shutdown.timeout. */
const STOP_MS = 40_000

const isKept = (process.env['KEEP'] ?? '') !== ''
const stop = new AbortController()
const { signal } = stop
const clock = (): number => performance.now()
const screen = new Screen(process.stdout, clock)

interface Running {
  readonly agent: Child
  /** The last lines of the agent's log, to be shown if it fails. */
  readonly agentLog: string[]
  readonly app: Child
  readonly progress: () => Progress
}

/** The figures that are taken before the agent is stopped. */
interface Measured {
  readonly written: Progress
  readonly usage: Usage
  readonly linesPerSecond: number
}

process.exitCode = 130
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  // the second signal ends the demo at once, and the watchdog cleans up
  process.on(name, () => (signal.aborted ? process.exit() : stop.abort()))
}
const stage = openStage()
try {
  const kafka = await unlessStopped(startingKafka(stage))
  process.exitCode = (await demo(stage, kafka)) ? 0 : 1
} catch (error) {
  if (!signal.aborted) {
    process.exitCode = 1
    screen.line(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`)
  } else screen.line('\nStopped.')
} finally {
  await stage.close()
}
// the watchdog ends a Kafka that was still starting
process.exit()

/** The demo, step by step. True if every line arrived once, whole and in order. */
async function demo(stage: Stage, kafka: DemoKafka): Promise<boolean> {
  const since = Date.now()
  const running = start(stage, kafka, since)
  const begin = clock()
  if (isKept) await showUntilStopped(running, kafka)
  else await showUntilEnded(running, kafka)
  const measured = await finish(running, kafka, begin)
  screen.heading('Reading all records back with logagent consume')
  const account = new Account(measured.written.written, since)
  const consume = stage.run([BUNDLE, 'consume', ...where(kafka), '--from-beginning', '--format', 'record'])
  for await (const line of createInterface({ input: consume.process.stdout })) account.add(line)
  await endedWell(consume, 'logagent consume')
  for (const sample of account.samples.slice(0, 3)) screen.line(`  ${sample}`)
  return summarize(account, measured)
}

async function startingKafka(stage: Stage): Promise<DemoKafka> {
  screen.heading('logagent demo')
  const begin = clock()
  const outside = process.env['KAFKA_BROKERS'] || undefined
  if (outside === undefined) screen.progress('  starting a Kafka …')
  const kafka = await openKafka(outside, stage.atEnd)
  const seconds = ((clock() - begin) / 1000).toFixed(1)
  screen.replace(
    `  kafka   ${kafka.topics.bootstrap}, topic ${kafka.topic}${kafka.isOurs ? `, started in ${seconds} s` : ''}`,
  )
  return kafka
}

function start(stage: Stage, kafka: DemoKafka, since: number): Running {
  const logs = join(stage.directory, 'logs')
  const settings = {
    LOGAGENT_PATHS: `${logs}/*.log`,
    KAFKA_BROKERS: kafka.topics.bootstrap,
    KAFKA_TOPIC: kafka.topic,
  }
  const agent = stage.run([BUNDLE, 'run'], { ...settings, LOGAGENT_STATE_DIR: join(stage.directory, 'state') })
  const agentLog: string[] = []
  createInterface({ input: agent.process.stderr }).on('line', (line) => {
    agentLog.push(line)
    if (agentLog.length > 10) agentLog.shift()
  })
  const app = stage.run([APP, logs, String(since), isKept ? 'steady' : 'show'])
  let progress: Progress = { written: { access: 0, app: 0 }, rotations: 0 }
  createInterface({ input: app.process.stdout }).on('line', (line) => (progress = JSON.parse(line)))
  app.process.stderr.pipe(process.stderr)
  screen.line(`  app     pid ${app.process.pid}, writes access.log and app.log in ${logs} and rotates them`)
  screen.line(`  agent   pid ${agent.process.pid}, node ${BUNDLE} run, with`)
  for (const [name, value] of Object.entries(settings)) screen.line(`            ${name}=${value}`)
  return { agent, agentLog, app, progress: () => progress }
}

async function showUntilEnded(running: Running, kafka: DemoKafka): Promise<void> {
  const isEnded = async (): Promise<boolean> => {
    await show(running, kafka)
    return running.app.process.exitCode !== null
  }
  await until(isEnded, { within: 60_000, every: 100, what: 'the app ends' })
  await endedWell(running.app, 'the app')
}

async function showUntilStopped(running: Running, kafka: DemoKafka): Promise<void> {
  screen.heading('Running until Ctrl-C. To watch, run one of these in another terminal:')
  screen.line(`  node ${BUNDLE} consume ${where(kafka).join(' ')} --follow`)
  screen.line(`  node ${BUNDLE} tail -f ${join(stage.directory, 'logs')}/app.log\n`)
  const isStopped = async (): Promise<boolean> => {
    await show(running, kafka, true)
    return signal.aborted
  }
  await until(isStopped, { within: Infinity, every: 250, what: 'Ctrl-C' })
  running.app.process.kill('SIGTERM')
  await endedWell(running.app, 'the app')
}

async function show({ agent, agentLog, progress }: Running, kafka: DemoKafka, isEnding = false): Promise<number> {
  if (!isEnding) signal.throwIfAborted()
  if (agent.process.exitCode !== null) {
    throw new Error(`the agent ended with exit code ${agent.process.exitCode}\n${agentLog.join('\n')}`)
  }
  const stored = await storedIn(kafka)
  const { written, rotations } = progress()
  const lines = counted(written.access + written.app)
  screen.progress(`  ${lines} lines written, ${counted(stored)} in Kafka, ${rotations} rotations`)
  return stored
}

/** Waits until Kafka has every line, then stops the agent in order. */
async function finish(running: Running, kafka: DemoKafka, begin: number): Promise<Measured> {
  const { agent, agentLog } = running
  const written = running.progress()
  const lines = written.written.access + written.written.app
  const isThere = async (): Promise<boolean> => (await show(running, kafka, isKept)) >= lines
  // the account reports lines that are missing then
  await until(isThere, { within: 20_000, what: 'all lines in Kafka' }).catch(() => signal.throwIfAborted())
  const linesPerSecond = lines / ((clock() - begin) / 1000)
  const usage = usageOf(agent.process.pid ?? 0)
  agent.process.kill('SIGTERM')
  await endedWell(agent, 'the agent', agentLog)
  return { written, usage, linesPerSecond }
}

function summarize(account: Account, { written, usage, linesPerSecond }: Measured): boolean {
  const { records, missing, repeated, changed, disordered } = account.sums()
  screen.heading('Summary')
  screen.table([
    {
      name: 'lines written',
      value: counted(written.written.access + written.written.app),
      note: `two files, ${written.rotations} rotations`,
    },
    { name: 'records read', value: counted(records) },
    { name: 'missing', value: counted(missing) },
    { name: 'repeated', value: counted(repeated) },
    { name: 'changed', value: counted(changed), note: 'compared byte for byte' },
    { name: 'out of order', value: counted(disordered), note: 'within a file' },
    { name: 'lines/s', value: counted(linesPerSecond), note: 'from the first line written to the last one stored' },
    { name: 'peak RSS', value: `${counted(usage.peakRssBytes / 1e6)} MB`, note: 'of the agent' },
    { name: 'CPU', value: `${(usage.cpuMs / 1000).toFixed(2)} s`, note: 'of the agent, start included' },
  ])
  const isRight = missing + repeated + changed + disordered === 0
  screen.line(
    isRight ? '\nEvery line arrived once, whole and in order.' : '\nNOT every line arrived once, whole and in order.',
  )
  return isRight
}

function where({ topics, topic }: DemoKafka): string[] {
  return ['--brokers', topics.bootstrap, '--topic', topic]
}

async function storedIn({ topics, topic }: DemoKafka): Promise<number> {
  return (await topics.endOffsets(topic)).reduce((sum, end) => sum + end, 0)
}

async function endedWell({ process: child, ended }: Child, what: string, log: readonly string[] = []): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  const end = await ended
  clearTimeout(late)
  if (end !== 0) throw new Error(`${what} ended with ${end}\n${log.join('\n')}`)
}

async function unlessStopped<T>(promise: Promise<T>): Promise<T> {
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  return Promise.race([promise, stopped])
}
