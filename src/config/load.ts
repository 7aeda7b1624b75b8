/**
 * Loads the configuration: reads the layers (defaults < file < environment < flags), resolves one value for each
 * setting, resolves the inputs, checks the rules between settings, and returns one deeply frozen {@link Config}, or
 * throws one error with everything that is wrong. Reads only the named files; environment, flags and host name are
 * passed in.
 */
import type { BrokerAddress } from '../broker-address.ts'
import { Complaints } from './complaints.ts'
import { readConfigFile } from './file.ts'
import { parseBroker } from './broker-address.ts'
import { resolveInputs, type InputConfig } from './inputs.ts'
import type { Environment } from './environment-names.ts'
import { collect, type Layers } from './layers.ts'
import type { Origin } from './origin.ts'
import { resolveValues } from './resolve.ts'
import { checkRules } from './rules.ts'
import { SCHEMA, type Settings } from './schema.ts'

export interface KafkaConfig extends Omit<Settings['kafka'], 'brokers'> {
  readonly brokers: readonly BrokerAddress[]
}

/** The loaded configuration. A stage gets only its part of it. Durations are milliseconds, sizes are bytes. */
export interface Config extends Omit<Settings, 'inputs' | 'kafka'> {
  readonly kafka: KafkaConfig
  /** All inputs, with the one that `paths` is short for. They include the settings of the top level. */
  readonly inputs: readonly InputConfig[]
  /**
   * Which layer each value came from, and whether it may be shown, by setting (`kafka.topic`) and by input member
   * (`inputs.ID.topic`). A value that is missing here is its default.
   */
  readonly origins: Readonly<Record<string, Origin>>
}

export interface Sources {
  /** The file of --config. Without it LOGAGENT_CONFIG of the environment names one; without either, no file is read. */
  readonly configPath?: string | undefined
  readonly environment: Environment
  /** Text from the command line, by the setting's name (`kafka.topic`). */
  readonly flags: ReadonlyMap<string, string>
  readonly hostName: string
  /** `stdout` needs neither brokers nor topics. */
  readonly output: 'kafka' | 'stdout'
}

/** The sources of a single setting's value. */
export type LayerSources = Pick<Sources, 'configPath' | 'environment' | 'flags'>

/**
 * Loads everything. For whatever a user wrote it throws only AgentError `usage`, whose message has one complaint a
 * line.
 */
export async function load(sources: Sources): Promise<Config> {
  const complaints = new Complaints()
  const given = collect(await layersOf(sources, complaints), SCHEMA, complaints)
  const { values, origins } = resolveValues(SCHEMA, given, { complaints })
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
 * Loads the state directory alone. All other settings may be missing or wrong, because a state can need to be set aside
 * after a rollback has left settings that this program does not know. Throws as {@link load} does.
 */
export async function loadStateDirectory(sources: LayerSources): Promise<string> {
  const complaints = new Complaints((setting) => /^(configuration|state)(\.|$)/.test(setting))
  const given = collect(await layersOf(sources, complaints), SCHEMA, complaints)
  const { values } = resolveValues({ state: SCHEMA.state }, given, { complaints })
  complaints.throwIfAny()
  return values.state.dir
}

async function layersOf({ configPath, environment, flags }: LayerSources, complaints: Complaints): Promise<Layers> {
  const path = configPath ?? (environment['LOGAGENT_CONFIG'] || undefined)
  if (path === undefined) return { environment, flags }
  const namedBy = configPath === undefined ? 'environment LOGAGENT_CONFIG' : 'flag --config'
  return { file: { path, tree: await readConfigFile(path, namedBy, complaints) }, environment, flags }
}

/** Freezes a value and everything in it. A configuration is a tree of plain objects and arrays, a few levels deep. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}
