/**
 * The lanes by topic and partition, who leads them, and which partitions their files have left: see failover.ts. Notes
 * when another topic has the name: then the lanes' producer states are in doubt.
 */
import type { Lane } from './lane.ts'
import { type TopicState, substituteFor } from './partition.ts'
import { NO_TOPIC_ID, type TopicView, type Transport } from '../transport.ts'

/** Records that wait so long where sending fails are a sign that others had better go elsewhere. */
const STALLED_MS = 1000

interface Topic {
  /** Of the topic that the lanes have sent to; null before one is known. */
  id: string | null
  /** It was not there, since its id was noted. */
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
  /** The lane has another leader, or none. */
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

  /** What a file's partition is chosen by; null while the topic is unknown. */
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

  /** The topic's leaders are others now, or another topic has its name. */
  follow(name: string): void {
    const view = this.#options.transport.view(name)
    this.#noteId(name, view)
    for (const lane of this.#topic(name).lanes) if (lane !== undefined) this.#setLeader(lane, view)
  }

  /** The topic has fewer partitions now: it was made again. */
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

  /** The lane that takes over the files of one without a leader; null: nobody can. */
  substituteOf({ topic, partition }: Lane): Lane | null {
    const view = this.#options.transport.view(topic)
    const heir = view === null ? -1 : substituteFor(partition, view)
    return heir < 0 ? null : this.get(topic, heir)
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
   * The logs of another topic are empty, and take any batch of ours for the first: what is sent behind it before it is
   * stored could come to lie in front of it. Where there are no ids, what was gone and is there again is another one.
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

  /** What waits while a connection is made, or for the first attempt again, is no sign. */
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
