/**
 * Every way logagent can fail, as a closed list. Code elsewhere throws {@link AgentError} with one of these codes, or lets
 * a foreign error through, which counts as `internal`.
 */

/** The exit code by error, where it ends the process. What Kafka does (4) ends only a command: `run` tries again. */
export const EXIT_CODES = {
  /** A fault in logagent itself. */
  internal: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Another agent uses the same state directory. */
  'state-locked': 3,
  /** The state directory cannot be created, read or written. */
  'state-unusable': 3,
  /** No broker answers. */
  'kafka-unreachable': 4,
  /** Kafka answered with an error. */
  'kafka-refused': 4,
  /** A file named on the command line cannot be read. */
  'file-unreadable': 5,
  /** The shutdown deadline passed before everything was stored. */
  undelivered: 6,
  /** A broker connection ended with requests unanswered. */
  'connection-lost': 4,
  /** A broker did not answer within kafka.requestTimeoutMs. */
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

/** The exit code for whatever was thrown; anything that is not an {@link AgentError} is `internal`. */
export function exitCodeOf(error: unknown): number {
  return EXIT_CODES[error instanceof AgentError ? error.code : 'internal']
}

/** The error, if it is the operating system's: those are got over. A fault of ours must not look like one: it is thrown. */
export function systemErrorOf(error: unknown): Error {
  if (error instanceof Error && 'syscall' in error) return error
  throw error
}

/** For errors of the operating system's that are got over without a word. Others are thrown. */
export function ignoreSystemError(error: unknown): void {
  systemErrorOf(error)
}

/** The exit code of a process that a second signal ends at once, as a shell has it: 130 for SIGINT, 143 for SIGTERM. */
export function exitCodeOfSignal(signal: number): number {
  return 128 + signal
}

/** `ENOENT` and the like, '' for what is no system error. */
export function systemCodeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

/** Whether nothing more could be opened, by this process or on this machine. It says nothing of what was to be opened. */
export function isShortOfDescriptors(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes(systemCodeOf(error))
}

/** The one line a person reads about an error; never a stack, never a secret. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
