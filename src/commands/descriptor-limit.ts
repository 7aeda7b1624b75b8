/**
 * How many files may be open, by what the process may have open in all. Node has raised its soft limit to the hard one
 * by the time it runs us, so that `ulimit -n`, a container's and systemd's limit all come out as one number.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { AgentError } from '../errors.ts'

/**
 * Kept back for connections, the state, directories, `/proc` and whatever a library opens: a part of the limit, because
 * a machine with many files tends to have many brokers too, and never less than so many.
 */
const KEPT_PART = 1 / 4
const LEAST_KEPT = 64

/** So many are open when we start; more than that were left to us by whoever started us. */
const OURS_AT_START = 32

/** With fewer, files would wait for each other more than they are read: the least that `file.maxOpenFiles` may be. */
const LEAST_FILES = 16

export interface DescriptorLimit {
  /** What the process may have open in all; Infinity where that is not limited, or not known. */
  readonly limit: number
  /** Of these, for files that are read. */
  readonly files: number
}

/** The limit of this process. */
export function descriptorLimitHere(): DescriptorLimit {
  try {
    const atStart = readdirSync('/proc/self/fd').length
    return descriptorLimit(readFileSync('/proc/self/limits', 'latin1'), atStart)
  } catch {
    // without /proc nothing is known
    return { limit: Infinity, files: Infinity }
  }
}

/** `limits`: as in /proc/self/limits (proc(5)); `atStart`: how many are open before any file is. */
export function descriptorLimit(limits: string, atStart: number): DescriptorLimit {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  if (soft === undefined) return { limit: Infinity, files: Infinity }
  const limit = Number(soft)
  const kept = Math.max(LEAST_KEPT, Math.ceil(limit * KEPT_PART))
  return { limit, files: limit - kept - Math.max(0, atStart - OURS_AT_START) }
}

/**
 * How many files are open at most: the setting, or fewer where the limit bounds it.
 *
 * @throws AgentError usage when so few remain that nothing works
 */
export function openFilesWithin(maxOpenFiles: number, { limit, files }: DescriptorLimit): number {
  if (files >= LEAST_FILES) return Math.min(maxOpenFiles, files)
  const kept = limit - files
  const message = `the process may have ${limit} descriptors (ulimit -n), of which ${kept} are needed for other things than files; allow ${Math.max(256, kept + LEAST_FILES)} or more`
  throw new AgentError('usage', message)
}
