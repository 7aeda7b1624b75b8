/**
 * How many files may be open, as the process's limit of descriptors allows. Node raises its soft limit to the hard one
 * when it starts, so the limits of `ulimit -n`, a container and systemd all are this one number.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { AgentError } from '../errors.ts'

/**
 * Descriptors that are reserved for connections, the state, directories, `/proc` and whatever a library opens: a part
 * of the limit, because a machine with many files tends to have many brokers too, and at least LEAST_KEPT.
 */
const KEPT_PART = 1 / 4
const LEAST_KEPT = 64

/** Descriptors that are open when the agent starts. If more are open, they were inherited from the parent process. */
const OURS_AT_START = 32

/** The least that `file.maxOpenFiles` may be. With fewer, files would wait for each other more than they are read. */
const LEAST_FILES = 16

export interface DescriptorLimit {
  /** Descriptors that the process may have; Infinity if that is not limited, or not known. */
  readonly limit: number
  /** How many of them are for files that are read. */
  readonly files: number
}

/** The limit of this process, as it is now. */
export function descriptorLimitHere(): DescriptorLimit {
  try {
    const atStart = readdirSync('/proc/self/fd').length
    return descriptorLimit(readFileSync('/proc/self/limits', 'latin1'), atStart)
  } catch {
    // without /proc the limit is not known
    return { limit: Infinity, files: Infinity }
  }
}

/**
 * The limit in the text of /proc/self/limits (proc(5)). `atStart` is how many descriptors are open before any file is.
 */
export function descriptorLimit(limits: string, atStart: number): DescriptorLimit {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
  if (soft === undefined) return { limit: Infinity, files: Infinity }
  const limit = Number(soft)
  const kept = Math.max(LEAST_KEPT, Math.ceil(limit * KEPT_PART))
  return { limit, files: limit - kept - Math.max(0, atStart - OURS_AT_START) }
}

/**
 * The most files that are open: the setting, or fewer if the limit bounds it.
 *
 * @throws AgentError `usage` if too few remain
 */
export function openFilesWithin(maxOpenFiles: number, { limit, files }: DescriptorLimit): number {
  if (files >= LEAST_FILES) return Math.min(maxOpenFiles, files)
  const kept = limit - files
  const message = `the process may have ${limit} descriptors (ulimit -n), of which ${kept} are reserved for other things than files; allow ${Math.max(256, kept + LEAST_FILES)} or more`
  throw new AgentError('usage', message)
}
