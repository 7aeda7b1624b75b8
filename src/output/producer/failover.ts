/**
 * Moves files and their batches away from a partition that has had no leader for long, if nothing binds them to it:
 * records that were sent without a response may be in its log, and records with a key belong there. When a partition is
 * gone because its topic was created again with fewer partitions, its log is gone as well, and records with a key move,
 * too; only those with a fixed partition wait for it.
 *
 * The batches themselves move to another lane, as they are: the files they were read from may be truncated by now, and
 * a part of the lines may be stored in other partitions already, so reading them again could lose or repeat lines.
 */
import type { Generation } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import type { Batch } from './batch.ts'
import type { Lane } from './lane.ts'
import type { Affinity } from './partition.ts'
import type { TopicLanes } from './topic-lanes.ts'

export interface FailoverOptions {
  readonly lanes: TopicLanes
  readonly leaderlessMs: number
  readonly events: Pick<Events, 'filesMoved'>
  /** Seals the lane's open batch, and makes it ready. */
  seal(lane: Lane): void
  /** The lane has got batches: look at it soon. */
  look(lane: Lane): void
  /** Records of the file have moved to the partition, and its next records belong behind them. */
  onMoved(file: Generation, partition: number): void
  /** Files of the topic may choose their partition again. */
  onTopic(topic: string): void
}

export class Failover {
  readonly #options: FailoverOptions

  constructor(options: FailoverOptions) {
    this.#options = options
  }

  /** Considers a lane without a leader. Returns when to look at it again; Infinity: when something about it changes. */
  consider(lane: Lane, now: number): number {
    const { lanes, leaderlessMs } = this.#options
    const isGone = lanes.isGone(lane)
    const since = lane.leaderlessSince + leaderlessMs
    if (!isGone && now < since) return since
    const isBound = isGone ? lane.sequence.inFlight > 0 : lane.bound
    const substitute = isBound ? null : lanes.substituteOf(lane)
    if (substitute === null || !this.#move(lane, substitute, isGone ? ['while-led', 'while-there'] : ['while-led']))
      return Infinity
    if (!lanes.isAbandoned(lane)) {
      // Not before the move: new records of a file would overtake those that it has here.
      lanes.abandon(lane)
      this.#options.onTopic(lane.topic)
    }
    return Infinity
  }

  /** Moves the batches with one of these affinities. False when that has to wait. */
  #move(from: Lane, to: Lane, affinities: readonly Affinity[]): boolean {
    if (from.open !== null && affinities.includes(from.open.affinity)) this.#options.seal(from)
    const movable = from.queue.filter((batch) => affinities.includes(batch.affinity))
    // a batch that is being compressed: look() is called when it is done
    if (movable.some((batch) => !batch.ready && !batch.dropFirst)) return false
    if (movable.length === 0) return true
    // records that are open there came before
    this.#options.seal(to)
    // takes all sequence numbers back, and counts records that may have been stored in a log that is gone
    from.sequence.restart(from.queue)
    for (const batch of movable) {
      from.queue.splice(from.queue.indexOf(batch), 1)
      to.queue.push(batch)
      from.quota.hand(batch.buffer, to.quota)
    }
    const files = filesOf(movable)
    for (const file of files) this.#options.onMoved(file, to.partition)
    this.#options.events.filesMoved(from.topic, from.partition, files.size)
    this.#options.look(to)
    return true
  }
}

function filesOf(batches: readonly Batch[]): Set<Generation> {
  const files = new Set<Generation>()
  for (const batch of batches) for (const piece of batch.pieces) files.add(piece.file)
  return files
}
