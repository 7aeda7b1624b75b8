/**
 * One value for each setting out of what the layers give: convict holds defaults and turns text into values, the
 * formats judge. Every value given is judged, also one that a higher layer overrides. No rules between settings.
 */
import convict from 'convict'
import { messageOf } from '../errors.ts'
import type { Complaints } from './complaints.ts'
import { FORMATS, isPlainObject, type Format } from './formats.ts'
import type { GivenValues } from './layers.ts'
import type { Origin } from './origin.ts'
import { namedSettings, type Setting, type SettingTree, type Values } from './setting.ts'

export interface Settled<Tree> {
  readonly values: Values<Tree>
  /** Where the value of each setting came from, by name; settings not in here have their default. */
  readonly origins: ReadonlyMap<string, Origin>
}

/** `label` stands in front of names in complaints. A value that is refused counts as not given. */
export function settle<Tree extends SettingTree>(
  schema: Tree,
  given: GivenValues,
  { complaints, label = '' }: { complaints: Complaints; label?: string },
): Settled<Tree> {
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
        // what a file that was not meant holds can look like a name as well
        complaints.add({ setting: label + name + (origin.isSecret ? '' : entry), ...fault, origin })
      }
    }
    config.set(name, accepted)
  }
  // The formats have judged every value; the compiler can't follow them through convict.
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
 * Not config.validate(): it joins its errors into one text, knows no layers, and walks into `fields`, where a name with a
 * dot looks like a path to it.
 */
function faultsOf({ raw, value }: { raw: unknown; value: unknown }, setting: Setting<unknown>): Fault[] {
  const format: Format = FORMATS[setting.format]
  const faults: Fault[] = []
  const judge = (entry: string, shownValue: unknown, validate: () => void): void => {
    try {
      validate()
    } catch (error) {
      faults.push({ entry, value: shownValue, advice: messageOf(error) })
    }
  }
  judge('', raw, () => format.validate(value, setting))
  const entries = format.validateEntry !== undefined && isPlainObject(value) ? Object.entries(value) : []
  for (const [name, item] of entries) judge(`.${name}`, item, () => format.validateEntry?.(name, item))
  return faults
}
