/**
 * What a setting is: the shape of one declaration, the few ways to write one, and how its environment name and flag
 * follow from its place in the tree. The settings themselves are in schema.ts, what their formats accept in formats.ts.
 */
import type { FormatName } from './formats.ts'

/** One declared setting, in convict's form (`doc`, `format`, `default`, `sensitive`) with limits added. */
export interface Setting<T> {
  readonly doc: string
  readonly format: FormatName
  readonly default: T
  /** What to show as default where the value is worked out while loading. */
  readonly defaultText?: string
  /** What a number counts. Text with a unit is accepted for both ('512KiB', '5s'). */
  readonly unit?: 'ms' | 'bytes'
  readonly min?: number
  readonly max?: number
  /** The values a `choice` has, and those it will have one day, so that the complaint can say so. */
  readonly options?: readonly string[]
  readonly later?: readonly string[]
  /** Never shown: not in complaints, not by `check`, not in logs. */
  readonly sensitive?: boolean
}

/** A tree of settings; what is not a leaf is a group. */
export interface SettingTree {
  readonly [key: string]: Setting<unknown> | SettingTree
}

/** The values a tree of settings has once loaded. */
export type Values<Tree> = {
  readonly [K in keyof Tree]: Tree[K] extends Setting<infer T> ? T : Values<Tree[K]>
}

/** A setting with the names it goes by. */
export interface NamedSetting {
  /** Place in the tree: `kafka.lingerMs`. */
  readonly name: string
  /** `KAFKA_LINGER_MS`; with `_FILE` appended it names a file that holds the value. */
  readonly env: string
  /** `kafka-linger-ms`, without the dashes in front. */
  readonly flag: string
  readonly setting: Setting<unknown>
}

type Details<T> = Omit<Setting<T>, 'format' | 'default' | 'doc' | 'unit' | 'options'>

/** One of a closed list of values. */
export function choice<const T extends string>(
  options: readonly T[],
  fallback: NoInfer<T>,
  details: Details<T> & { doc: string },
): Setting<T> {
  return { format: 'choice', options, default: fallback, ...details }
}

/** A number of bytes. */
export function bytes(fallback: number, details: Details<number> & { doc: string }): Setting<number> {
  return { format: 'bytes', unit: 'bytes', default: fallback, ...details }
}

/** A duration; milliseconds in the loaded configuration. */
export function duration(fallback: number, details: Details<number> & { doc: string }): Setting<number> {
  return { format: 'duration', unit: 'ms', default: fallback, ...details }
}

/** Any other format of formats.ts. `T` is what the format gives, which the compiler can't check here. */
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
