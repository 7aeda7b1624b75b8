/**
 * Makes the parts of `logagent run`, each with its slice of the configuration. pipeline.ts has what they do together,
 * and run.ts when they start and stop.
 */
import type { Config } from '../config/load.ts'
import { type Checkpoint, openCheckpoint } from '../input/state/checkpoint.ts'
import { lockState } from '../input/state/lock.ts'
import { volumesHere } from '../input/volume/mount-calls.ts'
import { LinearMemory } from '../kernel/memory.ts'
import { memorySizes } from '../kernel/sizes.ts'
import type { Events } from '../observe/events.ts'
import { Cluster } from '../output/kafka/cluster.ts'
import type { Mode } from '../output/producer/sequence.ts'
import type { Transport } from '../output/transport.ts'
import type { PipelineOptions } from '../pipeline.ts'
import type { Shipping } from '../prepared-files.ts'
import { openRandomBytes } from './random.ts'
import { mountCallsAmong } from './threads.ts'

/** Where the records go: to Kafka, or as text to standard output. */
export type Destination =
  | { readonly kind: 'kafka' }
  | { readonly kind: 'stdout'; readonly stdout: NodeJS.WritableStream }

export interface State {
  readonly checkpoint: Checkpoint
  /**
   * Writes the last checkpoint and releases the lock. False if the checkpoint could not be written, which was reported.
   */
  readonly close: () => Promise<boolean>
  /**
   * Releases the lock without writing anything more, since after a fault the last checkpoint is the right one. If the
   * disk hangs in the middle of a write the lock is kept, and ends with the process, as the write does.
   */
  readonly abandon: () => Promise<void>
}

/** Opens the state. With `--output stdout` no position may move, so that state is kept nowhere. */
export async function openState(config: Config, destination: Destination, events: Events): Promise<State> {
  const options = { agentId: config.agent.id, events, now: Date.now }
  if (destination.kind === 'stdout') {
    const { noDisk } = await import('../input/state/no-disk.ts')
    const checkpoint = await openCheckpoint({ ...options, directory: '/', disk: noDisk() })
    return { checkpoint, close: () => checkpoint.close(), abandon: () => checkpoint.abandon() }
  }
  return lockedState(config.state.dir, events, (directory) => openCheckpoint({ ...options, directory }))
}

/** The longest time that a call to a working disk takes. */
const DISK_MS = 5000

/** Locks the directory, opens the state in it, and keeps the lock until the state is closed or abandoned. */
export async function lockedState(
  directory: string,
  events: Pick<Events, 'stateUnlocked'>,
  open: (directory: string) => Promise<Checkpoint>,
): Promise<State> {
  const lock = await lockState(directory, Math.random)
  if (lock.unenforced !== '') events.stateUnlocked(directory, lock.unenforced)
  try {
    const checkpoint = await open(directory)
    return {
      checkpoint,
      async abandon() {
        if (await endsWithin(checkpoint.abandon(), DISK_MS)) await lock.release()
      },
      async close() {
        const saved = await checkpoint.close()
        await lock.release()
        return saved
      },
    }
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function endsWithin(work: Promise<void>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), ms)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

export async function openTransport(config: Config, destination: Destination, events: Events): Promise<Transport> {
  if (destination.kind === 'stdout') {
    const { StdoutTransport } = await import('./stdout-transport.ts')
    return new StdoutTransport(destination.stdout)
  }
  const { kafka, topic } = config
  const createTopic = async (name: string, signal: AbortSignal): Promise<void> => {
    const creation = await import('./create-topic.ts')
    await creation.createTopic(name, config, signal)
  }
  return new Cluster({
    bootstrap: kafka.brokers,
    settings: {
      clientId: kafka.clientId,
      acks: kafka.acks === 'all' ? -1 : kafka.acks,
      requestTimeoutMs: kafka.requestTimeoutMs,
      connectTimeoutMs: kafka.connectTimeoutMs,
      metadataMaxAgeMs: kafka.metadataMaxAgeMs,
      retry: kafka.retry,
    },
    events,
    random: Math.random,
    now: monotonic,
    createTopic: topic.create ? createTopic : undefined,
  })
}

/** The parts that are made before the pipeline. */
export interface PipelineParts {
  readonly transport: Transport
  readonly checkpoint: Checkpoint
  readonly events: Events
  readonly destination: Destination
  /** Threads of libuv's pool. */
  readonly threads: number
  /** `file.maxOpenFiles`, or fewer where the process may not open as many. */
  readonly maxOpenFiles: number
}

export function pipelineOptions(config: Config, options: PipelineParts): PipelineOptions {
  const { destination, threads, maxOpenFiles, transport, checkpoint, events } = options
  const { kafka, batch, inputs } = config
  return {
    reading: {
      inputs,
      file: { ...config.file, maxOpenFiles },
      volumeOf: volumesHere({ atOnce: mountCallsAmong(threads), clock: monotonic, events }),
      checkpoint,
      drain: config.shutdown.drain,
    },
    transport,
    events,
    shipping: new Map(inputs.map((input): [string, Shipping] => [input.id, input])),
    metadata: { agentId: config.agent.id, fields: new Map(inputs.map((input) => [input.id, input.fields])) },
    processors: [],
    memory: memoryFor(config),
    producer: {
      mode: modeFor(kafka.acks),
      lingerMs: kafka.lingerMs,
      batchMaxBytes: batch.maxBytes,
      // printed batches are decoded again, so they are not compressed
      compression: destination.kind === 'stdout' ? 'none' : kafka.compression,
      tooLarge: config.record.tooLarge,
      retry: kafka.retry,
    },
    ambient: { now: Date.now, clock: monotonic, random: Math.random, randomBytes: openRandomBytes() },
  }
}

export function monotonic(): number {
  return performance.now()
}

function memoryFor({ kafka, batch, buffer, inputs }: Config): LinearMemory {
  const maxLineBytes = Math.max(...inputs.map((input) => input.maxLineBytes))
  const needs = { maxLineBytes, batchMaxBytes: batch.maxBytes, compressed: kafka.compression !== 'none' }
  return new LinearMemory(memorySizes(buffer.maxBytes, needs))
}

function modeFor(acks: 'all' | 1 | 0): Mode {
  if (acks === 'all') return 'idempotent'
  return acks === 1 ? 'one-in-flight' : 'fire-and-forget'
}
