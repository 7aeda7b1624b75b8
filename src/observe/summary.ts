/** The summary: a line of the log, at intervals, with what was shipped, what waits and what was lost. */
import type { Logger } from 'pino'
import type { Counters } from './counters.ts'

export interface SummarySource {
  readonly counters: Counters
  readonly logger: Logger
  /**
   * The number of files, the bytes on disk that are not stored, and the bytes taken over that are not stored, as of
   * now.
   */
  readonly state: () => { files: number; lagBytes: number; inFlightBytes: number }
  /** Resident memory of the process. NaN, which is logged as null, if that cannot be found out now. */
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
