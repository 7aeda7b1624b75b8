/**
 * The state of the wanted topics, by the Metadata responses that have come. Decides what a response changes, whether
 * that is reported, and which topics must be requested again soon. metadata-refresh.ts sends the requests.
 *
 * Brokers that lag behind still name old leaders, fewer partitions, and the topic that had the name before. The first
 * two are recognised by leader epochs, the last by its id: an id that was replaced never comes back, since a topic that
 * is created anew always gets an id of its own.
 */
import type { Events } from '../../observe/events.ts'
import { NO_TOPIC_ID, type TopicView } from '../transport.ts'
import { describeError, meaningOf } from '../error-codes.ts'
import type { MetadataResponse, PartitionMetadata, TopicMetadata } from './wire/metadata.ts'

export interface KnownTopic extends TopicView {
  /** Leader epoch per partition, by index. */
  readonly epochs: readonly number[]
}

export interface MetadataChange {
  /** Topics whose view has changed. */
  readonly changed: readonly string[]
  /** Topics with something missing, to be requested again soon. */
  readonly troubled: readonly string[]
  /** Those among them that do not exist. */
  readonly missing: readonly string[]
}

interface Trouble {
  readonly reason: string
  /** Trying again is no use until somebody acts. */
  readonly refused: boolean
}

/** The topic that has a name, and those that had it before. */
interface Entry {
  /** The topic by the last response without trouble. */
  topic: KnownTopic
  /** The last response had no trouble. */
  isUsable: boolean
  /** Ids of the topics that had the name before, the newest last. */
  readonly replaced: string[]
}

const LEFT_OUT: Trouble = { reason: 'the response leaves it out', refused: false }
const REPLACED: Trouble = { reason: 'the response is about a topic of this name that was deleted', refused: false }
const UNKNOWN_TOPIC_OR_PARTITION = 3
/** No broker lags behind by more topics of one name than this. */
const REPLACED_KEPT = 8
const REPORT_EVERY_MS = 30_000
/** At most this many partitions without a leader are reported, the last one with the number of the others. */
const PARTITIONS_REPORTED = 8

export class MetadataCache {
  readonly #events: Pick<Events, 'topicWaiting' | 'topicRefused' | 'topicReady' | 'partitionWaiting'>
  readonly #now: () => number
  readonly #topics = new Map<string, Entry>()
  #clusterId: string | null = null
  /** When something was last reported: by topic, and by topic/partition (no topic's name has a slash). */
  readonly #reportedAt = new Map<string, number>()

  constructor(
    events: Pick<Events, 'topicWaiting' | 'topicRefused' | 'topicReady' | 'partitionWaiting'>,
    now: () => number,
  ) {
    this.#events = events
    this.#now = now
  }

  view(topic: string): KnownTopic | null {
    const entry = this.#topics.get(topic)
    return entry?.isUsable === true ? entry.topic : null
  }

  /** Node ids that lead at least one partition. */
  leaders(): Set<number> {
    const nodes = new Set<number>()
    for (const { topic, isUsable } of this.#topics.values()) {
      if (isUsable) for (const node of topic.leaders) nodes.add(node)
    }
    nodes.delete(-1)
    return nodes
  }

  /** Takes in the response to a request for the topics `requested`; what it says of other topics is ignored. */
  apply(response: MetadataResponse, requested: readonly string[]): MetadataChange {
    this.#isOf(response.clusterId)
    const alive = new Set(response.brokers.map((broker) => broker.node))
    const topics = new Map(response.topics.map((topic) => [topic.name, topic]))
    const changed: string[] = []
    const troubled: string[] = []
    const missing: string[] = []
    for (const name of requested) {
      const entry = this.#topics.get(name)
      const before = this.view(name)
      const topic = topics.get(name)
      const trouble = topic === undefined ? LEFT_OUT : troubleWith(topic)
      if (topic === undefined || trouble !== null) {
        troubled.push(name)
        if (topic?.code === UNKNOWN_TOPIC_OR_PARTITION) missing.push(name)
        if (entry !== undefined) entry.isUsable = false
        this.#waiting(name, trouble ?? LEFT_OUT)
        if (before !== null) changed.push(name)
        continue
      }
      if (entry?.replaced.includes(topic.id) === true) {
        troubled.push(name)
        if (before === null) this.#waiting(name, REPLACED)
        continue
      }
      const after = merge(entry?.topic ?? null, topic, alive)
      this.#keep(name, after)
      if (before === null || differ(before, after)) changed.push(name)
      this.#topicReady(name, before, after)
      if (this.#leaderless(name, after)) troubled.push(name)
    }
    return { changed, troubled, missing }
  }

  /** In another cluster behind the same addresses an id may be right again that was replaced in this one. */
  #isOf(clusterId: string | null): void {
    if (clusterId === this.#clusterId) return
    this.#clusterId = clusterId
    for (const { replaced } of this.#topics.values()) replaced.length = 0
  }

  #keep(name: string, topic: KnownTopic): void {
    const entry = this.#topics.get(name)
    if (entry === undefined) {
      this.#topics.set(name, { topic, isUsable: true, replaced: [] })
      return
    }
    const { topic: former, replaced } = entry
    const haveIds = former.id !== NO_TOPIC_ID && topic.id !== NO_TOPIC_ID
    if (haveIds && former.id !== topic.id) replaced.push(former.id)
    if (replaced.length > REPLACED_KEPT) replaced.shift()
    entry.topic = topic
    entry.isUsable = true
  }

  #waiting(topic: string, { reason, refused }: Trouble): void {
    if (!this.#due(topic)) return
    if (refused) this.#events.topicRefused(topic, reason)
    else this.#events.topicWaiting(topic, reason)
  }

  /** Reports a topic the first time, after it was waited for, and when it got more partitions or was created anew. */
  #topicReady(topic: string, before: KnownTopic | null, after: KnownTopic): void {
    const waited = this.#reportedAt.delete(topic)
    if (waited || before === null || before.id !== after.id || before.leaders.length !== after.leaders.length) {
      this.#events.topicReady(topic, after.leaders.length)
    }
  }

