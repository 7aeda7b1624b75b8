/**
 * The settings as flags of a command: one for each, grouped for `--help`. The given values go to config/load.ts as
 * text; nothing is validated here.
 */
import { Option, type Command } from 'commander'
import { GROUPS, SCHEMA } from '../config/schema.ts'
import { namedSettings, type NamedSetting } from '../config/setting.ts'
import { defaultText } from '../config/words.ts'

/** Adds `--config`, `--output` and a flag for every setting. */
export function addConfigurationFlags(command: Command): Command {
  addConfigFlag(command).addOption(
    new Option('--output <where>', 'kafka, or stdout to print what would be sent')
      .choices(['kafka', 'stdout'])
      .default('kafka'),
  )
  for (const named of namedSettings(SCHEMA)) {
    const { name } = named
    const group = name.includes('.') ? name.slice(0, name.indexOf('.')) : ''
    command.addOption(flagOf(named).helpGroup(`${GROUPS[group]}:`))
  }
  return command
}

/** Adds `--config` and `--state-dir`. */
export function addStateFlags(command: Command): Command {
  addConfigFlag(command)
  for (const named of namedSettings(SCHEMA)) if (named.name === 'state.dir') command.addOption(flagOf(named))
  return command
}

function addConfigFlag(command: Command): Command {
  return command.option('--config <file>', 'configuration file: YAML, JSON or INI by its ending (LOGAGENT_CONFIG)')
}

function flagOf({ env, flag, setting }: NamedSetting): Option {
  const value =
    setting.format === 'boolean' ? '[true|false]' : `<${setting.unit ?? setting.options?.join('|') ?? 'value'}>`
  return new Option(`--${flag} ${value}`, `${setting.doc} (${env}; default ${defaultText(setting)})`)
}

/** The values of the flags that were given, by the setting's name. */
export function givenFlags(options: Readonly<Record<string, unknown>>): Map<string, string> {
  const given = new Map<string, string>()
  for (const { name, flag } of namedSettings(SCHEMA)) {
    const value = options[new Option(`--${flag}`).attributeName()]
    // a boolean flag may stand without a value
    if (typeof value === 'string' || value === true) given.set(name, String(value))
  }
  return given
}
