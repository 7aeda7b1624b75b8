/**
 * `logagent check --connect`: tries what shipping needs, with the connection and the requests that shipping uses: every
 * bootstrap address, every topic, the brokers that lead its partitions, the permission to write, and a producer id.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type BrokerAddress, hostAndPort } from '../broker-address.ts'
import type { Config } from '../config/load.ts'
import { AgentError, messageOf } from '../errors.ts'
import { request } from '../output/kafka/request.ts'
import { Connection } from '../output/kafka/connection.ts'
import { handshake } from '../output/kafka/handshake.ts'
import { tcp } from '../output/kafka/tcp.ts'
import { describeError, meaningOf } from '../output/error-codes.ts'
import { decodeInitProducerId, encodeInitProducerId } from '../output/kafka/wire/init-producer-id.ts'
import {
  type MetadataResponse,
  type TopicMetadata,
  decodeMetadata,
  encodeMetadata,
} from '../output/kafka/wire/metadata.ts'

/** One thing that was tried. */
export interface Finding {
  readonly ok: boolean
  /** What was tried: `broker kafka:9092`, `topic logs`. */
  readonly what: string
  readonly words: string
}

/** Bits of Kafka's authorized operations: all operations, and write. */
const ALL = 1 << 2
const WRITE = 1 << 4
/** The value in a response if the operations were not requested, or the broker does not report them. */
const NOT_REPORTED = -(2 ** 31)

/** Tries everything, and never throws for a response of Kafka or for a missing one. */
export async function tryKafka(config: Config): Promise<Finding[]> {
  const { kafka, inputs } = config
  const findings: Finding[] = []
  const topics = [...new Set(inputs.map((input) => input.topic))]
  let metadata: MetadataResponse | null = null
  for (const address of kafka.brokers) {
    const broker = await tryBroker(config, address, topics, metadata === null)
    findings.push(broker.finding, ...broker.others)
    metadata ??= broker.metadata
  }
  if (metadata === null) return findings
  for (const topic of topics) findings.push(topicFinding(topic, metadata, config))
  for (const { host, port, node } of leadersOf(metadata)) {
    // a leader that is a bootstrap address was already tried
    if (kafka.brokers.some((address) => address.host === host && address.port === port)) continue
    const { finding } = await tryBroker(config, { host, port }, [], false)
    findings.push({ ...finding, what: `${finding.what} (node ${node}, a leader)` })
  }
  return findings
}

interface Visit {
  readonly finding: Finding
  readonly others: Finding[]
  readonly metadata: MetadataResponse | null
}

async function tryBroker(
  { kafka }: Config,
  address: BrokerAddress,
  topics: readonly string[],
  isFirst: boolean,
): Promise<Visit> {
  const name = hostAndPort(address)
  const what = `broker ${name}`
  const { clientId, acks } = kafka
  const connection = new Connection({
    address: name,
    open: tcp(address),
    authenticate: (open) => handshake(open, { address: name, clientId }),
    connectTimeoutMs: kafka.connectTimeoutMs,
    requestTimeoutMs: kafka.requestTimeoutMs,
    silenceMs: kafka.requestTimeoutMs,
    now: () => performance.now(),
    onSilence: () => undefined,
    onClose: () => undefined,
  })
  try {
    await connection.connect()
    const words = 'reached, and has the API versions that logagent needs'
    if (!isFirst) return { finding: { ok: true, what, words }, others: [], metadata: null }
    const metadata = await request(connection, {
      encode: (correlationId) => encodeMetadata({ correlationId, clientId }, topics, true),
      decode: decodeMetadata,
    })
    const others = acks === 'all' ? [await tryProducerId(connection, kafka)] : []
    const cluster = `cluster ${metadata.clusterId ?? 'without an id'}, ${metadata.brokers.length} brokers`
    return { finding: { ok: true, what, words: `${words}; ${cluster}` }, others, metadata }
  } catch (error) {
    return { finding: { ok: false, what, words: messageOf(error) }, others: [], metadata: null }
  } finally {
    await connection.close(new AgentError('connection-lost', 'checked'))
  }
}

/** Requests a producer id. A cluster that has never given one responds at first that its coordinator is loading. */
async function tryProducerId(connection: Connection, kafka: Config['kafka']): Promise<Finding> {
  const { clientId, requestTimeoutMs, retry } = kafka
  const initProducerId = {
    encode: (correlationId: number) => encodeInitProducerId({ correlationId, clientId }),
    decode: decodeInitProducerId,
  }
  const deadline = performance.now() + requestTimeoutMs
  let { code } = await request(connection, initProducerId)
  while (meaningOf(code).action === 'retry' && performance.now() < deadline) {
    await delay(retry.minMs)
    code = (await request(connection, initProducerId)).code
  }
  const what = 'producer id'
  return code === 0
    ? { ok: true, what, words: 'given: batches will not be stored twice after a retry' }
    : { ok: false, what, words: describeError(code) }
}

function topicFinding(name: string, metadata: MetadataResponse, config: Config): Finding {
  const what = `topic ${name}`
  const topic = metadata.topics.find((candidate) => candidate.name === name)
  if (topic === undefined) return { ok: false, what, words: 'the broker did not report it' }
  if (topic.code === UNKNOWN_TOPIC && config.topic.create) return { ok: true, what, words: 'missing; will be created' }
  if (topic.code !== 0) return { ok: false, what, words: describeError(topic.code) }
  const leaderless = topic.partitions.filter((partition) => partition.leader < 0).map(({ partition }) => partition)
  const count = `${topic.partitions.length} partitions`
  if (leaderless.length > 0) {
    return { ok: false, what, words: `${count}, without a leader: ${leaderless.slice(0, 20).join(', ')}` }
  }
  const fixed = partitionsOf(name, config).find((partition) => partition >= topic.partitions.length)
  if (fixed !== undefined) return { ok: false, what, words: `${count}; an input needs partition ${fixed}` }
  if (!mayWrite(topic)) return { ok: false, what, words: `${count}; logagent may not write to it` }
  return { ok: true, what, words: `${count}, all with a leader; logagent may write to it` }
}

const UNKNOWN_TOPIC = 3

/** The partitions that inputs of the topic have as their partitioner. */
function partitionsOf(topic: string, { inputs }: Config): number[] {
  return inputs.flatMap((input) =>
    input.topic === topic && typeof input.partitioner === 'number' ? [input.partitioner] : [],
  )
}

function mayWrite({ authorizedOperations }: TopicMetadata): boolean {
  return authorizedOperations === NOT_REPORTED || (authorizedOperations & (WRITE | ALL)) !== 0
}

/** The brokers that lead a partition of the requested topics. */
function leadersOf({ brokers, topics }: MetadataResponse): MetadataResponse['brokers'] {
  const nodes = new Set(topics.flatMap((topic) => topic.partitions.map(({ leader }) => leader)))
  return brokers.filter(({ node }) => nodes.has(node))
}
