/** A process that is measured or helps to measure: its output is kept, and it ends with the bench, however that ends. */
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { until } from '../../support/wait.ts'
import type { Watchdog } from '../../support/watchdog.ts'

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
}

export interface Child {
  readonly pid: number
  readonly isEnded: () => boolean
  /** All output on standard output. */
  readonly output: () => string
  /** All output on standard error. */
  readonly complaints: () => string
  /** The end of its output, for the message of a failure. */
  readonly lastWords: () => string
  /** Waits until it ends by itself. */
  readonly ended: (within: number) => Promise<void>
  /** Sends SIGTERM, and SIGKILL if that is not enough. It was measured before. */
  readonly stop: () => Promise<void>
}

const STOP_MS = 20_000

/** @param log path of the files for its output, without their endings */
export function launch({ program, args, cwd = '/' }: Command, log: string, watchdog: Watchdog): Child {
  const [out, err] = [openSync(`${log}.out`, 'w'), openSync(`${log}.err`, 'w')]
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    stdio: ['ignore', out, err],
    detached: true, // a Ctrl-C ends only the bench; the watchdog ends its children
  })
  closeSync(out)
  closeSync(err)
  const { pid } = child
  if (pid === undefined) throw new Error(`${program} cannot be started`)
  watchdog.watch(pid)
  let end: string | undefined
  child.once('exit', (code, signal) => {
    end = `exit ${code ?? signal}`
    watchdog.forget(pid)
  })
  const output = (): string => readFileSync(`${log}.out`, 'utf8')
  const complaints = (): string => readFileSync(`${log}.err`, 'utf8')
  const lastWords = (): string => {
    const text = `${output()}${complaints()}`
    return `${end ?? 'running'}; it said last:\n${text.trimEnd().split('\n').slice(-12).join('\n')}`
  }
  const ended = async (within: number): Promise<void> =>
    void (await until(() => end, { within, what: () => `${program} ends: ${lastWords()}` }))
  return {
    pid,
    isEnded: () => end !== undefined,
    output,
    complaints,
    lastWords,
    ended,
    async stop() {
      child.kill('SIGTERM')
      try {
        await ended(STOP_MS)
      } catch {
        child.kill('SIGKILL')
        await ended(STOP_MS)
      }
    },
  }
}
