/** Applications that write and rotate logs while a test does something to the agent or to Kafka. */
import { renameSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd, type Ending } from './ending.ts'
import type { LogWriter } from './numbered-log.ts'

export interface Load {
  /** Stops writing. Resolves after the last write. */
  stop(): Promise<void>
}

export interface LoadSettings {
  /** The most lines in one write. */
  readonly lines?: number
  /** Milliseconds between two writes to a file. */
  readonly every?: number
  /** A file is renamed, and written to once more, after this many writes; 0: never. */
  readonly rotateAfter?: number
}

/** Writes one or many lines at a time, each by itself or all together, until it is stopped or the test ends. */
export function startLoad(
  test: Ending,
  writers: readonly LogWriter[],
  { lines = 20, every = 10, rotateAfter = 0 }: LoadSettings = {},
): Load {
  let stopped = false
  const run = async (): Promise<void> => {
    for (let n = 1; !stopped; n++) {
      for (const [index, writer] of writers.entries()) {
        writer.write(1 + ((n * 7) % lines), n % 2 === 0 ? 'each' : 'together')
        if (rotateAfter > 0 && (n + index) % rotateAfter === 0) rotate(writer, Math.floor(n / rotateAfter))
      }
      // the pace of the writers
      await delay(every)
    }
  }
  const running = run()
  const stop = async (): Promise<void> => {
    stopped = true
    await running
  }
  atEnd(test, stop)
  return { stop }
}

/** Renames to a number that the old file keeps: the file is never deleted before it is read. */
function rotate(writer: LogWriter, number: number): void {
  renameSync(writer.path, `${writer.path}.${number}`)
  writer.write(1)
  writer.reopen()
}
