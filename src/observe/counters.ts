/**
 * The counters of events since the start of the process. Every event that has a number adds to a counter, so that
 * metrics only have to read them.
 */
import type { IgnoreReason, LossReason, Receipt, SettleReason } from '../flow.ts'
import { type Events, nothing } from './events.ts'
import { everyEvent } from './every-event.ts'

export class Counters {
  filesFound = 0
  filesRotated = 0
  filesTruncated = 0
  filesLetGo = 0
  filesDenied = 0
  readonly filesIgnored: Record<IgnoreReason, number> = {
    'not-regular': 0,
    'outside-roots': 0,
    'rotated-before-first-start': 0,
  }
  watchesUnavailable = 0
  mountHangs = 0
  mountWaits = 0
  mountAnswers = 0
  /** Source bytes handed to the pipeline. */
  bytesRead = 0
  recordsEncoded = 0
  /** Source bytes of encoded records. */
  bytesEncoded = 0
  invalidUtf8 = 0
  truncatedRecords = 0
  /** Source bytes of truncated records that no record contains. */
  cutBytes = 0
  readonly settledLines: Record<SettleReason, number> = { empty: 0, 'too-long': 0, 'too-large': 0 }
  readonly settledBytes: Record<SettleReason, number> = { empty: 0, 'too-long': 0, 'too-large': 0 }
  /** Source bytes of {@link bytesRead} that are stored or settled; all others are on their way. */
  readonly finishedBytes: Record<Receipt['outcome'], number> = { stored: 0, settled: 0 }
  readonly lostBytes: Record<LossReason, number> = { truncated: 0, gone: 0 }
  undeliveredBytes = 0
  batchesStored = 0
  recordsStored = 0
  /** Bytes on the wire of stored batches. */
  bytesStored = 0
  retries = 0
  /** Retries for a reason that a person has to remove. */
  refusals = 0
  splits = 0
  /** Records too large for a batch or for the broker, which were cut or dropped. */
  tooLargeRecords = 0
  /** Records too large for the broker, as it has refused them. */
  tooLargeRefusals = 0
  possibleRepeats = 0
  filesMoved = 0
  brokerConnections = 0
  /** By the broker's address. */
  readonly brokerFailures = new Map<string, number>()
  topicsFound = 0
  producerIdWaits = 0
  producerIdRefusals = 0
  /** A topic or partition that is waited for is counted at most every 30 s. */
  topicWaits = 0
  topicRefusals = 0
  partitionWaits = 0
  checkpoints = 0
  checkpointFailures = 0
  /** When the last checkpoint was completed, in ms since the epoch; 0 before the first. */
  lastCheckpointAt = 0
  stateTears = 0
  statesSetAside = 0
  statesUnlocked = 0
}

/** The implementation of {@link Events} that counts. `now` gives ms since the epoch. */
export function countingEvents(counters: Counters, now: () => number): Events {
  return {
    fileFound: () => void counters.filesFound++,
    fileRotated: () => void counters.filesRotated++,
    fileTruncated: () => void counters.filesTruncated++,
    fileLetGo: () => void counters.filesLetGo++,
    fileDenied: () => void counters.filesDenied++,
    fileIgnored: (_path, reason) => void counters.filesIgnored[reason]++,
    mountHangs: () => void counters.mountHangs++,
    mountWaits: () => void counters.mountWaits++,
    mountAnswers: () => void counters.mountAnswers++,
    bytesRead: (bytes) => void (counters.bytesRead += bytes),
    watchUnavailable: () => void counters.watchesUnavailable++,
    settled(_file, reason, { lines, bytes }) {
      counters.settledLines[reason] += lines
      counters.settledBytes[reason] += bytes
      if (reason === 'too-large') counters.tooLargeRecords += lines
    },
    finished: (_file, outcome, bytes) => void (counters.finishedBytes[outcome] += bytes),
    lost: (_file, reason, bytes) => void (counters.lostBytes[reason] += bytes),
    undelivered: (_file, bytes) => void (counters.undeliveredBytes += bytes),
    encoded({ records, bytes, invalidUtf8, truncated, cutBytes }) {
      counters.recordsEncoded += records
      counters.bytesEncoded += bytes
      counters.invalidUtf8 += invalidUtf8
      counters.truncatedRecords += truncated
      counters.cutBytes += cutBytes
    },
    recordsCut: (_file, { records }) => void (counters.tooLargeRecords += records),
    batchStored({ records, bytes }) {
      counters.batchesStored++
      counters.recordsStored += records
      counters.bytesStored += bytes
    },
    batchRetried: () => void counters.retries++,
    batchRefused() {
      counters.retries++
      counters.refusals++
    },
    batchSplit: () => void counters.splits++,
    recordTooLarge: () => void counters.tooLargeRefusals++,
    recordTruncated({ records, cutBytes }) {
      counters.tooLargeRecords += records
      counters.truncatedRecords += records
      counters.cutBytes += cutBytes
    },
    possibleRepeats: (_topic, _partition, records) => void (counters.possibleRepeats += records),
    filesMoved: (_topic, _partition, files) => void (counters.filesMoved += files),
    brokerConnected: () => void counters.brokerConnections++,
    brokerUnreachable(_node, address) {
      counters.brokerFailures.set(address, (counters.brokerFailures.get(address) ?? 0) + 1)
    },
    producerIdWaiting: () => void counters.producerIdWaits++,
    producerIdRefused: () => void counters.producerIdRefusals++,
    topicWaiting: () => void counters.topicWaits++,
    topicRefused: () => void counters.topicRefusals++,
    topicReady: () => void counters.topicsFound++,
    partitionWaiting: () => void counters.partitionWaits++,
    checkpointWritten() {
      counters.checkpoints++
      counters.lastCheckpointAt = now()
    },
    checkpointFailed: () => void counters.checkpointFailures++,
    stateTorn: () => void counters.stateTears++,
    stateSetAside: () => void counters.statesSetAside++,
    stateUnlocked: () => void counters.statesUnlocked++,
  }
}

/** Passes every event to `first` and then to `second`. */
export function both(first: Events, second: Events): Events {
  return everyEvent([first, second], (a, b) => {
    if (b === nothing) return (w, x, y, z) => a.call(first, w, x, y, z)
    return (w, x, y, z) => {
      a.call(first, w, x, y, z)
      b.call(second, w, x, y, z)
    }
  })
}
