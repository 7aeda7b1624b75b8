/**
 * Handles a batch that the broker refuses as too large: the batch is sent in parts, and the limit is learned
 * (batch-limit.ts); a record that is too large by itself is cut or dropped. All of this happens in the batch's own
 * buffer: it needs no memory at a time when there may be none.
 *
 * The limit says how far batches are filled, and nothing about a single record: a record may compress better, so it is
 * tried as it is (lane.ts sends it alone).
 */
import type { CutRecord } from '../../flow.ts'
import type { Events } from '../../observe/events.ts'
import { split } from '../../ranges.ts'
import type { Batch, Compression, Piece } from './batch.ts'
import type { Lane } from './lane.ts'

export interface OversizeOptions {
  readonly tooLarge: 'cut' | 'drop'
  readonly compression: Compression
  readonly events: Pick<Events, 'batchSplit' | 'recordTooLarge' | 'recordTruncated'>
  readonly now: () => number
  cutRecord(record: Uint8Array, maxBytes: number): CutRecord | null
}

export class Oversize {
  readonly #options: OversizeOptions
  /**
   * Pieces whose first record was cut and reported. When the first record is taken out, its piece becomes another
   * object.
   */
  readonly #cut = new WeakSet<Piece>()

  constructor(options: OversizeOptions) {
    this.#options = options
  }

  /**
   * Makes the batch's next send smaller. 'send': it is smaller now, and has to be sealed and sent again under the same
   * sequence. 'drop': its first record has to be dropped.
   */
  refused(lane: Lane, batch: Batch): 'send' | 'drop' {
    const { compression, events, now } = this.#options
    const { limit } = lane
    const { sending, sendingBytes: bytes } = batch
    if (sending === 1) {
      // One record alone says little about how well others compress.
      if (compression === 'none') limit.refused({ batch, bytes, next: Math.floor(bytes / 2), now: now() })
      return this.#refusedAlone(lane, batch)
    }
    events.batchSplit(lane.topic, lane.partition, sending, bytes)
    const half = Math.ceil(sending / 2)
    // A batch that was in flight when the limit was learned may have many times the limit.
    batch.sending = bytes > limit.safe ? Math.min(half, batch.fitting(limit.safe)) : half
    limit.refused({ batch, bytes, next: batch.sendingBytes, now: now() })
    return 'send'
  }

  #refusedAlone(lane: Lane, batch: Batch): 'send' | 'drop' {
    const { tooLarge, events } = this.#options
    const record = batch.firstRecord()
    const most = Math.floor(record.length / 2)
    const cut = tooLarge === 'cut' ? this.#options.cutRecord(record, most) : null
    const piece = batch.pieces[0]
    if (piece === undefined) throw new Error('a batch without a piece')
    // Several cuts may be needed, but it is one record.
    const wasCut = this.#cut.has(piece)
    if (cut === null || !wasCut) {
      events.recordTooLarge({
        topic: lane.topic,
        partition: lane.partition,
        file: piece.file.path,
        offset: split(piece.ranges, batch.settledBefore(0))[1][0]?.start ?? 0,
        bytes: record.length,
        action: cut === null ? 'drop' : 'cut',
      })
    }
    if (cut === null) return 'drop'
    events.recordTruncated({ records: cut.wasWhole && !wasCut ? 1 : 0, cutBytes: cut.cutBytes })
    this.#cut.add(piece)
    batch.replaceFirst(cut.bytes)
    return 'send'
  }
}
