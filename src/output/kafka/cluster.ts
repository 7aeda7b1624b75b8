/**
 * The real {@link Transport}: a Kafka cluster. It joins the brokers, the metadata cache, and the refresh of metadata;
 * it has no protocol and no sockets itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { BrokerAddress } from '../../broker-address.ts'
import { AgentError } from '../../errors.ts'
import type { Events } from '../../observe/events.ts'
import { request, requestFromAny, type ApiRequest } from './request.ts'
import { Backoff } from '../backoff.ts'
import { Broker, type BrokerOptions, type BrokerSettings } from './broker.ts'
import { MetadataCache } from './metadata-cache.ts'
import { MetadataRefresh } from './metadata-refresh.ts'
import { ProduceRequest, noResponse, type ProduceContext } from './produce-request.ts'
import { tcp } from './tcp.ts'
import { TopicCreation, type TopicCreationOptions } from './topic-creation.ts'
import type { ItemResponse, ProduceItem, ProducerId, TopicView, Transport } from '../transport.ts'
import { describeError, meaningOf } from '../error-codes.ts'
import { decodeInitProducerId, encodeInitProducerId } from './wire/init-producer-id.ts'
import { decodeMetadata, encodeMetadata, type BrokerMetadata, type MetadataResponse } from './wire/metadata.ts'

export interface ClusterSettings extends BrokerSettings {
  readonly acks: -1 | 0 | 1
  readonly metadataMaxAgeMs: number
}

export interface ClusterOptions {
  readonly bootstrap: readonly BrokerAddress[]
  readonly settings: ClusterSettings
  readonly events: Pick<
    Events,
    | 'brokerConnected'
    | 'brokerUnreachable'
    | 'producerIdWaiting'
    | 'producerIdRefused'
    | 'topicWaiting'
    | 'topicRefused'
    | 'topicReady'
    | 'partitionWaiting'
  >
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
  /** Creates a topic that is missing; ends soon once the signal aborts. If left out, missing topics are waited for. */
  readonly createTopic?: TopicCreationOptions['createTopic'] | undefined
  /** How sockets are opened; plain TCP if left out. */
  readonly open?: BrokerOptions['open'] | undefined
  readonly authenticate?: BrokerOptions['authenticate']
}

/** How long a broker may take to respond with metadata or a producer id before another one gets the request as well. */
const NEXT_BROKER_AFTER_MS = 1_000
/** How long brokers may have no producer id for us before that is reported. */
const REPORT_AFTER_MS = 5_000

export class Cluster implements Transport {
  onChange: (topic: string) => void = () => undefined
  onReady: (node: number) => void = () => undefined

  readonly #options: ClusterOptions
  readonly #context: ProduceContext
  readonly #seeds: readonly Broker[]
  readonly #brokers = new Map<number, Broker>()
  /** Nodes that {@link ready} was called for before their address was known. */
  readonly #awaited = new Set<number>()
  readonly #metadata: MetadataCache
  readonly #refresh: MetadataRefresh
  readonly #creation: TopicCreation | null
  readonly #stop = new AbortController()

