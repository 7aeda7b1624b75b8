/**
 * The closed list of ways in which logagent can fail. Code elsewhere throws {@link AgentError} with one of these codes,
 * or lets a foreign error through, which counts as `internal`.
 */

/** The exit code for each error code. Errors of Kafka (4) end only the other commands, because `run` tries again. */
export const EXIT_CODES = {
  /** A fault in logagent itself. */
  internal: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Another agent uses the same state directory. */
  'state-locked': 3,
  /** The state directory cannot be created, read or written. */
  'state-unusable': 3,
  /** No broker responds. */
  'kafka-unreachable': 4,
  /** Kafka responded with an error. */
  'kafka-refused': 4,
  /** A file named on the command line cannot be read. */
  'file-unreadable': 5,
  /** The shutdown deadline passed before everything was stored. */
  undelivered: 6,
  /** A broker connection ended while requests were without a response. */
  'connection-lost': 4,
  /** A broker sent no response within kafka.requestTimeoutMs. */
  'request-timeout': 4,
  /** A broker sent bytes that are not the Kafka protocol. */
  'protocol-violation': 4,
  /** A broker does not speak the API versions logagent needs. */
  'unsupported-broker': 4,
} as const

export type ErrorCode = keyof typeof EXIT_CODES

export class AgentError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'AgentError'
    this.code = code
  }
}

/** The exit code for anything that was thrown. Whatever is not an {@link AgentError} counts as `internal`. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[error instanceof AgentError ? error.code : 'internal']
}

/**
 * Returns an error of the operating system, which the caller handles. Throws any other error, which is a fault of ours.
 */
export function systemErrorOf(error: unknown): Error {
  if (error instanceof Error && 'syscall' in error) return error
  throw error
}

/** Ignores an error of the operating system. Throws any other error, which is a fault of ours. */
export function ignoreSystemError(error: unknown): void {
  systemErrorOf(error)
}

/**
 * The exit code of a process that a second signal ends at once, as shells define it: 130 for SIGINT, 143 for SIGTERM.
 */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal
}

/** The code of a system error, such as `ENOENT`; '' for any other error. */
export function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/**
 * Whether this process or this machine has no descriptor left. Such an error says nothing about the file to be opened.
 */
export function isShortOfDescriptors(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCodeOf(error))
}

/** The text about an error that a person reads; never a stack, never a secret. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
