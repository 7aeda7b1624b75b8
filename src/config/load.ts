/**
 * Loads the configuration: reads the layers (defaults < file < environment < flags), settles one value a setting,
 * resolves inputs, checks the rules between settings, and gives one deeply frozen {@link Config} — or one error with
 * everything that is wrong. Touches nothing but the named files; environment, flags and host name are passed in.
 */
import type { BrokerAddress } from '../broker-address.ts'
import { Complaints } from './complaints.ts'
import { readConfigFile } from './file.ts'
import { parseBroker } from './broker-address.ts'
import { resolveInputs, type InputConfig } from './inputs.ts'
import type { Environment } from './environment-names.ts'
import { collect, type Layers } from './layers.ts'
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

/** What only one setting is asked of. */
export type LayerSources = Pick<Sources, 'configPath' | 'environment' | 'flags'>

/** Throws AgentError `usage` whose message has a complaint a line; never another error for what a user wrote. */
export async function load(sources: Sources): Promise<Config> {
  const complaints = new Complaints()
  const given = collect(await layersOf(sources, complaints), SCHEMA, complaints)
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

/**
 * The state's directory alone. The rest may be missing or wrong: a state has to be set aside also where a rollback has
 * left settings that this program does not know. Throws as {@link load}.
 */
export async function loadStateDirectory(sources: LayerSources): Promise<string> {
  const complaints = new Complaints((setting) => /^(configuration|state)(\.|$)/.test(setting))
  const given = collect(await layersOf(sources, complaints), SCHEMA, complaints)
  const { values } = settle({ state: SCHEMA.state }, given, { complaints })
  complaints.throwIfAny()
  return values.state.dir
}

async function layersOf({ configPath, environment, flags }: LayerSources, complaints: Complaints): Promise<Layers> {
  const path = configPath ?? (environment['LOGAGENT_CONFIG'] || undefined)
  if (path === undefined) return { environment, flags }
  const namedBy = configPath === undefined ? 'environment LOGAGENT_CONFIG' : 'flag --config'
  return { file: { path, tree: await readConfigFile(path, namedBy, complaints) }, environment, flags }
}

/** Freezes what is reachable; a configuration is a tree of plain objects and arrays, a few levels deep. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
