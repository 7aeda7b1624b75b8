/**
 * kafkajs as `consume` and the creation of topics use it: silent, with bounded retries, able to read zstd, and without
 * its busy timer. Shipping uses output/kafka/connection.ts instead. This file is imported dynamically, so that `run`
 * loads kafkajs only if it has to create a topic.
 */
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import kafkajs, { type Admin, type ISocketFactory, type KafkaConfig } from 'kafkajs'
import Cluster from 'kafkajs/src/cluster/index.js'
import requestQueue from 'kafkajs/src/network/requestQueue/index.js'
import type { BrokerAddress } from '../broker-address.ts'
import { AgentError, messageOf } from '../errors.ts'

export interface KafkaTarget {
  readonly brokers: readonly BrokerAddress[]
  readonly clientId: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
}

/**
 * kafkajs's admin client, not connected yet. When `signal` aborts its sockets are destroyed, so that all its calls fail
 * at once. It tries each call once, because the timers of its own retries cannot be stopped; {@link isPassing} says
 * whether a retry makes sense.
 */
export function openAdmin(target: KafkaTarget, signal: AbortSignal): Admin {
  return new kafkajs.Kafka({ ...prepare(target, signal), retry: { retries: 0 } }).admin()
}

/** Whether kafkajs would try again after this error if it were allowed to. */
export function isPassing(error: unknown): boolean {
  return error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded
}

/** kafkajs's internal cluster, for fetching without a consumer group. It is not connected yet. */
export function openCluster(target: KafkaTarget): Cluster {
  const settings = prepare(target)
  return new Cluster({
    ...settings,
    logger: new kafkajs.Kafka(settings).logger(),
    enforceRequestTimeout: true,
    metadataMaxAge: 60_000,
    allowAutoTopicCreation: false,
    isolationLevel: 1,
  })
}

/**
 * Turns an error of kafkajs into an AgentError: `kafka-refused` if a broker responded with an error, else
 * `kafka-unreachable`.
 */
export function toAgentError(error: unknown): AgentError {
  if (error instanceof AgentError) return error
  for (let cause = error; cause instanceof Error; cause = beneath(cause)) {
    if (cause.name === 'KafkaJSNotImplemented') {
      return new AgentError('kafka-refused', `records can't be read: ${cause.message}`, { cause: error })
    }
    if ('type' in cause && typeof cause.type === 'string') {
      return new AgentError('kafka-refused', `Kafka answered ${cause.type}: ${cause.message}`, { cause: error })
    }
  }
  return new AgentError('kafka-unreachable', `Kafka can't be reached: ${messageOf(error)}`, { cause: error })
}

/**
 * The error behind an error: its cause, or the first of those that it combines (CreateTopics has one for each topic).
 */
function beneath(error: Error): unknown {
  return error.cause ?? (error instanceof kafkajs.KafkaJSAggregateError ? error.errors[0] : undefined)
}

interface Prepared extends KafkaConfig {
  readonly brokers: string[]
  readonly clientId: string
  readonly socketFactory: ISocketFactory
  readonly connectionTimeout: number
  readonly requestTimeout: number
  readonly retry: { retries: number; initialRetryTime: number; maxRetryTime: number }
}

/** How often to try again, so that every address is tried. */
export function retriesFor(brokers: KafkaTarget['brokers']): number {
  return Math.max(2, brokers.length)
}

function prepare(target: KafkaTarget, signal?: AbortSignal): Prepared {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs } = target
  patchKafkajs()
  // kafkajs splits at the first colon, so an IPv6 address has a substitute name until the socket is opened.
  const addresses = new Map<string, string>()
  const seeds = brokers.map(({ host, port }, index) => {
    if (!host.includes(':')) return `${host}:${port}`
    addresses.set(`ipv6-seed-${index}`, host)
    return `ipv6-seed-${index}:${port}`
  })
  return {
    brokers: seeds,
    clientId,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: { retries: retriesFor(brokers), initialRetryTime: 100, maxRetryTime: 1000 },
    logCreator: () => () => undefined,
    socketFactory: ({ host, port, onConnect }) => {
      // a socket that is created with an aborted signal would connect all the same
      signal?.throwIfAborted()
      const socket = connect({ host: addresses.get(host) ?? host, port, signal }, onConnect)
      // At each retry kafkajs closes its dead sockets again and adds a listener each time. It is no leak, but Node
      // warns.
      return socket.setKeepAlive(true, 60_000).setMaxListeners(0)
    },
  }
}

const isPatched = Symbol('logagent: timer patched')

/**
 * Patches two things in kafkajs. It checks for pending requests by a timer even if there are none, with a negative
 * delay, so that Node warns (TimeoutNegativeWarning) and wakes up every millisecond; here the timer runs only while
 * requests are pending, and a later request starts it again. And kafkajs has no codec for zstd of its own.
 */
function patchKafkajs(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({ decompress: promisify(zstdDecompress) })
  const queue: typeof requestQueue.prototype & { [isPatched]?: true } = requestQueue.prototype
  if (queue[isPatched]) return
  const schedule = queue.scheduleCheckPendingRequests
  queue.scheduleCheckPendingRequests = function (): void {
    if (this.pending.length > 0) schedule.call(this)
  }
  queue[isPatched] = true
}
