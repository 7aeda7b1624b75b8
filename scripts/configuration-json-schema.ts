/**
 * Makes docs/configuration.schema.json from the declared settings, for editors. It is not as strict as the agent: only
 * `logagent check` finds everything that is wrong.
 */
import type { FormatName } from '../src/config/formats.ts'
import { INPUT_SCHEMA, SCHEMA } from '../src/config/schema.ts'
import { isSetting, type Setting, type SettingTree } from '../src/config/setting.ts'

type JsonSchema = Readonly<Record<string, unknown>>

const TEXT: JsonSchema = { type: 'string' }
const TEXT_OR_LIST: JsonSchema = { anyOf: [TEXT, { type: 'array', items: TEXT }] }

/** The schema as JSON text that ends with a newline. */
export function configurationJsonSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'logagent',
    description: 'Generated from src/config/schema.ts by `npm run generate`.',
    ...ofTree(SCHEMA),
  }
  return `${JSON.stringify(schema, null, 2)}\n`
}

function ofTree(tree: SettingTree): JsonSchema {
  const properties = Object.entries(tree).map(([key, node]) => {
    return [key, isSetting(node) ? { description: node.doc, ...ofSetting(node) } : ofTree(node)] as const
  })
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) }
}

function ofInputs(): JsonSchema {
  const item = { ...ofTree(INPUT_SCHEMA), required: ['path'] }
  return {
    anyOf: [
      { type: 'array', items: item },
      { type: 'object', additionalProperties: item },
    ],
  }
}

function ofSetting(setting: Setting<unknown>): JsonSchema {
  if (setting.format === 'inputs') return ofInputs()
  const { min, max } = setting
  const whole = {
    type: 'integer',
    ...(min === undefined ? {} : { minimum: min }),
    ...(max === undefined ? {} : { maximum: max }),
  }
  const formats: Readonly<Record<Exclude<FormatName, 'inputs'>, JsonSchema>> = {
    choice: { enum: setting.options },
    boolean: { type: 'boolean' },
    bytes: { anyOf: [whole, { type: 'string', pattern: '^[0-9.]+ ?([KMGkmg][iI][bB])?$' }] },
    duration: { anyOf: [whole, { type: 'string', pattern: '^[0-9.]+ ?(ms|s|m|h)?$' }] },
    count: setting.default === -1 ? { ...whole, minimum: -1 } : whole,
    name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 253 },
    topic: { type: 'string', pattern: '^[A-Za-z0-9._-]+$', maxLength: 249 },
    acks: { enum: ['all', 1, 0] },
    partitioner: { anyOf: [{ enum: ['sticky', 'hash', 'round-robin', 'random'] }, { type: 'integer', minimum: 0 }] },
    key: TEXT,
    directory: { type: 'string', pattern: '^/' },
    directories: TEXT_OR_LIST,
    globs: TEXT_OR_LIST,
    exclude: TEXT_OR_LIST,
    brokers: TEXT_OR_LIST,
    fields: { type: 'object', additionalProperties: { type: ['string', 'number', 'boolean'] } },
  }
  return formats[setting.format]
}
