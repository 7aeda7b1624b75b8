/**
 * `logagent check`: shows the effective configuration, with secrets masked, and where each value came from. Loading the
 * configuration validates it, so a wrong one never gets here.
 */
import { describe, type DescribedSetting } from '../config/describe.ts'
import type { Config } from '../config/load.ts'
import { AgentError } from '../errors.ts'
import { type DescriptorLimit, descriptorLimitHere, openFilesWithin } from './descriptor-limit.ts'
import type { Finding } from './connect.ts'

export interface CheckOptions {
  readonly config: Config
  readonly json: boolean
  /** Whether to try to reach Kafka too. */
  readonly connect: boolean
  readonly stdout: NodeJS.WritableStream
}

/** Throws AgentError `kafka-refused` if something that was tried with `connect` would prevent shipping. */
export async function check({ config, json, connect, stdout }: CheckOptions): Promise<void> {
  const here = descriptorLimitHere()
  const rows = describe(config).map((row) => (row.setting === MAX_OPEN_FILES ? bounded(row, config, here) : row))
  const { tryKafka } = connect ? await import('./connect.ts') : { tryKafka: null }
  const findings = tryKafka === null ? [] : await tryKafka(config)
  const settings = rows.map(toJson)
  if (json) stdout.write(`${JSON.stringify(connect ? { settings, findings } : settings, null, 2)}\n`)
  else stdout.write(connect ? `${table(rows)}\n${findings.map(toLine).join('')}` : table(rows))
  const bad = findings.filter((finding) => !finding.ok).map((finding) => finding.what)
  if (bad.length > 0) throw new AgentError('kafka-refused', `Kafka is not ready: ${bad.join(', ')}`)
}

const MAX_OPEN_FILES = 'file.maxOpenFiles'

/**
 * The row of `file.maxOpenFiles` with the number in effect, which the process's limit can bound, and the setting's
 * origin.
 */
function bounded(row: DescribedSetting, { file }: Config, here: DescriptorLimit): DescribedSetting {
  const value = openFilesWithin(file.maxOpenFiles, here)
  if (value === file.maxOpenFiles) return row
  const origin = `${row.origin} (${row.text}), bounded by the process's limit of ${here.limit} descriptors (ulimit -n)`
  return { ...row, value, text: `${value}`, origin }
}

function toLine({ ok, what, words }: Finding): string {
  return `${ok ? 'ok ' : 'NOT'} ${what}: ${words}\n`
}

function toJson({ setting, value, origin }: DescribedSetting): object {
  return { setting, value, origin }
}

/** Three columns, the first two aligned. A value that is too long to align by takes the width that it needs. */
function table(rows: readonly DescribedSetting[]): string {
  const widest = (column: readonly string[]): number => Math.min(48, Math.max(...column.map((cell) => cell.length)))
  const names = widest(rows.map(({ setting }) => setting))
  const values = widest(rows.map(({ text }) => text))
  const lines = rows.map(
    ({ setting, text, origin }) => `${setting.padEnd(names)}  ${(text || '-').padEnd(values)}  ${origin}`,
  )
  return `${lines.join('\n')}\n`
}
