/**
 * One value for each setting out of what the layers give: convict holds defaults and turns text into values, the
 * formats judge. Every value given is judged, also one that a higher layer overrides. No rules between settings.
 */
import convict from 'convict'
import { messageOf } from '../errors.ts'
import type { Complaints } from './complaints.ts'
import { FORMATS } from './formats.ts'
import type { GivenValues } from './layers.ts'
import { namedSettings, type SettingTree, type Values } from './setting.ts'

export interface Settled<Tree> {
  readonly values: Values<Tree>
  /** Where the value of each setting came from, by name; settings not in here have their default. */
  readonly origins: ReadonlyMap<string, string>
}

/** `label` stands in front of names in complaints. A value that is refused counts as not given. */
export function settle<Tree extends SettingTree>(
  schema: Tree,
  given: GivenValues,
  { complaints, label = '' }: { complaints: Complaints; label?: string },
): Settled<Tree> {
  convict.addFormats(FORMATS)
  const config = convict<Record<string, unknown>>(schema, { env: {}, args: [] })
  const origins = new Map<string, string>()
  for (const { name, setting } of namedSettings(schema)) {
    let accepted: unknown = config.get(name)
    for (const { raw, origin, secret = false } of given.get(name) ?? []) {
      config.set(name, raw)
      const value: unknown = config.get(name)
      // Not config.validate(): it joins its errors into one text, knows no layers, and walks into `fields`, where a
      // name with a dot looks like a path to it.
      try {
        FORMATS[setting.format].validate(value, setting)
        accepted = value
        origins.set(name, origin)
      } catch (error) {
        const shown = setting.sensitive || secret ? {} : { value: raw }
        complaints.add({ setting: label + name, ...shown, origin, advice: messageOf(error) })
      }
    }
    config.set(name, accepted)
  }
  // The formats have judged every value; the compiler can't follow them through convict.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { values: config.getProperties() as Values<Tree>, origins }
}
