/**
 * `logagent check`: the effective configuration, secrets masked, and where each value came from. Loading it is the
 * validation; a configuration that is wrong never gets here.
 */
import { describe, type DescribedSetting } from '../config/describe.ts'
import type { Config } from '../config/load.ts'

export interface CheckOptions {
  readonly config: Config
  readonly json: boolean
  readonly stdout: NodeJS.WritableStream
}

export function check({ config, json, stdout }: CheckOptions): void {
  const rows = describe(config)
  stdout.write(json ? `${JSON.stringify(rows.map(toJson), null, 2)}\n` : table(rows))
}

function toJson({ setting, value, origin }: DescribedSetting): object {
  return { setting, value, origin }
}

/** Three columns, the first two aligned; a value too long to align by just takes its place. */
function table(rows: readonly DescribedSetting[]): string {
  const widest = (column: readonly string[]): number => Math.min(48, Math.max(...column.map((cell) => cell.length)))
  const names = widest(rows.map(({ setting }) => setting))
  const values = widest(rows.map(({ text }) => text))
  const lines = rows.map(
    ({ setting, text, origin }) => `${setting.padEnd(names)}  ${(text || '-').padEnd(values)}  ${origin}`,
  )
  return `${lines.join('\n')}\n`
}
