/**
 * Environment names that look like ours and are no settings: LOGAGENT_ENCODNG=raw would ship json without a word. All of
 * LOGAGENT_* is ours. KAFKA_* may be the application's, whose variables the whole pod gets: there only a name a few letters
 * away from one of ours is told, and only where ours is given nowhere. What Kubernetes sets for a Service called logagent or
 * kafka is nobody's mistake.
 */
import { closest, type Complaints } from './complaints.ts'
import type { NamedSetting } from './setting.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** KAFKA_SERVICE_HOST, KAFKA_SERVICE_PORT_HTTP, KAFKA_PORT, KAFKA_PORT_9092_TCP_ADDR and the like. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT(_\w+)?)$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

/** No setting has more words in its name; a hostile name may. */
const MOST_WORDS = 6

/** Empty ones count as not set. */
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
    if (name.startsWith('LOGAGENT_')) tell(name, meant === undefined ? related(name, names) : [meant], complaints)
    else if (meant !== undefined) {
      const ours = settings.find(({ env }) => env === meant.replace(/_FILE$/, ''))
      if (ours === undefined || !isGiven(ours)) tell(name, [meant], complaints)
    }
  }
}

function tell(name: string, meant: readonly string[], complaints: Complaints): void {
  const guess = meant.length === 0 ? '' : `; did you mean ${meant.join(' or ')}?`
  complaints.add({ setting: name, origin: 'environment', advice: `unknown setting${guess}` })
}

/** The same in the other name space, or those that begin with the same words: LOGAGENT_TOPIC, LOGAGENT_SHUTDOWN_DEADLINE. */
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
