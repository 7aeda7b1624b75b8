/**
 * Whatever only reports must not end the agent: not a descriptor that is missing to find out a figure, nor a figure that
 * nobody foresaw.
 */
import type { Logger } from 'pino'
import { messageOf } from '../errors.ts'

/** Runs reports; one that fails is logged, the first time in a row. */
export function harmless(logger: Pick<Logger, 'warn'>): (report: () => void) => void {
  let hasFailed = false
  return (report) => {
    try {
      report()
      hasFailed = false
    } catch (error) {
      if (!hasFailed) logger.warn({ reason: messageOf(error) }, 'a report failed; trying again with the next one')
      hasFailed = true
    }
  }
}
