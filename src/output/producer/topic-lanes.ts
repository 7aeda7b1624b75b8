/**
 * The lanes by topic and partition, their leaders, and which partitions their files have left: see failover.ts. It also
 * notices when another topic has the name: then the lanes' producer states are in doubt.
 */
import type { Lane } from './lane.ts'
import { type TopicState, substituteFor } from './partition.ts'
import { NO_TOPIC_ID, type TopicView, type Transport } from '../transport.ts'

/** When records have waited this long where sending fails, other records should go to other partitions. */
const STALLED_MS = 1000

interface Topic {
  /** Id of the topic that the lanes have sent to; null before one is known. */
  id: string | null
  /** The topic was missing at some time since its id was noted. */
  wasGone: boolean
  /** By partition; with holes. */
  readonly lanes: (Lane | undefined)[]
  readonly abandoned: Set<number>
  readonly stalled: TopicState['stalled']
}

export interface TopicLanesOptions {
  readonly transport: Pick<Transport, 'view'>
  readonly now: () => number
  create(topic: string, partition: number): Lane
  /** The lane has another leader now, or none. */
  onLeader(lane: Lane): void
}

export class TopicLanes {
  readonly #options: TopicLanesOptions
  readonly #topics = new Map<string, Topic>()

  constructor(options: TopicLanesOptions) {
    this.#options = options
  }

  *[Symbol.iterator](): Iterator<Lane> {
    for (const { lanes } of this.#topics.values()) for (const lane of lanes) if (lane !== undefined) yield lane
  }

  /** The state of a topic by which a file's partition is chosen; null while the topic is unknown. */
  state(name: string): TopicState | null {
    const view = this.#options.transport.view(name)
    if (view === null) return null
    const { abandoned, stalled } = this.#topic(name)
    return { leaders: view.leaders, abandoned, stalled }
  }

  get(name: string, partition: number): Lane {
    const { lanes } = this.#topic(name)
    const known = lanes[partition]
    if (known !== undefined) return known
    const lane = this.#options.create(name, partition)
    lanes[partition] = lane
    const view = this.#options.transport.view(name)
    this.#noteId(name, view)
    this.#setLeader(lane, view)
    return lane
  }

  /** The topic's leaders have changed, or another topic has its name. */
  follow(name: string): void {
    const view = this.#options.transport.view(name)
    this.#noteId(name, view)
    for (const lane of this.#topic(name).lanes) if (lane !== undefined) this.#setLeader(lane, view)
  }

  /** Whether the lane's partition is gone: the topic was created again, with fewer partitions. */
  isGone({ topic, partition }: Lane): boolean {
    const view = this.#options.transport.view(topic)
    return view !== null && partition >= view.leaders.length
  }

  isAbandoned(lane: Lane): boolean {
    return this.#topic(lane.topic).abandoned.has(lane.partition)
  }

  abandon(lane: Lane): void {
    this.#topic(lane.topic).abandoned.add(lane.partition)
  }

  /** The lane that takes over the files of a lane without a leader; null when there is none. */
  substituteOf({ topic, partition }: Lane): Lane | null {
    const view = this.#options.transport.view(topic)
    const substitute = view === null ? -1 : substituteFor(partition, view)
    return substitute < 0 ? null : this.get(topic, substitute)
  }

  #topic(name: string): Topic {
    const known = this.#topics.get(name)
    if (known !== undefined) return known
    const lanes: Topic['lanes'] = []
    const stalled = { has: (partition: number): boolean => this.#isStalled(lanes[partition]) }
    const topic: Topic = { id: null, wasGone: false, lanes, abandoned: new Set<number>(), stalled }
    this.#topics.set(name, topic)
    return topic
  }

  /**
   * Notes the topic's id, and puts the lanes' state in doubt where it is another topic. Its logs are empty, and any of
   * our batches is taken for the first: a batch that is sent behind it before it is stored could be stored in front of
   * it. Where there are no ids, a topic that was missing and is there again counts as another one.
   */
  #noteId(name: string, view: TopicView | null): void {
    const topic = this.#topic(name)
    if (view === null) {
      topic.wasGone = true
      return
    }
    const isAnother = topic.id !== null && (topic.id !== view.id || (topic.wasGone && view.id === NO_TOPIC_ID))
    topic.id = view.id
    topic.wasGone = false
    if (!isAnother) return
    for (const lane of topic.lanes) {
      lane?.sequence.doubt()
      lane?.limit.doubt()
    }
  }

  /** Whether sending has failed for a while. Records that wait for a connection or for the first retry do not count. */
  #isStalled(lane: Lane | undefined): boolean {
    return lane !== undefined && lane.quota.stalled && this.#options.now() - lane.waitingSince > STALLED_MS
  }

  #setLeader(lane: Lane, view: TopicView | null): void {
    const leader = view?.leaders[lane.partition] ?? -1
    if (leader >= 0) this.#topic(lane.topic).abandoned.delete(lane.partition)
    lane.ledBy(leader, this.#options.now())
    this.#options.onLeader(lane)
  }
}
