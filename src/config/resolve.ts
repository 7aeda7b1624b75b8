/**
 * Resolves what the layers give to one value for each setting: convict holds the defaults and turns text into values,
 * the formats validate them. Every given value is validated, also one that a higher layer overrides. There are no rules
 * between settings here.
 */
import convict from 'convict'
import { messageOf } from '../errors.ts'
import type { Complaints } from './complaints.ts'
import { FORMATS, isPlainObject, type Format } from './formats.ts'
import type { GivenValues } from './layers.ts'
import type { Origin } from './origin.ts'
import { namedSettings, type Setting, type SettingTree, type Values } from './setting.ts'

export interface ResolvedValues<Tree> {
  readonly values: Values<Tree>
  /**
   * Where the value of each setting came from, by the setting's name; a setting that is missing here has its default.
   */
  readonly origins: ReadonlyMap<string, Origin>
}

/**
 * Resolves every setting of a schema. A refused value counts as not given. `label` is put before names in complaints.
 */
export function resolveValues<Tree extends SettingTree>(
  schema: Tree,
  given: GivenValues,
  { complaints, label = '' }: { complaints: Complaints; label?: string },
): ResolvedValues<Tree> {
  convict.addFormats(FORMATS)
  const config = convict<Record<string, unknown>>(schema, { env: {}, args: [] })
  const origins = new Map<string, Origin>()
  for (const { name, setting } of namedSettings(schema)) {
    let accepted: unknown = config.get(name)
    for (const { raw, origin: from } of given.get(name) ?? []) {
      const origin = setting.sensitive ? { ...from, isSecret: true } : from
      config.set(name, raw)
      const value: unknown = config.get(name)
      const faults = faultsOf({ raw, value }, setting)
      if (faults.length === 0) {
        accepted = value
        origins.set(name, origin)
      }
      for (const { entry, ...fault } of faults) {
        // a file that was named by mistake can hold a secret that looks like a name
        complaints.add({ setting: label + name + (origin.isSecret ? '' : entry), ...fault, origin })
      }
    }
    config.set(name, accepted)
  }
  // The formats have validated every value, which the compiler can't see through convict.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { values: config.getProperties() as Values<Tree>, origins }
}

interface Fault {
  /** Which entry of a map, as `.NAME`. */
  readonly entry: string
  readonly value: unknown
  readonly advice: string
}

/**
 * What is wrong with one value. convict's own validate() is no use for this: it joins its errors into one text, knows
 * no layers, and walks into `fields`, where it takes a name with a dot for a path.
 */
function faultsOf({ raw, value }: { raw: unknown; value: unknown }, setting: Setting<unknown>): Fault[] {
  const format: Format = FORMATS[setting.format]
  const faults: Fault[] = []
  const check = (entry: string, shownValue: unknown, validate: () => void): void => {
    try {
      validate()
    } catch (error) {
      faults.push({ entry, value: shownValue, advice: messageOf(error) })
    }
  }
  check('', raw, () => format.validate(value, setting))
  const entries = format.validateEntry !== undefined && isPlainObject(value) ? Object.entries(value) : []
  for (const [name, item] of entries) check(`.${name}`, item, () => format.validateEntry?.(name, item))
  return faults
}
