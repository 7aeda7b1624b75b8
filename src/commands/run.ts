/** `logagent run`: ships until a signal to stop, and stops in order. */
import type { Config } from '../config/load.ts'
import { shown } from '../config/origin.ts'
import { AgentError } from '../errors.ts'
import { Counters, both, countingEvents } from '../observe/counters.ts'
import type { Events } from '../observe/events.ts'
import { loggingEvents } from '../observe/log.ts'
import { createLogger } from '../observe/logger.ts'
import { logSummary } from '../observe/summary.ts'
import { Unharmed } from '../observe/unharmed.ts'
import { Pipeline } from '../pipeline.ts'
import { type Destination, type State, monotonic, openState, openTransport, pipelineOptions } from './compose.ts'
import { descriptorLimitHere, openFilesWithin } from './descriptor-limit.ts'

/** What `run` needs from the process that it runs in. */
export interface Runtime {
  readonly stdout: NodeJS.WritableStream
  /** The stream of the agent's own log. */
  readonly stderr: NodeJS.WritableStream
  readonly stderrIsTTY: boolean
  /** Resident memory; throws if it cannot be found out now. */
  readonly rssBytes: () => number
  /** Threads of libuv's pool. */
  readonly threads: number
}

export interface RunOptions {
  readonly config: Config
  readonly output: 'kafka' | 'stdout'
  readonly runtime: Runtime
  readonly signal: AbortSignal
  /** Aborts when standard output, if it is written to, has lost its reader (`| head`). */
  readonly unread: AbortSignal
}

/** The interval of a timer that keeps the process alive; watches and idle connections do not. */
const FOREVER_MS = 2 ** 30

/**
 * Runs until `signal` aborts and everything has stopped. Throws AgentError `undelivered` if the deadline passed first,
 * and `state-unusable` if everything is stored but the last positions could not be written.
 */
export async function run(options: RunOptions): Promise<void> {
  const { config, output, runtime } = options
  const { stdout, stderr, stderrIsTTY, threads } = runtime
  const { level, format } = config.log
  const pretty = format === 'pretty' || (format === 'auto' && stderrIsTTY)
  const logger = createLogger({ level, pretty, out: stderr })
  const counters = new Counters()
  const unharmed = new Unharmed((reason) => logger.error({ reason }, 'the agent cannot report everything about itself'))
  const log = loggingEvents({ logger, report: config.report === 'log', clock: monotonic })
  const events = unharmed.events(both(countingEvents(counters, Date.now), log))
  const destination: Destination = output === 'kafka' ? { kind: output } : { kind: output, stdout }
  const { maxOpenFiles, limit } = openFilesOf(config)
  const state = await openState(config, destination, events)
  const { checkpoint } = state
  let begun: Pipeline | undefined
  let clean = false
  let saved = true
  try {
    const transport = await openTransport(config, destination, events)
    const pipeline = new Pipeline(
      pipelineOptions(config, { transport, checkpoint, events, destination, threads, maxOpenFiles }),
    )
    begun = pipeline
    const rssBytes = (): number => unharmed.by(runtime.rssBytes, NaN)
    const source = { counters, logger, rssBytes, state: () => stateOf(pipeline) }
    const summary = (message: string): void => unharmed.by(() => logSummary(source, message), undefined)
    const { agent, inputs, kafka, origins } = config
    const known = {
      agent: shown(agent.id, origins['agent.id']),
      brokers: shown(kafka.brokers, origins['kafka.brokers']),
    }
    logger.info({ ...known, inputs: inputs.length }, 'logagent starts')
    if (maxOpenFiles < config.file.maxOpenFiles) {
      const numbers = { limit, maxOpenFiles, setting: config.file.maxOpenFiles }
      logger.warn(numbers, 'file.maxOpenFiles is bounded by how many descriptors the process may have (ulimit -n)')
    }
    checkpoint.start(config.checkpoint.intervalMs)
    const failure = await ship(pipeline, options, summary)
    clean = true
    if (output === 'kafka') reportUndelivered(pipeline, events)
    summary('logagent stopped')
    if (failure !== null) throw failure
  } finally {
    if (clean) saved = await state.close()
    else await abandon(begun, state)
  }
  if (saved) return
  const again = 'the next start ships again what was stored since they were last written'
  throw new AgentError('state-unusable', `the positions could not be written to ${config.state.dir}: ${again}`)
}

/**
 * Stops everything after a fault. Nothing of this agent goes on when the lock is released. The fault itself is thrown
 * on.
 */
async function abandon(pipeline: Pipeline | undefined, state: State): Promise<void> {
  const stopped = await Promise.allSettled([pipeline?.abandon()])
  // a part that could not be stopped may send until the process ends, and the lock is held until then
  if (stopped.every(({ status }) => status === 'fulfilled')) await state.abandon()
  else await state.checkpoint.abandon()
}

/** Starts, waits for the signal, and stops. Returns the error of a stop that reached its deadline. */
async function ship(
  pipeline: Pipeline,
  { config, signal, unread }: RunOptions,
  summary: (message: string) => void,
): Promise<AgentError | null> {
  const { summaryMs } = config.log
  const alive = setInterval(() => undefined, FOREVER_MS)
  const timer = summaryMs > 0 ? setInterval(() => summary('summary'), summaryMs) : undefined
  try {
    // a mount that hangs at the start must not use up the time for a stop
    await Promise.race([pipeline.start(), aborted(signal)])
    await aborted(signal)
    summary('logagent stops')
    await pipeline.stop(AbortSignal.any([AbortSignal.timeout(config.shutdown.timeout), unread]))
    return null
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'undelivered')) throw error
    // standard output has no reader any more, which is no error
    return unread.aborted ? null : error
  } finally {
    clearInterval(timer)
    clearInterval(alive)
  }
}

function openFilesOf({ file }: Config): { maxOpenFiles: number; limit: number } {
  const here = descriptorLimitHere()
  return { maxOpenFiles: openFilesWithin(file.maxOpenFiles, here), limit: here.limit }
}

function stateOf(pipeline: Pipeline): { files: number; lagBytes: number; inFlightBytes: number } {
  const sum = { files: 0, lagBytes: 0, inFlightBytes: 0 }
  for (const file of pipeline.files()) {
    sum.files++
    sum.lagBytes += file.lag
    sum.inFlightBytes += Math.max(0, file.unacknowledged)
  }
  return sum
}

/** Reports what a stop leaves behind, for each file. The next start goes on there if the files still exist. */
function reportUndelivered(pipeline: Pipeline, events: Events): void {
  for (const file of pipeline.files()) if (file.lag > 0) events.undelivered(file, file.lag)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
