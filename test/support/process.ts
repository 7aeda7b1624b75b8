/** The agent as a process, as users run it: with arguments, an environment, a log, signals and an exit code. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { atEnd, type Ending } from './ending.ts'
import { until, type Waiting } from './wait.ts'
import { startWatchdog } from './watchdog.ts'

export interface AgentSettings {
  readonly args: readonly string[]
  /** Added to an environment of PATH and HOME: nothing that configures the agent comes in from the outside. */
  readonly env?: Readonly<Record<string, string>>
  /** The path of a program for Node; the default is src/main.ts. */
  readonly from?: string
  readonly nodeArgs?: readonly string[]
  readonly cwd?: string
  /** A command that runs another one, with its arguments: `setpriv …`. It must exec that command, not wait for it. */
  readonly under?: readonly string[]
}

/** A line of the agent's log, from JSON; a line that is not JSON (of a stack trace) comes as `{ text }`. */
export type LogLine = Readonly<Record<string, unknown>>

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Agent {
  readonly pid: number
  /** The lines on standard error so far; the list grows. */
  readonly log: readonly LogLine[]
  /** The bytes on standard output so far. */
  output(): Buffer
  /** Waits for the first line of the log, past or to come, that fits. Fails at once if the agent ends before. */
  logged(fits: (line: LogLine) => boolean, waiting: Waiting): Promise<LogLine>
  signal(signal: NodeJS.Signals): void
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>
  pause(): void
  resume(): void
  /** How the agent has ended; undefined while it runs. */
  end(): Exit | undefined
  /** Waits until the agent ends by itself. */
  exited(within?: number): Promise<Exit>
  /** Waits as {@link exited}, and fails with the end of the log unless the exit code is this one. */
  exitsWith(code: number, within?: number): Promise<void>
  usage(): Usage
}

const ROOT = join(import.meta.dirname, '../..')
const SOURCE = join(ROOT, 'src/main.ts')

/** Starts an agent. It is killed when the test ends, and when the test process ends. */
export function startAgent(test: Ending, settings: AgentSettings): Agent {
  const { args, env = {}, from = SOURCE, nodeArgs = [], cwd = ROOT, under = [] } = settings
  const [command = '', ...rest] = [...under, process.execPath, ...nodeArgs, from, ...args]
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${command} cannot be started`)
  const watchdog = startWatchdog()
  watchdog.watch(pid)
  const log: LogLine[] = []
  const output: Buffer[] = []
  createInterface({ input: child.stderr }).on('line', (line) => log.push(parsed(line)))
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  // 'close', not 'exit': after it the log is complete
  let end: Exit | undefined
  const closed = once(child, 'close').then(async () => {
    end = { code: child.exitCode, signal: child.signalCode }
    watchdog.forget(pid)
    await watchdog.close()
    return end
  })
  const lastWords = (): string =>
    log
      .slice(-15)
      .map((line) => JSON.stringify(line))
      .join('\n')
  const exited = async (within = 60_000): Promise<Exit> => {
    await until(() => end, { within, what: () => `the agent ends; its log ends with\n${lastWords()}` })
    return closed
  }
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await closed
  }
  atEnd(test, kill)
  return {
    pid,
    log,
    output: () => Buffer.concat(output),
    logged: async (fits, waiting) =>
      until(() => {
        const line = log.find(fits)
        if (!line && end) throw new Error(`the agent ended (${JSON.stringify(end)}) with\n${lastWords()}`)
        return line
      }, waiting),
    signal: (signal) => void child.kill(signal),
    kill,
    pause: () => void child.kill('SIGSTOP'),
    end: () => end,
    resume: () => void child.kill('SIGCONT'),
    exited,
    exitsWith: async (code, within) => {
      const { code: actual, signal } = await exited(within)
      if (actual !== code) throw new Error(`exit ${actual ?? signal}, not ${code}; the log ends with\n${lastWords()}`)
    },
    usage: () => usageOf(pid),
  }
}

function parsed(line: string): LogLine {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? { ...value } : { text: line }
  } catch {
    return { text: line }
  }
}

export interface Usage {
  readonly rssBytes: number
  /** The highest RSS so far. */
  readonly peakRssBytes: number
  /** User and system time of all threads, in steps of 10 ms. */
  readonly cpuMs: number
  readonly threads: number
  /** How often the main thread went to sleep: an upper bound of its wake-ups. */
  readonly sleeps: number
}

/** The resource usage of a living process, from /proc. */
export function usageOf(pid: number): Usage {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1])
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // the second field, the name, may hold spaces and brackets: the others are counted from its end
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return {
    rssBytes: number('VmRSS') * 1024,
    peakRssBytes: number('VmHWM') * 1024,
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10, // clock ticks: 100 a second on every Linux
    threads: number('Threads'),
    sleeps: number('voluntary_ctxt_switches'),
  }
}

/** How many files below a directory a living process holds open, deleted ones included. */
export function openFilesUnder(pid: number, directory: string): number {
  const descriptors = `/proc/${pid}/fd`
  return readdirSync(descriptors).filter((descriptor) => {
    try {
      return readlinkSync(`${descriptors}/${descriptor}`).startsWith(`${directory}/`)
    } catch {
      return false // closed meanwhile
    }
  }).length
}
