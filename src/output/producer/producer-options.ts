/** The parts that a producer is made of, and the listener that it reports to. Types only. */
import type { CutRecord, Generation } from '../../flow.ts'
import type { LinearMemory } from '../../kernel/memory.ts'
import type { Events } from '../../observe/events.ts'
import type { BackoffLimits } from '../backoff.ts'
import type { Transport } from '../transport.ts'
import type { Compression, Piece } from './batch.ts'
import type { Mode } from './sequence.ts'

export interface ProducerSettings {
  readonly mode: Mode
  readonly lingerMs: number
  readonly batchMaxBytes: number
  readonly compression: Compression
  /** Whether a record that is larger than a batch may be is cut or dropped. */
  readonly tooLarge: 'cut' | 'drop'
  readonly retry: BackoffLimits
  /** Files leave a partition that has had no leader for this long, if they may. 10 s if left out. */
  readonly leaderlessMs?: number | undefined
}

/** The input's side, which the producer reports to. */
export interface ProducerListener {
  /**
   * A piece is stored; or settled: its record was too large, or the piece has no record and stands for lines that
   * were settled before such a record.
   */
  onReceipt(piece: Piece, outcome: 'stored' | 'settled'): void
  /**
   * Records of a file without a key that are not stored have moved to another partition of its topic, because its own
   * has had no leader for `leaderlessMs`. The next records of the file have to go there.
   */
  onMoved(file: Generation, partition: number): void
  /** A buffer came free: files that wait for room may try again. */
  onRoom(): void
  /** A topic's partitions or leaders have changed: files that wait for the topic may try again. */
  onTopic(topic: string): void
}

export interface ProducerOptions {
  readonly settings: ProducerSettings
  readonly transport: Transport
  readonly memory: LinearMemory
  readonly events: Events
  readonly listener: ProducerListener
  /** A monotonic clock in milliseconds. */
  readonly now: () => number
  /** Numbers in [0, 1). */
  readonly random: () => number
  /** A record (its encoded bytes) made smaller, or null when it cannot be; from the encode stage. */
  cutRecord(record: Uint8Array, maxBytes: number): CutRecord | null
}
