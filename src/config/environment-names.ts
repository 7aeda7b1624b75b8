/**
 * Complains of environment variables that look like settings and are none: LOGAGENT_ENCODNG=raw would ship json without
 * a warning. All names with LOGAGENT_ are the agent's. A name with KAFKA_ may be the application's, whose variables the
 * whole pod gets, so it is reported only if it is a few letters away from one of the agent's and that is given nowhere.
 * Variables that Kubernetes sets for a Service called logagent or kafka are never reported.
 */
import { closest, type Complaints } from './complaints.ts'
import type { NamedSetting } from './setting.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Names as Kubernetes makes them for a Service: KAFKA_SERVICE_HOST, KAFKA_SERVICE_PORT_HTTP, KAFKA_PORT_9092_TCP_ADDR.
 */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

/** Words in the longest name of a setting. A hostile name may have more, which are not looked at. */
const MOST_WORDS = 6

/** Adds a complaint for each unknown name. An empty variable counts as not set. */
export function complainOfNames(
  environment: Environment,
  { settings, isGiven }: { settings: readonly NamedSetting[]; isGiven: (setting: NamedSetting) => boolean },
  complaints: Complaints,
): void {
  const names = [...settings.map(({ env }) => env), 'LOGAGENT_CONFIG']
  const files = settings.map(({ env }) => `${env}_FILE`)
  for (const name of Object.keys(environment).filter((key) => (environment[key] ?? '') !== '')) {
    if (!/^(LOGAGENT|KAFKA)_/.test(name) || SERVICE_LINK.test(name)) continue
    if (names.includes(name) || files.includes(name)) continue
    const meant = closest(name, [...names, ...files])
    if (name.startsWith('LOGAGENT_')) report(name, meant === undefined ? related(name, names) : [meant], complaints)
    else if (meant !== undefined) {
      const ours = settings.find(({ env }) => env === meant.replace(/_FILE$/, ''))
      if (ours === undefined || !isGiven(ours)) report(name, [meant], complaints)
    }
  }
}

function report(name: string, meant: readonly string[], complaints: Complaints): void {
  const guess = meant.length === 0 ? '' : `; did you mean ${meant.join(' or ')}?`
  complaints.add({ setting: name, origin: 'environment', advice: `unknown setting${guess}` })
}

/**
 * Names that may have been meant: the same name with KAFKA_ (for LOGAGENT_TOPIC), or those that begin with the same
 * words (for LOGAGENT_SHUTDOWN_DEADLINE).
 */
function related(name: string, names: readonly string[]): readonly string[] {
  const elsewhere = names.find((env) => env === name.replace(/^LOGAGENT_(KAFKA_)?/, 'KAFKA_'))
  if (elsewhere !== undefined) return [elsewhere]
  for (const words = name.split('_', MOST_WORDS); words.length > 1; words.pop()) {
    const start = words.join('_')
    const found = names.filter((env) => env === start || env.startsWith(`${start}_`))
    if (found.length > 0) return found
  }
  return []
}
