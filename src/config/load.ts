/**
 * Loads the configuration: reads the layers (defaults < file < environment < flags), settles one value a setting,
 * resolves inputs, checks the rules between settings, and gives one deeply frozen {@link Config} — or one error with
 * everything that is wrong. Touches nothing but the named files; environment, flags and host name are passed in.
 */
import { Complaints } from './complaints.ts'
import { readConfigFile } from './file.ts'
import { parseBroker, type BrokerAddress } from './broker-address.ts'
import { resolveInputs, type InputConfig } from './inputs.ts'
import type { Environment } from './environment-names.ts'
import { collect } from './layers.ts'
import type { Origin } from './origin.ts'
import { checkRules } from './rules.ts'
import { SCHEMA, type Settings } from './schema.ts'
import { settle } from './settle.ts'

export interface KafkaConfig extends Omit<Settings['kafka'], 'brokers'> {
  readonly brokers: readonly BrokerAddress[]
}

/** The configuration, ready. A stage gets its part of it, never the whole. Durations are milliseconds, sizes bytes. */
export interface Config extends Omit<Settings, 'inputs' | 'kafka'> {
  readonly kafka: KafkaConfig
  /** All inputs, the one that `paths` is short for too. Settings of the top level are in them already. */
  readonly inputs: readonly InputConfig[]
  /**
   * Which layer each value came from, and whether it may be shown, by setting (`kafka.topic`) and by input member
   * (`inputs.ID.topic`). What isn't in here has its default.
   */
  readonly origins: Readonly<Record<string, Origin>>
}

export interface Sources {
  /** From --config; without it LOGAGENT_CONFIG of the environment, without that no file is read. */
  readonly configPath?: string | undefined
  readonly environment: Environment
  /** By setting's name (`kafka.topic`): text as given on the command line. */
  readonly flags: ReadonlyMap<string, string>
  readonly hostName: string
  /** `stdout` needs neither brokers nor topics. */
  readonly output: 'kafka' | 'stdout'
}

/** Throws AgentError `usage` whose message has a complaint a line; never another error for what a user wrote. */
export async function load(sources: Sources): Promise<Config> {
  const complaints = new Complaints()
  const { environment, flags } = sources
  const path = sources.configPath ?? (environment['LOGAGENT_CONFIG'] || undefined)
  const namedBy = sources.configPath === undefined ? 'environment LOGAGENT_CONFIG' : 'flag --config'
  const file = path === undefined ? {} : { file: { path, tree: await readConfigFile(path, namedBy, complaints) } }
  const given = collect({ ...file, environment, flags }, SCHEMA, complaints)
  const { values, origins } = settle(SCHEMA, given, { complaints })
  const agentId = values.agent.id || sources.hostName
  const needsKafka = sources.output === 'kafka'
  const context = { values, origins, agentId, spareTopic: needsKafka ? '' : 'stdout' }
  const resolved = resolveInputs(context, complaints)
  checkRules({ values, origins, inputs: resolved.inputs, needsKafka }, complaints)
  complaints.throwIfAny()

  const { kafka, delivery } = values
  const acks = delivery === 'at-most-once' ? 0 : kafka.acks
  return deepFreeze({
    ...values,
    agent: { id: agentId },
    kafka: { ...kafka, acks, brokers: kafka.brokers.flatMap((text) => parseBroker(text) ?? []) },
    inputs: resolved.inputs,
    origins: Object.fromEntries([...origins, ...resolved.origins]),
  })
}

/** Freezes what is reachable; a configuration is a tree of plain objects and arrays, a few levels deep. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
