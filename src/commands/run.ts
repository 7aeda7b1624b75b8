/**
 * `logagent run`: put the parts together, ship until told to stop, and stop in order. Which part does what is told in
 * pipeline.ts; here they only get their slices of the configuration.
 */
import { randomBytes } from 'node:crypto'
import type { Logger } from 'pino'
import type { Config } from '../config/load.ts'

import { type Checkpoint, openCheckpoint } from '../input/checkpoint.ts'
import { lockState } from '../input/lock.ts'
import { LinearMemory } from '../kernel/memory.ts'
import { Counters, both, countingEvents } from '../observe/counters.ts'
import type { Events } from '../observe/events.ts'
import { loggingEvents } from '../observe/log.ts'
import { createLogger } from '../observe/logger.ts'
import { logSummary } from '../observe/summary.ts'
import { Cluster } from '../output/cluster.ts'
import type { Mode } from '../output/sequence.ts'
import type { Transport } from '../output/transport.ts'
import { Pipeline, type PipelineOptions, type Shipping } from '../pipeline.ts'

export interface RunOptions {
  readonly config: Config
  readonly output: 'kafka' | 'stdout'
  readonly stdout: NodeJS.WritableStream
  /** The agent's own log. */
  readonly stderr: NodeJS.WritableStream
  readonly stderrIsTTY: boolean
  readonly rssBytes: () => number
  readonly signal: AbortSignal
}

/** Bytes beyond the longest line that a chunk has room for: framing needs to see its newline. */
const CHUNK_EXTRA = 64 * 1024

export async function run(options: RunOptions): Promise<void> {
  const { config, signal, stderr, stderrIsTTY } = options
  const { log } = config
  const pretty = log.format === 'pretty' || (log.format === 'auto' && stderrIsTTY)
  const logger = createLogger({ level: log.level, pretty, out: stderr })
  const counters = new Counters()
  const events = both(
    countingEvents(counters, Date.now),
    loggingEvents({ logger, report: config.report === 'log', clock: monotonic }),
  )
  const state = await openState(options, { events, logger })
  try {
    const transport = await openTransport(options, events)
    const pipeline = new Pipeline(pipelineOptions({ config, transport, checkpoint: state.checkpoint, events }))
    const summary = (message?: string): void =>
      logSummary({ counters, logger, rssBytes: options.rssBytes, state: () => standing(pipeline) }, message)
    logger.info(
      { agent: config.agent.id, inputs: config.inputs.length, brokers: config.kafka.brokers },
      'logagent starts',
    )
    state.checkpoint.start(config.checkpoint.intervalMs)
    const timer = log.summaryMs > 0 ? setInterval(summary, log.summaryMs) : undefined
    timer?.unref()
    const alive = setInterval(() => undefined, 2 ** 30)
    try {
      await pipeline.start()
      await aborted(signal)
    } finally {
      clearInterval(timer)
      logger.info('stopping')
      try {
        await pipeline.stop(AbortSignal.timeout(config.shutdown.timeout))
      } finally {
        clearInterval(alive)
        tellUndelivered(pipeline, logger)
        summary('stopped')
      }
    }
  } finally {
    await state.close()
  }
}

interface State {
  readonly checkpoint: Checkpoint
  close(): Promise<void>
}

/** A look at what would be sent must not move anything: it gets a state of its own that is thrown away. */
async function openState(
  { config, output }: RunOptions,
  { events, logger }: { events: Events; logger: Logger },
): Promise<State> {
  const options = { agentId: config.agent.id, events, now: Date.now }
  if (output === 'stdout') {
    const { noDisk } = await import('../input/no-disk.ts')
    const checkpoint = await openCheckpoint({ ...options, directory: '/', disk: noDisk() })
    return { checkpoint, close: async () => void (await checkpoint.close()) }
  }
  const directory = config.state.dir
  const lock = await lockState(directory)
  if (lock.unenforced !== '') logger.warn({ directory, reason: lock.unenforced }, 'state directory cannot be locked')
  const checkpoint = await openCheckpoint({ ...options, directory }).catch(async (error: unknown) => {
    await lock.release()
    throw error
  })
  return {
    checkpoint,
    async close() {
      await checkpoint.close()
      await lock.release()
    },
  }
}

async function openTransport({ config, output, stdout }: RunOptions, events: Events): Promise<Transport> {
  if (output === 'stdout') {
    const { StdoutTransport } = await import('./stdout-transport.ts')
    return new StdoutTransport(stdout)
  }
  const { kafka, topic } = config
  return new Cluster({
    bootstrap: kafka.brokers,
    acks: kafka.acks === 'all' ? -1 : kafka.acks,
    ...{ clientId: kafka.clientId, requestTimeoutMs: kafka.requestTimeoutMs, connectTimeoutMs: kafka.connectTimeoutMs },
    ...{ metadataMaxAgeMs: kafka.metadataMaxAgeMs, retry: kafka.retry, events, random: Math.random, now: monotonic },
    createTopic: topic.create
      ? async (name) => (await import('./create-topic.ts')).createTopic(name, config)
      : undefined,
  })
}

function pipelineOptions(parts: {
  config: Config
  transport: Transport
  checkpoint: Checkpoint
  events: Events
}): PipelineOptions {
  const { config, transport, checkpoint, events } = parts
  const { kafka, batch, buffer, record, inputs } = config
  const longest = Math.max(...inputs.map((input) => input.maxLineBytes))
  // what is compressed lies outside the reserved memory, and counts against it
  const total = kafka.compression === 'none' ? buffer.maxBytes : buffer.maxBytes / 2
  const memory = new LinearMemory({ total, chunk: longest + CHUNK_EXTRA, largest: batch.maxBytes + CHUNK_EXTRA / 4 })
  const mode: Mode = kafka.acks === 'all' ? 'idempotent' : kafka.acks === 1 ? 'one-in-flight' : 'fire-and-forget'
  return {
    inputs: inputs.map((input) => ({ ...input, globs: input.globs })),
    shipping: new Map(inputs.map((input): [string, Shipping] => [input.id, input])),
    metadata: { agentId: config.agent.id, fields: new Map(inputs.map((input) => [input.id, input.fields])) },
    processors: [],
    ...{ memory, checkpoint, events, file: config.file, drain: config.shutdown.drain },
    producer: {
      ...{ transport, mode, lingerMs: kafka.lingerMs, batchMaxBytes: batch.maxBytes },
      ...{ compression: kafka.compression, tooLarge: record.tooLarge, retry: kafka.retry },
    },
    ...{ now: Date.now, clock: monotonic, random: Math.random, randomBytes },
  }
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

/** What a stop leaves behind, by file. */
function tellUndelivered(pipeline: Pipeline, logger: Logger): void {
  for (const file of pipeline.files()) {
    const bytes = file.lag
    if (bytes > 0)
      logger.warn({ file: Buffer.from(file.path, 'latin1').toString(), id: file.id, bytes }, 'not delivered')
  }
}

function monotonic(): number {
  return performance.now()
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
