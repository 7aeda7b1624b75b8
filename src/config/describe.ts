/**
 * The effective configuration as rows to show, with secrets masked, for `logagent check`. Changes nothing and loads
 * nothing.
 */
import { hostAndPort } from '../broker-address.ts'
import { isPlainObject } from './formats.ts'
import { showBytes, showDuration } from './quantity.ts'
import type { Config } from './load.ts'
import { DEFAULT, shown } from './origin.ts'
import { INPUT_SCHEMA, SCHEMA } from './schema.ts'
import { namedSettings, type SettingTree } from './setting.ts'

export interface DescribedSetting {
  /** `kafka.lingerMs`, or `inputs.ID.topic` for a member of an input. */
  readonly setting: string
  /** The value, with milliseconds and bytes as numbers; `(hidden)` for a secret that is set. */
  readonly value: unknown
  /** The value for people: `5s`, `16MiB`, a list with commas. */
  readonly text: string
  /** `default`, `file PATH`, `environment NAME` or `flag --NAME`. */
  readonly origin: string
}

/** Rows of every setting, then of every member of every input, in the order of declaration. */
export function describe(config: Config): DescribedSetting[] {
  const { inputs, ...rest } = config
  const top = rowsOf({ schema: SCHEMA, values: rest, origins: config.origins }).filter(
    ({ setting }) => setting !== 'inputs',
  )
  const members = inputs.flatMap(({ id, globs, ...input }) =>
    rowsOf({
      schema: INPUT_SCHEMA,
      values: { ...input, name: id, path: globs },
      origins: config.origins,
      prefix: `inputs.${id}.`,
    }),
  )
  return [...top, ...members]
}

interface Described {
  readonly schema: SettingTree
  readonly values: object
  readonly origins: Config['origins']
  readonly prefix?: string
}

/** Rows of a tree of settings with its values. */
export function rowsOf({ schema, values, origins, prefix = '' }: Described): DescribedSetting[] {
  return namedSettings(schema).map(({ name, setting }) => {
    const value = name.split('.').reduce<unknown>((node, key) => (isPlainObject(node) ? node[key] : undefined), values)
    const { words, isSecret } = origins[prefix + name] ?? DEFAULT
    const isSet = value !== '' && value !== null && value !== undefined
    const visible = shown(value, { words, isSecret: isSet && (isSecret || setting.sensitive === true) })
    return { setting: prefix + name, value: visible, text: textOf(visible, setting.unit), origin: words }
  })
}

function textOf(value: unknown, unit: 'ms' | 'bytes' | undefined): string {
  if (typeof value === 'number' && unit === 'bytes') return showBytes(value)
  if (typeof value === 'number' && unit === 'ms') return showDuration(value)
  if (Array.isArray(value)) return value.map((item) => textOf(item, undefined)).join(', ')
  if (isPlainObject(value)) return textOfObject(value)
  return String(value)
}

/** The text of an object. It can only be a broker's address, a record key, a part of one, or fields. */
function textOfObject(value: Record<string, unknown>): string {
  const { host, port, kind, parts, of } = value
  if (typeof host === 'string' && typeof port === 'number') return hostAndPort({ host, port })
  if (kind === 'template' && Array.isArray(parts)) return parts.map((part) => textOf(part, undefined)).join('')
  if (typeof kind === 'string') return kind
  if (typeof of === 'string') return `\${${of}}`
  return Object.entries(value)
    .map(([name, item]) => `${name}=${String(item)}`)
    .join(', ')
}
