/**
 * What to do about a batch that the broker finds too large: send it in halves, and learn the limit; a record that is
 * too large by itself is cut, or dropped. All of it happens in the batch's own buffer, so that it needs no memory at a
 * time when there may be none.
 */
import type { Events } from '../observe/events.ts'
import type { Batch } from './batch.ts'
import type { Lane } from './lane.ts'

/** No broker is set to less; below it a record could not carry its own metadata. */
const SMALLEST_LIMIT = 1024

export interface OversizeOptions {
  readonly tooLarge: 'cut' | 'drop'
  readonly events: Events
  cutRecord(record: Uint8Array, maxBytes: number): Uint8Array | null
}

export class Oversize {
  readonly #options: OversizeOptions

  constructor(options: OversizeOptions) {
    this.#options = options
  }

  /**
   * Make the batch's next send smaller. 'send': it is, seal and send it again under the same sequence. 'drop': its
   * first record has to go.
   */
  refused(lane: Lane, batch: Batch): 'send' | 'drop' {
    const bytes = batch.sendingBytes
    if (batch.sending > 1) {
      lane.limitBytes = Math.max(SMALLEST_LIMIT, Math.min(lane.limitBytes, Math.floor(bytes / 2)))
      batch.sending = Math.ceil(batch.sending / 2)
      this.#options.events.batchSplit(lane.topic, lane.partition, batch.records, bytes)
      return 'send'
    }
    const record = batch.firstRecord()
    const cut = this.#options.tooLarge === 'cut' ? this.#options.cutRecord(record, Math.floor(record.length / 2)) : null
    const piece = batch.pieces[0]
    this.#options.events.recordTooLarge({
      topic: lane.topic,
      partition: lane.partition,
      file: piece?.file.path ?? '',
      offset: piece?.start ?? 0,
      bytes: record.length,
      action: cut === null ? 'drop' : 'cut',
    })
    if (cut === null) return 'drop'
    batch.replaceFirst(cut)
    return 'send'
  }
}
