/** Applications that write while a test does something to the agent or to Kafka, and rotate as they go. */
import { renameSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd, type Ending } from './ending.ts'
import type { LogWriter } from './numbered-log.ts'

export interface Load {
  /** Resolves when nobody writes any more. */
  stop(): Promise<void>
}

export interface LoadSettings {
  /** Lines at once, at most. */
  readonly lines?: number
  /** Milliseconds between two writes to a file. */
  readonly every?: number
  /** A file is renamed, and written to a little more, after so many writes; never if not told. */
  readonly rotateAfter?: number
}

/** Now a line, now many, now each by itself, now together; until it is stopped, or the test ends. */
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

/** The old file keeps its number for good: whether all of it is read is not a matter of who comes first. */
function rotate(writer: LogWriter, number: number): void {
  renameSync(writer.path, `${writer.path}.${number}`)
  writer.write(1)
  writer.reopen()
}
