/**
 * Which partition a file's records go to. The key's hash is Java's murmur2, so that a key gets the partition that any
 * Java producer gives it. Round-robin and random change the partition with every read of a file, not with every line,
 * since a batch is cheap only when it has many records.
 */
import type { Partitioner } from '../../shipping-rules.ts'
import type { TopicView } from '../transport.ts'

/** Kafka's murmur2 (seed 0x9747b28c), as an unsigned 32-bit number; see Kafka's `Utils.murmur2`. */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995
  const { length } = bytes
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    let k = byte(bytes, i) | (byte(bytes, i + 1) << 8) | (byte(bytes, i + 2) << 16) | (byte(bytes, i + 3) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const left = length - i
  if (left >= 3) h ^= byte(bytes, i + 2) << 16
  if (left >= 2) h ^= byte(bytes, i + 1) << 8
  if (left >= 1) h = Math.imul(h ^ byte(bytes, i), m)
  h = Math.imul(h ^ (h >>> 13), m)
  return (h ^ (h >>> 15)) >>> 0
}

/** The partition of a key, as Java's default partitioner chooses it. */
export function partitionOfKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0
}

/**
 * When unsent records may leave their partition. while-led: when it has had no leader for long, since the file chose it
 * freely; while-there: only when it does not exist any more, since elsewhere they would lose the order of their key or
 * their file; always: never.
 */
export type Affinity = 'while-led' | 'while-there' | 'always'

const WEAKEST_FIRST: readonly Affinity[] = ['while-led', 'while-there', 'always']

export function affinityOf(partitioner: Partitioner, key: Uint8Array | null): Affinity {
  if (typeof partitioner === 'number') return 'always'
  return partitioner === 'hash' && key !== null ? 'while-there' : 'while-led'
}

/** The affinity of a batch with records of both. */
export function strongerAffinity(a: Affinity, b: Affinity): Affinity {
  return WEAKEST_FIRST.indexOf(a) > WEAKEST_FIRST.indexOf(b) ? a : b
}

export interface Choice {
  readonly partitioner: Partitioner
  /** Null for records without a key; `hash` then falls back to the file's id. */
  readonly key: Uint8Array | null
  /** The id of the file's generation. */
  readonly id: string
  /** The partition that the file has been on, -1 when none. */
  readonly sticky: number
}

/** The state of a topic by which a partition is chosen. */
export interface TopicState extends Pick<TopicView, 'leaders'> {
  /** Partitions that are gone or have had no leader for long: files without a key have left them. */
  readonly abandoned: ReadonlySet<number>
  /** Partitions where sending has failed for a while. They may have a leader, which only we cannot reach. */
  readonly stalled: Pick<ReadonlySet<number>, 'has'>
}

/** The partition that replaces another: the next one that has a leader, -1 when there is none. */
export function substituteFor(partition: number, { leaders }: Pick<TopicView, 'leaders'>): number {
  for (let i = 1; i <= leaders.length; i++) {
    const other = (partition + i) % leaders.length
    if (other !== partition && (leaders[other] ?? -1) >= 0) return other
  }
  return -1
}

/**
 * Partitions for records that may go to any: those with a leader, and of these only the ones where sending works, if
 * there are any.
 */
function reachable({ leaders, stalled }: TopicState): number[] {
  const led = leaders.flatMap((leader, index) => (leader >= 0 ? [index] : []))
  const working = led.filter((partition) => !stalled.has(partition))
  return working.length > 0 ? working : led
}

export class PartitionChooser {
  readonly #random: () => number
  #turn = 0

  constructor(random: () => number) {
    this.#random = random
  }

  /** The partition for the next records, or -1 when it has to wait (a fixed partition that does not exist). */
  choose(choice: Choice, topic: TopicState): number {
    const count = topic.leaders.length
    if (count === 0) return -1
    const { partitioner } = choice
    if (typeof partitioner === 'number') return partitioner < count ? partitioner : -1
    if (partitioner === 'hash' && choice.key !== null) {
      // the topic was created again: records that the file has on the old partition come first
      const isGone = choice.sticky >= count && !topic.abandoned.has(choice.sticky)
      return isGone ? choice.sticky : partitionOfKey(choice.key, count)
    }
    if (partitioner === 'sticky' || partitioner === 'hash') return stick(choice, topic)
    const others = reachable(topic)
    if (others.length === 0) return -1
    const turn = partitioner === 'random' ? Math.floor(this.#random() * others.length) : this.#turn++
    return others[turn % others.length] ?? -1
  }
}

/** The partition a file is on, or the one it begins on. */
function stick({ id, sticky }: Choice, topic: TopicState): number {
  const count = topic.leaders.length
  // The file keeps its partition, also when the topic gets more. When there are fewer (the topic was created again), it
  // waits until its own is abandoned, so that its next records do not overtake those that it has there.
  if (sticky >= 0) {
    const substitute = topic.abandoned.has(sticky) ? substituteFor(sticky, topic) : -1
    return substitute < 0 ? sticky : substitute
  }
  const key = new TextEncoder().encode(id)
  const wanted = partitionOfKey(key, count)
  if ((topic.leaders[wanted] ?? -1) >= 0 && !topic.stalled.has(wanted)) return wanted
  const others = reachable(topic)
  return others[partitionOfKey(key, others.length || 1)] ?? wanted
}
