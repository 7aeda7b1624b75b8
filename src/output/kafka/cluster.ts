/**
 * The real {@link Transport}: a Kafka cluster. Joins the brokers, what is known of the topics, and when to ask for
 * more; holds no protocol and no sockets itself.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { AgentError } from '../../errors.ts'
import type { Events } from '../../observe/events.ts'
import { ask, askAnyOf, type Question } from './request.ts'
import { Backoff, type BackoffLimits } from '../backoff.ts'
import { Broker, type Address, type BrokerOptions } from './broker.ts'
import { MetadataCache } from './metadata-cache.ts'
import { MetadataRefresh } from './metadata-refresh.ts'
import { ProduceExchange, unanswered, type ProduceContext } from './produce-exchange.ts'
import { tcp } from './tcp.ts'
import { TopicCreation, type TopicCreationOptions } from './topic-creation.ts'
import type { Answer, ProduceItem, ProducerId, TopicView, Transport } from '../transport.ts'
import { describeError, meaningOf } from '../error-codes.ts'
import { decodeInitProducerId, encodeInitProducerId } from './wire/init-producer-id.ts'
import { decodeMetadata, encodeMetadata, type BrokerMetadata, type MetadataAnswer } from './wire/metadata.ts'

export interface ClusterOptions {
  readonly bootstrap: readonly Address[]
  readonly clientId: string
  readonly acks: -1 | 0 | 1
  readonly requestTimeoutMs: number
  /** At most 10 s keeps the promise that a broker which can't be reached is named within 10 s. */
  readonly connectTimeoutMs: number
  readonly metadataMaxAgeMs: number
  readonly retry: BackoffLimits
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
  /** Makes a topic that is missing; ends soon once the signal aborts. Left out: missing topics are waited for. */
  readonly createTopic?: TopicCreationOptions['createTopic'] | undefined
  /** How sockets are opened; plain TCP if left out. */
  readonly open?: BrokerOptions['open'] | undefined
  readonly authenticate?: BrokerOptions['authenticate']
}

/** How long one broker may keep metadata or a producer id from us before another one is asked as well. */
const ASK_NEXT_AFTER_MS = 1_000
/** How long a broker may go on having no producer id for us before somebody hears of it. */
const COMPLAIN_AFTER_MS = 5_000

export class Cluster implements Transport {
  onChange: (topic: string) => void = () => undefined
  onReady: (node: number) => void = () => undefined

  readonly #options: ClusterOptions
  readonly #context: ProduceContext
  readonly #seeds: readonly Broker[]
  readonly #brokers = new Map<number, Broker>()
  /** Nodes that were asked for before their address was known. */
  readonly #awaited = new Set<number>()
  readonly #metadata: MetadataCache
  readonly #refresh: MetadataRefresh
  readonly #creation: TopicCreation | null
  readonly #stop = new AbortController()

