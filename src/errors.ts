/**
 * Every way logagent can fail, as a closed list: what it means, whether the agent gets over it by itself, and the exit
 * code when it ends the process. Code elsewhere throws {@link AgentError} with one of these codes, or lets a foreign
 * error through, which counts as `internal`.
 */

interface Meaning {
  readonly meaning: string
  /** true: the agent tries again without limit and never ends because of it. */
  readonly retried: boolean
  /** The exit code when this ends the process. */
  readonly exit: number
}

export const ERRORS = {
  internal: { meaning: 'a fault in logagent itself', retried: false, exit: 1 },
  usage: { meaning: 'the command line or the configuration is wrong', retried: false, exit: 2 },
  'state-locked': { meaning: 'another agent uses the same state directory', retried: false, exit: 3 },
  'state-unusable': { meaning: 'the state directory cannot be created, read or written', retried: false, exit: 3 },
  'kafka-unreachable': { meaning: 'no broker answers', retried: true, exit: 4 },
  'kafka-refused': { meaning: 'Kafka answered with an error', retried: true, exit: 4 },
  'file-unreadable': { meaning: 'a file named on the command line cannot be read', retried: false, exit: 5 },
  undelivered: { meaning: 'the shutdown deadline passed before everything was stored', retried: false, exit: 6 },
  'connection-lost': { meaning: 'a broker connection ended with requests unanswered', retried: true, exit: 4 },
  'request-timeout': { meaning: 'a broker did not answer within kafka.requestTimeoutMs', retried: true, exit: 4 },
  'protocol-violation': { meaning: 'a broker sent bytes that are not the Kafka protocol', retried: true, exit: 4 },
  'unsupported-broker': { meaning: 'a broker does not speak the API versions logagent needs', retried: true, exit: 4 },
} as const satisfies Record<string, Meaning>

export type ErrorCode = keyof typeof ERRORS

export class AgentError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AgentError'
    this.code = code
  }
}

/** The exit code for whatever was thrown; anything that is not an {@link AgentError} is `internal`. */
export function exitCodeOf(error: unknown): number {
  return ERRORS[error instanceof AgentError ? error.code : 'internal'].exit
}

/** The error, if it is the operating system's: those are got over. A fault of ours must not look like one: it is thrown. */
export function systemErrorOf(error: unknown): Error {
  if (error instanceof Error && 'syscall' in error) return error
  throw error
}

/** The exit code of a process that a second signal ends at once, as a shell has it: 130 for SIGINT, 143 for SIGTERM. */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal
}

/** `ENOENT` and the like, '' for what is no system error. */
export function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** The one line a person reads about an error; never a stack, never a secret. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