  constructor(options: ClusterOptions) {
    const { settings, events, random, now, createTopic } = options
    const { acks, clientId, requestTimeoutMs, metadataMaxAgeMs, retry } = settings
    this.#options = options
    // The broker's wait for its replicas ends first: its REQUEST_TIMED_OUT says more than a connection that was closed.
    this.#context = { acks, clientId, timeoutMs: Math.ceil((requestTimeoutMs * 2) / 3) }
    this.#seeds = options.bootstrap.map((address) => this.#newBroker(-1, address))
    this.#metadata = new MetadataCache(events, now)
    this.#refresh = new MetadataRefresh({
      maxAgeMs: metadataMaxAgeMs,
      retry,
      random,
      now,
      request: (topics) => this.#requestMetadata(topics),
    })
    const { signal } = this.#stop
    const onCreated = (topic: string): void => this.#refresh.hurry(topic)
    this.#creation = createTopic ? new TopicCreation({ createTopic, events, random, now, onCreated, signal }) : null
  }

  want(topic: string): void {
    this.#refresh.want(topic)
  }

  view(topic: string): TopicView | null {
    return this.#metadata.view(topic)
  }

  refresh(topic: string): void {
    this.#refresh.doubt(topic)
  }

  async producerId(signal: AbortSignal): Promise<ProducerId> {
    const { settings, random, now } = this.#options
    const backoff = new Backoff(settings.retry, random)
    const stop = AbortSignal.any([signal, this.#stop.signal])
    const since = now()
    for (;;) {
      stop.throwIfAborted()
      try {
        return await this.#requestFromAny((broker) => this.#requestProducerId(broker, now() - since))
      } catch (error) {
        // Each broker that failed has reported why.
        if (!(error instanceof AgentError)) throw error
        await delay(backoff.next(), undefined, { signal: stop })
      }
    }
  }

  ready(node: number): boolean {
    const broker = this.#brokers.get(node)
    if (broker !== undefined) return broker.ready()
    this.#awaited.add(node)
    this.#refresh.doubtAll()
    return false
  }

  produce(node: number, items: readonly ProduceItem[]): Promise<readonly ItemResponse[]> {
    const broker = this.#brokers.get(node)
    if (broker === undefined) {
      const error = new AgentError('connection-lost', `broker ${node} is not known`)
      return Promise.resolve(noResponse(items, { error, maybeSent: false }))
    }
    return new Promise((resolve) => broker.send(new ProduceRequest(this.#context, { items, broker }, resolve)))
  }

  async close(): Promise<void> {
    this.#stop.abort(new AgentError('connection-lost', 'the agent stops'))
    this.#refresh.close()
    const brokers = [...this.#seeds, ...this.#brokers.values()]
    await Promise.all([this.#creation?.finished(), ...brokers.map((broker) => broker.close())])
  }

  #newBroker(node: number, address: BrokerAddress): Broker {
    const { open = tcp, ...options } = this.#options
    return new Broker(node, address, {
      ...options,
      open,
      onReady: (broker) => this.onReady(broker.node),
      onDown: () => this.#refresh.doubtAll(),
    })
  }

  async #requestProducerId(broker: Broker, waitedMs: number): Promise<ProducerId> {
    const { events } = this.#options
    const { clientId } = this.#options.settings
    const { code, producerId, producerEpoch, throttleMs } = await this.#requestFrom(broker, {
      encode: (correlationId) => encodeInitProducerId({ correlationId, clientId }),
      decode: decodeInitProducerId,
    })
    broker.throttle(throttleMs)
    if (code === 0) return { id: producerId, epoch: producerEpoch }
    const reason = describeError(code)
    if (meaningOf(code).action === 'refused') events.producerIdRefused(broker.address, reason)
    // On every fresh cluster the coordinator is loading at first: that is not worth a report.
    else if (waitedMs > REPORT_AFTER_MS) events.producerIdWaiting(broker.address, reason)
    throw new AgentError('kafka-refused', `no producer id: ${reason}`)
  }

  async #requestMetadata(topics: readonly string[]): Promise<{ troubled: readonly string[]; news: boolean }> {
    const { clientId } = this.#options.settings
    const metadata = await this.#requestFromAny(async (broker) => {
      const response = await this.#requestFrom(broker, {
        encode: (correlationId) => encodeMetadata({ correlationId, clientId }, topics),
        decode: decodeMetadata,
      })
      broker.throttle(response.throttleMs)
      // A broker that is just starting knows no brokers, not even itself.
      if (response.brokers.length === 0)
        throw new AgentError('kafka-refused', `${broker.address} knows of no brokers yet`)
      return response
    })
    if (this.#stop.signal.aborted) return { troubled: [], news: false }
    return this.#learn(metadata, topics)
  }

  #learn(metadata: MetadataResponse, topics: readonly string[]): { troubled: readonly string[]; news: boolean } {
    const { changed, troubled, missing } = this.#metadata.apply(metadata, topics)
    this.#learnBrokers(metadata.brokers)
    for (const topic of changed) this.onChange(topic)
    for (const topic of missing) this.#creation?.missing(topic)
    return { troubled, news: changed.length > 0 }
  }

  #learnBrokers(brokers: readonly BrokerMetadata[]): void {
    const listed = new Set<number>()
    for (const { node, host, port } of brokers) {
      listed.add(node)
      const known = this.#brokers.get(node)
      if (known === undefined) this.#brokers.set(node, this.#newBroker(node, { host, port }))
      else known.moveTo({ host, port })
      if (this.#awaited.delete(node)) this.#brokers.get(node)?.ready()
    }
    const leaders = this.#metadata.leaders()
    for (const [node, broker] of this.#brokers) {
      // A broker that is down for good leads nothing: connecting to it must not be tried for ever.
      if (!leaders.has(node)) broker.stopTrying()
      if (!listed.has(node) && broker.idle && !leaders.has(node)) this.#brokers.delete(node)
    }
    // The bootstrap addresses are not needed now: often they are one load balancer, and its connections are scarce.
    for (const seed of this.#seeds) if (seed.pending === 0) seed.disconnect('the brokers are known')
  }

  async #requestFrom<T>(broker: Broker, apiRequest: ApiRequest<T>): Promise<T> {
    return request(await broker.connect(), apiRequest)
  }

  #requestFromAny<T>(attempt: (broker: Broker) => Promise<T>): Promise<T> {
    return requestFromAny(this.#candidates(), attempt, {
      patienceMs: NEXT_BROKER_AFTER_MS,
      none: () => new AgentError('kafka-unreachable', 'no broker can be reached now'),
    })
  }

  /**
   * The brokers to send a request to, best first: connected ones by how many requests are pending, then the others in
   * random order, then the bootstrap addresses (when all known brokers have moved, only these still lead to the
   * cluster), last those that are connected but silent.
   */
  #candidates(): readonly Broker[] {
    const shuffled = shuffle([...this.#brokers.values()], this.#options.random)
    const connected = shuffled.filter((broker) => broker.connected && !broker.silent)
    connected.sort((a, b) => a.pending - b.pending)
    const others = shuffled.filter((broker) => !broker.connected && !broker.backingOff)
    const seeds = shuffle([...this.#seeds], this.#options.random).filter((seed) => !seed.backingOff)
    const silent = shuffled.filter((broker) => broker.connected && broker.silent)
    return [...connected, ...others, ...seeds, ...silent]
  }
}

/** Puts a list into random order, in place (Fisher and Yates). */
function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = list[i]!
    list[i] = list[j]!
    list[j] = moved
  }
  return list
}
