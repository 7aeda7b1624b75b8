/**
 * The counters: every event that has a number adds to it here, from the first day, so that metrics only have to read
 * them. Counted since the start of the process.
 */
import type { LossReason, SettleReason } from '../flow.ts'
import type { Events } from './events.ts'

export class Counters {
  filesFound = 0
  filesLetGo = 0
  filesTruncated = 0
  /** Source bytes handed to the pipeline. */
  bytesRead = 0
  recordsEncoded = 0
  /** Source bytes of encoded records. */
  bytesEncoded = 0
  invalidUtf8 = 0
  truncatedRecords = 0
  readonly settledLines: Record<SettleReason, number> = { empty: 0, 'too-long': 0, 'too-large': 0 }
  readonly settledBytes: Record<SettleReason, number> = { empty: 0, 'too-long': 0, 'too-large': 0 }
  readonly lostBytes: Record<LossReason, number> = { truncated: 0, deleted: 0, 'gone-while-stopped': 0 }
  batchesStored = 0
  recordsStored = 0
  /** Bytes on the wire of stored batches. */
  bytesStored = 0
  retries = 0
  splits = 0
  tooLargeRecords = 0
  possibleRepeats = 0
  filesMoved = 0
  checkpoints = 0
  checkpointFailures = 0
  /** Wall clock ms of the last completed checkpoint, 0 before the first. */
  lastCheckpointAt = 0
}

/** The implementation of {@link Events} that counts. `now`: ms since the epoch. */
export function countingEvents(counters: Counters, now: () => number): Events {
  const nothing = (): void => undefined
  return {
    fileFound: () => void counters.filesFound++,
    fileRotated: nothing,
    fileTruncated: () => void counters.filesTruncated++,
    fileLetGo: () => void counters.filesLetGo++,
    fileDenied: nothing,
    fileIgnored: nothing,
    bytesRead: (bytes) => void (counters.bytesRead += bytes),
    watchUnavailable: nothing,
    settled(_file, reason, { lines, bytes }) {
      counters.settledLines[reason] += lines
      counters.settledBytes[reason] += bytes
    },
    lost: (_file, reason, bytes) => void (counters.lostBytes[reason] += bytes),
    encoded({ records, bytes, invalidUtf8, truncated }) {
      counters.recordsEncoded += records
      counters.bytesEncoded += bytes
      counters.invalidUtf8 += invalidUtf8
      counters.truncatedRecords += truncated
    },
    batchStored({ records, bytes }) {
      counters.batchesStored++
      counters.recordsStored += records
      counters.bytesStored += bytes
    },
    batchRetried: () => void counters.retries++,
    batchSplit: () => void counters.splits++,
    recordTooLarge: () => void counters.tooLargeRecords++,
    possibleRepeats: (_topic, _partition, records) => void (counters.possibleRepeats += records),
    filesMoved: (_topic, _partition, files) => void (counters.filesMoved += files),
    brokerConnected: nothing,
    brokerUnreachable: nothing,
    topicWaiting: nothing,
    topicReady: nothing,
    partitionWaiting: nothing,
    checkpointWritten() {
      counters.checkpoints++
      counters.lastCheckpointAt = now()
    },
    checkpointFailed: () => void counters.checkpointFailures++,
    stateTorn: nothing,
    stateSetAside: nothing,
  }
}

/** Both hear of every event, `first` first. */
export function both(first: Events, second: Events): Events {
  /* oxlint-disable typescript/no-unsafe-type-assertion -- the types of the parameters are lost and found on this way */
  const all: Partial<Record<keyof Events, (w: unknown, x: unknown, y: unknown, z: unknown) => void>> = {}
  for (const name of Object.keys(first) as (keyof Events)[]) {
    const a = first[name] as (...args: unknown[]) => void
    const b = second[name] as (...args: unknown[]) => void
    // no event has more than four parameters; a list of them would be made for every call
    all[name] = (w: unknown, x: unknown, y: unknown, z: unknown) => {
      a.call(first, w, x, y, z)
      b.call(second, w, x, y, z)
    }
  }
  return all as unknown as Events
  /* oxlint-enable typescript/no-unsafe-type-assertion */
}
