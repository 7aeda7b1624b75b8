/**
 * The demo's lines. A line follows from its log and number, so that a line that is read back can be identified and
 * compared byte for byte.
 */

export const LOGS = ['access', 'app'] as const
export type Log = (typeof LOGS)[number]

const PATHS = ['/', '/orders/17', '/cart', '/search?q=caf%C3%A9', '/static/app.3f2a.js', '/api/v1/users']
const STATUS = [200, 200, 200, 200, 304, 404, 200, 500]
const CLIENTS = ['curl/8.5.0', 'Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0', 'kube-probe/1.33']
const EVENTS = [
  'INFO  order accepted',
  'INFO  注文を受け付けました',
  'WARN  naïve retry № 3 … « réessai »',
  'INFO  🚀 déployé, Größe 17 µm ✓',
  'ERROR "quoted" \\ back\tslash {"json": true}',
]

/** Line `n` of a log, without its newline. `since` is the time of line 0 in ms since the epoch. */
export function lineOf(log: Log, n: number, since: number): string {
  const time = new Date(since + n).toISOString()
  const id = `${log}-${n}`
  if (log === 'app') return `${time} ${pick(EVENTS, n)} ${id}`
  const request = `"GET ${pick(PATHS, n)} HTTP/1.1" ${pick(STATUS, n)} ${(n * 7919) % 48_000}`
  return `10.1.${n % 4}.${n % 250} - - [${time}] ${request} "-" "${pick(CLIENTS, n)}" ${id}`
}

/** The log and number of a line, which are at its end; null if there are none. */
export function identify(line: string): { log: Log; n: number } | null {
  const [, name, digits] = / (access|app)-(\d{1,9})$/.exec(line) ?? []
  const log = LOGS.find((known) => known === name)
  return log === undefined ? null : { log, n: Number(digits) }
}

function pick<T>(of: readonly T[], n: number): T {
  return of[n % of.length]!
}
