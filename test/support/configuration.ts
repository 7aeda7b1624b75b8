/** Loads a configuration in a test: from the text of a file, environment and flags, and nothing of the machine. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { load, type Config } from '../../src/config/load.ts'
import { AgentError } from '../../src/errors.ts'
import { freshDirectory, type Ending } from './temp.ts'

export interface Given {
  /** Content of the configuration file, by its ending: `{yaml: 'kafka: …'}`. */
  readonly yaml?: string
  readonly json?: string | Uint8Array
  readonly ini?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: Readonly<Record<string, string>>
  readonly output?: 'kafka' | 'stdout'
}

/** The settings that a configuration needs to be complete. */
export const ENOUGH = { LOGAGENT_PATHS: '/var/log/app/*.log', KAFKA_BROKERS: 'kafka:9092', KAFKA_TOPIC: 'logs' }

export async function loadGiven(t: Ending, given: Given): Promise<Config> {
  const [ending, content] = Object.entries(given).find(([key]) => ['yaml', 'json', 'ini'].includes(key)) ?? []
  let configPath: string | undefined
  if (ending !== undefined) {
    configPath = join(freshDirectory(t), `logagent.${ending}`)
    writeFileSync(configPath, content)
  }
  return load({
    configPath,
    environment: given.environment ?? {},
    flags: new Map(Object.entries(given.flags ?? {})),
    hostName: 'node-1',
    output: given.output ?? 'kafka',
  })
}

/** The lines of the error that loading fails with. The configuration file is called FILE in them. */
export async function complaintsOf(t: Ending, given: Given): Promise<string[]> {
  try {
    await loadGiven(t, given)
  } catch (error) {
    if (error instanceof AgentError && error.code === 'usage') {
      return error.message.replace(/file \/\S+?(?=[):])/g, 'FILE').split('\n')
    }
    throw error
  }
  throw new Error('the configuration was accepted')
}
