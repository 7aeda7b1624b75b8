/** `logagent run`: ship until told to stop, and stop in order. */
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

export interface RunOptions {
  readonly config: Config
  readonly output: 'kafka' | 'stdout'
  readonly stdout: NodeJS.WritableStream
  /** The agent's own log. */
  readonly stderr: NodeJS.WritableStream
  readonly stderrIsTTY: boolean
  readonly rssBytes: () => number
  /** Of libuv's pool. */
  readonly threads: number
  readonly signal: AbortSignal
  /** Aborts when standard output, if it is written, has lost its reader (`| head`). */
  readonly unread: AbortSignal
}

/** Nothing else may keep the process alive: not a watch, not an idle connection. */
const FOREVER_MS = 2 ** 30

/**
 * Ends when `signal` aborts and all is stopped. Throws AgentError `undelivered` when the deadline passed first, and
 * `state-unusable` when all is stored but the last positions could not be written.
 */
export async function run(options: RunOptions): Promise<void> {
  const { config, output, stdout, stderr, stderrIsTTY, threads } = options
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
    const rssBytes = (): number => unharmed.by(options.rssBytes, NaN)
    const source = { counters, logger, rssBytes, state: () => standing(pipeline) }
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
    if (output === 'kafka') tellUndelivered(pipeline, events)
    summary('logagent stopped')
    if (failure !== null) throw failure
  } finally {
    if (clean) saved = await state.close()
    else await abandon(begun, state)
  }
  if (saved) return
  const again = 'the next start ships again what was stored since they last were'
  throw new AgentError('state-unusable', `the positions could not be written to ${config.state.dir}: ${again}`)
}

/** The fault is thrown on: what else goes wrong now is its consequence. Nothing of ours goes on when the lock ends. */
async function abandon(pipeline: Pipeline | undefined, state: State): Promise<void> {
  const stopped = await Promise.allSettled([pipeline?.abandon()])
  // what could not be stopped may send until the process ends, and so does the lock
  if (stopped.every(({ status }) => status === 'fulfilled')) await state.abandon()
  else await state.checkpoint.abandon()
}

/** Start, wait for the signal, stop. Returns the error of a stop that came to its deadline. */
async function ship(
  pipeline: Pipeline,
  { config, signal, unread }: RunOptions,
  summary: (message: string) => void,
): Promise<AgentError | null> {
  const { summaryMs } = config.log
  const alive = setInterval(() => undefined, FOREVER_MS)
  const timer = summaryMs > 0 ? setInterval(() => summary('summary'), summaryMs) : undefined
  try {
    // a mount that hangs at the start must not use up the time there is for a stop
    await Promise.race([pipeline.start(), aborted(signal)])
    await aborted(signal)
    summary('logagent stops')
    await pipeline.stop(AbortSignal.any([AbortSignal.timeout(config.shutdown.timeout), unread]))
    return null
  } catch (error) {
    if (!(error instanceof AgentError && error.code === 'undelivered')) throw error
    // nobody is there any more to print for, which is nobody's fault
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

function standing(pipeline: Pipeline): { files: number; lagBytes: number; inFlightBytes: number } {
  const sum = { files: 0, lagBytes: 0, inFlightBytes: 0 }
  for (const file of pipeline.files()) {
    sum.files++
    sum.lagBytes += file.lag
    sum.inFlightBytes += Math.max(0, file.unacknowledged)
  }
  return sum
}

/** What a stop leaves behind, by file: the next start goes on there, if the files are still there. */
function tellUndelivered(pipeline: Pipeline, events: Events): void {
  for (const file of pipeline.files()) if (file.lag > 0) events.undelivered(file, file.lag)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
