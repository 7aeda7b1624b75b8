/**
 * The values of each layer (file < environment < flags) as they were given. Finds which setting is meant and where its
 * value came from, and complains of unknown names; resolve.ts validates the values.
 */
import { messageOf } from '../errors.ts'
import { closest, type Complaints } from './complaints.ts'
import { complainOfNames, type Environment } from './environment-names.ts'
import { readText, type ConfigTree } from './file.ts'
import { isPlainObject } from './formats.ts'
import type { Origin } from './origin.ts'
import { isSetting, namedSettings, type NamedSetting, type SettingTree } from './setting.ts'

/** A value and the layer it came from. */
export interface Given {
  readonly raw: unknown
  readonly origin: Origin
}

/** What was given for each setting, the lowest layer first. */
export type GivenValues = ReadonlyMap<string, readonly Given[]>

export interface Layers {
  readonly file?: { readonly path: string; readonly tree: ConfigTree }
  readonly environment: Environment
  /** Text from the command line, by the setting's name. */
  readonly flags: ReadonlyMap<string, string>
}

/** Collects what the layers give for the settings of a schema. */
export function collect(layers: Layers, schema: SettingTree, complaints: Complaints): GivenValues {
  const settings = namedSettings(schema)
  const given = new Map<string, Given[]>()
  const give = (name: string, value: Given): void => {
    given.set(name, [...(given.get(name) ?? []), value])
  }
  if (layers.file) {
    const origin = openly(`file ${layers.file.path}`)
    for (const [name, raw] of fromTree({ tree: layers.file.tree, schema, origin }, complaints))
      give(name, { raw, origin })
  }
  for (const setting of settings) {
    const value = fromEnvironment(layers.environment, setting, complaints)
    if (value) give(setting.name, value)
    const flag = layers.flags.get(setting.name)
    if (flag !== undefined) give(setting.name, { raw: flag, origin: openly(`flag --${setting.flag}`) })
  }
  const isGiven = ({ name }: NamedSetting): boolean => given.has(name)
  complainOfNames(layers.environment, { settings, isGiven }, complaints)
  return given
}

interface Branch {
  readonly tree: ConfigTree
  readonly schema: SettingTree
  readonly origin: Origin
  /** Put before names in complaints where the tree is not the whole file: `inputs.web.` */
  readonly label?: string
}

/** The values of a tree by the name of their setting. A key without a value (`topic:`) counts as left out. */
export function fromTree(branch: Branch, complaints: Complaints): Map<string, unknown> {
  const { origin, label = '' } = branch
  const found = new Map<string, unknown>()
  const walk = (tree: ConfigTree, schema: SettingTree, prefix: string): void => {
    for (const [key, value] of Object.entries(tree)) {
      const name = prefix + key
      const node = Object.hasOwn(schema, key) ? schema[key] : undefined
      if (!node) {
        complaints.add({ setting: label + name, origin, advice: `unknown setting${didYouMean(name, branch.schema)}` })
      } else if (value === null) continue
      else if (isSetting(node)) {
        found.set(name, value)
        if (namesPrototype(value))
          complaints.add({ setting: label + name, origin, advice: "__proto__ can't be a name" })
      } else if (isPlainObject(value)) walk(value, node, `${name}.`)
      else {
        const advice = `this is a group: give ${Object.keys(node).join(', ')} below it${didYouMean(name, branch.schema, name)}`
        complaints.add({ setting: label + name, value, origin, advice })
      }
    }
  }
  walk(branch.tree, branch.schema, '')
  return found
}

/**
 * The value of NAME, or the text of the file that NAME_FILE names without its last newline. An empty value counts as
 * not set.
 */
function fromEnvironment(
  environment: Environment,
  { name, env }: Pick<NamedSetting, 'name' | 'env'>,
  complaints: Complaints,
): Given | undefined {
  const value = environment[env] === '' ? undefined : environment[env]
  const path = environment[`${env}_FILE`]
  if (path === undefined || path === '')
    return value === undefined ? undefined : { raw: value, origin: openly(`environment ${env}`) }
  const origin = `environment ${env}_FILE`
  if (value !== undefined) {
    complaints.add({ setting: name, origin: `${origin} and ${env}`, advice: 'both are set; give one of them' })
    return undefined
  }
  try {
    return { raw: readText(path).replace(/\r?\n$/, ''), origin: { words: `${origin}=${path}`, isSecret: true } }
  } catch (error) {
    complaints.add({ setting: name, origin, advice: `give a file that can be read: ${messageOf(error)}` })
    return undefined
  }
}

function openly(words: string): Origin {
  return { words, isSecret: false }
}

/**
 * Whether `__proto__` is a key in the value, which would change the object's prototype. The value's depth is bounded.
 */
function namesPrototype(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(namesPrototype)
}

/** `; did you mean …?`, or nothing. Recognises a name in the wrong group, and an environment name in a file. */
function didYouMean(name: string, schema: SettingTree, except?: string): string {
  const settings = namedSettings(schema)
  const names = settings.map((setting) => setting.name)
  const key = name.slice(name.lastIndexOf('.') + 1)
  const byEnv = settings.find(({ env }) => env === key.toUpperCase() || env === name.toUpperCase())?.name
  const byPlace = names.find((candidate) => candidate.endsWith(`.${key}`))
  const groups = Object.keys(schema)
  if (names.includes(name) && name.includes('.')) {
    return `; write ${key} below ${name.slice(0, name.lastIndexOf('.'))}, without a dot`
  }
  const meant =
    byEnv ??
    closest(
      name,
      [...names, ...groups].filter((candidate) => candidate !== except),
    ) ??
    byPlace ??
    closest(key, names)
  return meant === undefined || meant === name ? '' : `; did you mean ${meant}?`
}
