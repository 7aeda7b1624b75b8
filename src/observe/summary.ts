/** One line now and then that says how the agent is doing: what went through, what waits, what was lost. */
import type { Logger } from 'pino'
import type { Counters } from './counters.ts'

export interface SummarySource {
  readonly counters: Counters
  readonly logger: Logger
  /** Bytes on disk that are not stored, bytes handed on and not stored, number of files; as of now. */
  readonly state: () => { files: number; lagBytes: number; inFlightBytes: number }
  /** NaN, which is logged as null, where it cannot be found out now. */
  readonly rssBytes: () => number
}

export function logSummary({ counters, logger, state, rssBytes }: SummarySource, message = 'summary'): void {
  logger.info(
    {
      ...state(),
      lines: counters.recordsStored,
      bytes: counters.bytesRead,
      storedBytes: counters.bytesStored,
      batches: counters.batchesStored,
      retries: counters.retries,
      possibleRepeats: counters.possibleRepeats,
      settledLines: sumOf(counters.settledLines),
      tooLargeRecords: counters.tooLargeRecords,
      truncatedLines: counters.truncatedRecords,
      cutBytes: counters.cutBytes,
      invalidUtf8: counters.invalidUtf8,
      lostBytes: sumOf(counters.lostBytes),
      rssMB: Math.round(rssBytes() / 1e6),
    },
    message,
  )
}

function sumOf(byReason: Readonly<Record<string, number>>): number {
  return Object.values(byReason).reduce((sum, count) => sum + count, 0)
}
