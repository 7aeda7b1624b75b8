/**
 * How many logs may be open at the same time: what the setting says, and no more than the process is allowed, less what
 * everything else needs. Without descriptors for sockets, the state and /proc the agent could ship nothing.
 */
import { readFileSync } from 'node:fs'
import { AgentError, systemErrorOf } from '../errors.ts'

/** Descriptors kept for the rest: standard streams, event loop, inotify, lock, state, directories, connections. */
const LEAST_RESERVE = 64
/** With a higher limit there may be more brokers too: this part of it is theirs. */
const RESERVE_PART = 1 / 4
/** With fewer logs than this nothing would get on. */
const LEAST_LOGS = 16

export interface OpenFiles {
  /** Logs that may be open at the same time. */
  readonly logs: number
  /** What the process is allowed in all; Infinity where there is no limit. */
  readonly limit: number
}

/**
 * `asked`: the setting `file.maxOpenFiles`. `limit`: see {@link descriptorLimit}.
 *
 * @throws AgentError usage where the process is allowed too few for anything
 */
export function openFilesFor(asked: number, limit: number): OpenFiles {
  const reserve = Math.max(LEAST_RESERVE, Math.floor(limit * RESERVE_PART))
  const most = limit === Infinity ? Infinity : limit - reserve
  if (most < LEAST_LOGS) {
    const message = `this process may have ${limit} files open, which is too few: give it at least ${LEAST_RESERVE + LEAST_LOGS} (ulimit -n, LimitNOFILE)`
    throw new AgentError('usage', message)
  }
  return { logs: Math.min(asked, most), limit }
}

/** The soft limit that the process runs under, which Node raises to the hard one when it starts; Infinity: none. */
export function descriptorLimit(read: () => string = readLimits): number {
  let limits: string
  try {
    limits = read()
  } catch (error) {
    // without /proc there is nothing to go by
    systemErrorOf(error)
    return Infinity
  }
  const [, soft = ''] = /^Max open files +(\S+)/m.exec(limits) ?? []
  return /^\d+$/.test(soft) ? Number(soft) : Infinity
}

function readLimits(): string {
  return readFileSync('/proc/self/limits', 'utf8')
}