  constructor(options: ClusterOptions) {
    const { acks, clientId, requestTimeoutMs, metadataMaxAgeMs, retry, events, random, now, createTopic } = options
    this.#options = options
    // The broker gives up on its replicas first: its REQUEST_TIMED_OUT tells more than a connection torn down.
    this.#context = { acks, clientId, timeoutMs: Math.ceil((requestTimeoutMs * 2) / 3) }
    this.#seeds = options.bootstrap.map((address) => this.#newBroker(-1, address))
    this.#metadata = new MetadataCache(events, now)
    this.#refresh = new MetadataRefresh({
      maxAgeMs: metadataMaxAgeMs,
      retry,
      random,
      now,
      ask: (topics) => this.#askMetadata(topics),
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
    const { retry, random, now } = this.#options
    const backoff = new Backoff(retry, random)
    const stop = AbortSignal.any([signal, this.#stop.signal])
    const since = now()
    for (;;) {
      stop.throwIfAborted()
      try {
        return await this.#askAny((broker) => this.#askProducerId(broker, now() - since))
      } catch (error) {
        // Who failed and why was told by the brokers.
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

  produce(node: number, items: readonly ProduceItem[]): Promise<readonly Answer[]> {
    const broker = this.#brokers.get(node)
    if (broker === undefined) {
      const error = new AgentError('connection-lost', `broker ${node} is not known`)
      return Promise.resolve(unanswered(items, { error, maybeSent: false }))
    }
    return new Promise((resolve) => broker.send(new ProduceExchange(this.#context, { items, broker }, resolve)))
  }

  async close(): Promise<void> {
    this.#stop.abort(new AgentError('connection-lost', 'the agent stops'))
    this.#refresh.close()
    const brokers = [...this.#seeds, ...this.#brokers.values()]
    await Promise.all([this.#creation?.settled(), ...brokers.map((broker) => broker.close())])
  }

  #newBroker(node: number, address: Address): Broker {
    const { open = tcp, ...options } = this.#options
    return new Broker(node, address, {
      ...options,
      open,
      onReady: (broker) => this.onReady(broker.node),
      onDown: () => this.#refresh.doubtAll(),
    })
  }

  async #askProducerId(broker: Broker, waitedMs: number): Promise<ProducerId> {
    const { clientId, events } = this.#options
    const { code, producerId, producerEpoch, throttleMs } = await this.#askOne(broker, {
      encode: (correlationId) => encodeInitProducerId({ correlationId, clientId }),
      decode: decodeInitProducerId,
    })
    broker.throttle(throttleMs)
    if (code === 0) return { id: producerId, epoch: producerEpoch }
    const reason = describeError(code)
    if (meaningOf(code).action === 'refused') events.producerIdRefused(broker.address, reason)
    // A coordinator that is still loading is how every fresh cluster begins; nobody needs to hear of that.
    else if (waitedMs > COMPLAIN_AFTER_MS) events.producerIdWaiting(broker.address, reason)
    throw new AgentError('kafka-refused', `no producer id: ${reason}`)
  }

  async #askMetadata(topics: readonly string[]): Promise<{ troubled: readonly string[]; news: boolean }> {
    const { clientId } = this.#options
    const answer = await this.#askAny(async (broker) => {
      const answer = await this.#askOne(broker, {
        encode: (correlationId) => encodeMetadata({ correlationId, clientId }, topics),
        decode: decodeMetadata,
      })
      broker.throttle(answer.throttleMs)
      // A broker that is just starting knows of none, not even of itself.
      if (answer.brokers.length === 0)
        throw new AgentError('kafka-refused', `${broker.address} knows of no brokers yet`)
      return answer
    })
    if (this.#stop.signal.aborted) return { troubled: [], news: false }
    return this.#learn(answer, topics)
  }

  #learn(answer: MetadataAnswer, topics: readonly string[]): { troubled: readonly string[]; news: boolean } {
    const { changed, troubled, missing } = this.#metadata.apply(answer, topics)
    this.#learnBrokers(answer.brokers)
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
      // A broker that is down for good leads nothing, and nobody should go on knocking at its door.
      if (!leaders.has(node)) broker.rest()
      if (!listed.has(node) && broker.idle && !leaders.has(node)) this.#brokers.delete(node)
    }
    // The bootstrap addresses have done their work: often they are one load balancer, and its connections are scarce.
    for (const seed of this.#seeds) if (seed.pending === 0) seed.leave('the brokers are known')
  }

  async #askOne<T>(broker: Broker, question: Question<T>): Promise<T> {
    return ask(await broker.connect(), question)
  }

  #askAny<T>(attempt: (broker: Broker) => Promise<T>): Promise<T> {
    return askAnyOf(this.#candidates(), attempt, {
      patienceMs: ASK_NEXT_AFTER_MS,
      none: () => new AgentError('kafka-unreachable', 'no broker can be reached now'),
    })
  }

  /**
   * Brokers worth asking, best first: connected ones by what they have to do, then the others in random order, then the
   * bootstrap addresses (when all known brokers have moved, only these still lead to the cluster), last those that are
   * connected but silent.
   */
  #candidates(): readonly Broker[] {
    const shuffled = shuffle([...this.#brokers.values()], this.#options.random)
    const connected = shuffled.filter((broker) => broker.connected && !broker.silent)
    connected.sort((a, b) => a.pending - b.pending)
    const others = shuffled.filter((broker) => !broker.connected && !broker.resting)
    const seeds = shuffle([...this.#seeds], this.#options.random).filter((seed) => !seed.resting)
    const silent = shuffled.filter((broker) => broker.connected && broker.silent)
    return [...connected, ...others, ...seeds, ...silent]
  }
}

/** Fisher and Yates, in place. */
function shuffle<T>(list: T[], random: () => number): T[] {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const moved = list[i]!
    list[i] = list[j]!
    list[j] = moved
  }
  return list
}
