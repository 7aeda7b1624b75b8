/**
 * What a setting is: the shape of one declaration, the functions that make one, and how its environment name and flag
 * follow from its place in the tree. The settings themselves are in schema.ts, and what their formats accept in
 * formats.ts.
 */
import type { FormatName } from './formats.ts'

/** One declared setting, in convict's form (`doc`, `format`, `default`, `sensitive`) with limits added. */
export interface Setting<T> {
  readonly doc: string
  readonly format: FormatName
  readonly default: T
  /** The default in words, where the value is found out while loading. */
  readonly defaultText?: string
  /** What a number counts. Text with a unit is accepted for either ('512KiB', '5s'). */
  readonly unit?: 'ms' | 'bytes'
  readonly min?: number
  readonly max?: number
  /**
   * The values of a `choice`, and those that are planned, so that a complaint can say that they are not supported yet.
   */
  readonly options?: readonly string[]
  readonly later?: readonly string[]
  /** Never shown in complaints, by `check` or in logs. */
  readonly sensitive?: boolean
}

/** A tree of settings. Its leaves are settings, and the other nodes are groups. */
export interface SettingTree {
  readonly [key: string]: Setting<unknown> | SettingTree
}

/** The loaded values of a tree of settings. */
export type Values<Tree> = {
  readonly [K in keyof Tree]: Tree[K] extends Setting<infer T> ? T : Values<Tree[K]>
}

/** A setting with its names. */
export interface NamedSetting {
  /** The place in the tree: `kafka.lingerMs`. */
  readonly name: string
  /** `KAFKA_LINGER_MS`; with `_FILE` appended it names a file that holds the value. */
  readonly env: string
  /** `kafka-linger-ms`, without the leading dashes. */
  readonly flag: string
  readonly setting: Setting<unknown>
}

type Details<T> = Omit<Setting<T>, 'format' | 'default' | 'doc' | 'unit' | 'options'>

/** A setting that is one of a closed list of values. */
export function choice<const T extends string>(
  options: readonly T[],
  fallback: NoInfer<T>,
  details: Details<T> & { doc: string },
): Setting<T> {
  return { format: 'choice', options, default: fallback, ...details }
}

/** A setting that is a number of bytes. */
export function bytes(fallback: number, details: Details<number> & { doc: string }): Setting<number> {
  return { format: 'bytes', unit: 'bytes', default: fallback, ...details }
}

/** A setting that is a duration, in milliseconds once it is loaded. */
export function duration(fallback: number, details: Details<number> & { doc: string }): Setting<number> {
  return { format: 'duration', unit: 'ms', default: fallback, ...details }
}

/** A setting of any other format of formats.ts. `T` is what the format gives, which the compiler can't check here. */
export function setting<T>(
  format: Exclude<FormatName, 'choice' | 'bytes' | 'duration'>,
  fallback: T,
  details: Details<T> & { doc: string },
): Setting<T> {
  return { format, default: fallback, ...details }
}

export function isSetting(node: Setting<unknown> | SettingTree): node is Setting<unknown> {
  return typeof node.doc === 'string'
}

/**
 * Every setting of a tree with its names, in the order of declaration. Environment names and flags are derived, so
 * that none can be forgotten or misspelt: `kafka.*` is KAFKA_…, everything else LOGAGENT_….
 */
export function namedSettings(tree: SettingTree, prefix = ''): NamedSetting[] {
  return Object.entries(tree).flatMap(([key, node]) => {
    const name = prefix + key
    if (!isSetting(node)) return namedSettings(node, `${name}.`)
    const words = name
      .replace(/([a-z0-9])([A-Z])/g, '$1.$2')
      .toLowerCase()
      .split('.')
    const upper = words.join('_').toUpperCase()
    return { name, env: name.startsWith('kafka.') ? upper : `LOGAGENT_${upper}`, flag: words.join('-'), setting: node }
  })
}