  #leaderless(topic: string, { leaders }: KnownTopic): boolean {
    const due: number[] = []
    for (const [partition, leader] of leaders.entries()) {
      const key = `${topic}/${partition}`
      if (leader >= 0) this.#reportedAt.delete(key)
      else if (this.#due(key)) due.push(partition)
    }
    for (const partition of due.slice(0, PARTITIONS_REPORTED)) {
      const more = due.length - PARTITIONS_REPORTED
      const others = partition === due[PARTITIONS_REPORTED - 1] && more > 0 ? `, like ${more} more partitions` : ''
      this.#events.partitionWaiting(topic, partition, `it has no leader now${others}`)
    }
    return leaders.includes(-1)
  }

  #due(key: string): boolean {
    const now = this.#now()
    if (now - (this.#reportedAt.get(key) ?? -Infinity) < REPORT_EVERY_MS) return false
    this.#reportedAt.set(key, now)
    return true
  }
}

/** Why a topic of a response can't be used; null if it can. */
function troubleWith(topic: TopicMetadata): Trouble | null {
  const { code, partitions } = topic
  if (code !== 0) return { reason: describeError(code), refused: meaningOf(code).action === 'refused' }
  if (partitions.length === 0) return { reason: 'it has no partitions yet', refused: false }
  const seen = new Set<number>()
  for (const { partition } of partitions) if (partition >= 0 && partition < partitions.length) seen.add(partition)
  return seen.size === partitions.length ? null : { reason: 'the response leaves partitions out', refused: false }
}

/** The state of a topic after a response. A leader that isn't among the brokers alive counts as none. */
function merge(known: KnownTopic | null, topic: TopicMetadata, alive: ReadonlySet<number>): KnownTopic {
  // Without ids a broker that lags behind cannot be distinguished from a topic created anew, whose epochs begin again.
  const before = known !== null && known.id === topic.id && topic.id !== NO_TOPIC_ID ? known : null
  const leaders: number[] = topic.partitions.map(() => -1)
  const epochs: number[] = topic.partitions.map(() => -1)
  for (const partition of topic.partitions) {
    const index = partition.partition
    if (before !== null && isOlder(partition, before)) {
      // A broker that lags behind still names the old leader: the newer epoch of another broker counts.
      leaders[index] = before.leaders[index]!
      epochs[index] = before.epochs[index]!
    } else {
      leaders[index] = partition.leader >= 0 && alive.has(partition.leader) ? partition.leader : -1
      epochs[index] = partition.leaderEpoch
    }
  }
  // A topic never loses partitions: a broker that lags behind does not know the new ones yet.
  if (before !== null) {
    leaders.push(...before.leaders.slice(leaders.length))
    epochs.push(...before.epochs.slice(epochs.length))
  }
  return { id: topic.id, leaders, epochs }
}

function isOlder({ partition, leaderEpoch }: PartitionMetadata, before: KnownTopic): boolean {
  return leaderEpoch >= 0 && leaderEpoch < (before.epochs[partition] ?? -1)
}

function differ(before: KnownTopic, after: KnownTopic): boolean {
  if (before.id !== after.id || before.leaders.length !== after.leaders.length) return true
  return after.leaders.some((leader, partition) => leader !== before.leaders[partition])
}
