/**
 * The agent's own log: pino writes JSON lines, which become lines for people on a terminal. No pino transport is used,
 * because transports are threads of their own and cannot be bundled.
 */
import pino, { type Logger } from 'pino'

export interface LoggerOptions {
  readonly level: string
  readonly pretty: boolean
  readonly out: NodeJS.WritableStream & { readonly writableLength?: number }
}

/**
 * The most bytes that are kept in memory when the reader of a pipe has stopped reading. The agent does not wait for it.
 */
const MOST_UNREAD_BYTES = 1024 * 1024

export function createLogger({ level, pretty, out }: LoggerOptions): Logger {
  let missing = 0
  const destination = {
    write(line: string): void {
      if ((out.writableLength ?? 0) >= MOST_UNREAD_BYTES) {
        missing++
        return
      }
      const lines = missing
      missing = 0
      if (lines > 0) logger.warn({ lines }, 'lines of the log are missing: nobody read it')
      out.write(pretty ? forPeople(line) : line)
    },
  }
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return logger
}

const COLOURS: Readonly<Record<string, string>> = {
  warn: '\u001b[33m',
  error: '\u001b[31m',
  fatal: '\u001b[31m',
  debug: '\u001b[2m',
}

/** A JSON line as a line for people: `10:00:00.123 warn  waiting for topic  topic=logs reason="…"` */
function forPeople(line: string): string {
  const parsed: Readonly<Record<string, unknown>> = JSON.parse(line)
  const { time, level, msg, ...rest } = parsed
  const facts = Object.entries(rest).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  const label = String(level)
  const head = `${String(time).slice(11, 23)} ${COLOURS[label] ?? ''}${label.padEnd(5)} ${String(msg)}\u001b[0m`
  return `${[head, ...facts].join('  ')}\n`
}
