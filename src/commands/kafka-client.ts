/**
 * kafkajs made ready for `consume` and for making topics: silent, with a bounded patience, able to read zstd, and cured
 * of its busy timer. Not for shipping: see output/connection.ts. Imported dynamically, so that `run` loads kafkajs only
 * where it has to make a topic.
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
 * kafkajs's admin. Nothing is connected yet. When `signal` aborts its sockets are destroyed, so that all it was asked
 * fails at once. It tries once: the timers of its own retries cannot be stopped, see {@link isPassing}.
 */
export function openAdmin(target: KafkaTarget, signal: AbortSignal): Admin {
  return new kafkajs.Kafka({ ...prepare(target, signal), retry: { retries: 0 } }).admin()
}

/** Whether kafkajs, if it were allowed to, would try again after this. */
export function isPassing(error: unknown): boolean {
  return error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded
}

/** kafkajs's own view of a cluster, for fetching without a consumer group. Nothing is connected yet. */
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

/** Whatever kafkajs threw, in our words: `kafka-refused` if a broker said no, else `kafka-unreachable`. */
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

/** What an error is about: its cause, or the first of those that it sums up (of CreateTopics: one a topic). */
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

/** How often to try again: every address has its turn. */
export function retriesFor(brokers: KafkaTarget['brokers']): number {
  return Math.max(2, brokers.length)
}

function prepare(target: KafkaTarget, signal?: AbortSignal): Prepared {
  const { brokers, clientId, connectTimeoutMs, requestTimeoutMs } = target
  cure()
  // kafkajs splits at the first colon, so an IPv6 address goes by a name of ours until the socket is opened.
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
      // a socket that is made with an aborted signal would connect all the same
      signal?.throwIfAborted()
      const socket = connect({ host: addresses.get(host) ?? host, port, signal }, onConnect)
      // At each retry kafkajs closes its dead sockets again, each time with a listener more: no leak, but Node warns.
      return socket.setKeepAlive(true, 60_000).setMaxListeners(0)
    },
  }
}

const isCured = Symbol('logagent: timer cured')

/**
 * kafkajs looks for requests to send on a timer, whether there are any or not, and gives it a negative delay: Node
 * warns (TimeoutNegativeWarning) and wakes up every millisecond. The timer is only of use while something is pending;
 * a request that arrives later starts it again. Its codecs for zstd are left to the user, too.
 */
function cure(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({ decompress: promisify(zstdDecompress) })
  const queue: typeof requestQueue.prototype & { [isCured]?: true } = requestQueue.prototype
  if (queue[isCured]) return
  const schedule = queue.scheduleCheckPendingRequests
  queue.scheduleCheckPendingRequests = function (): void {
    if (this.pending.length > 0) schedule.call(this)
  }
  queue[isCured] = true
}
