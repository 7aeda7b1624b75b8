/**
 * Defaults in words, the same in `--help` and in docs/configuration.md.
 */
import { showBytes, showDuration } from './quantity.ts'
import type { Setting } from './setting.ts'

/** The default as text: `256KiB`, `5s`, `none`, or words where the value is found out while loading. */
export function defaultText({ default: value, defaultText, unit }: Setting<unknown>): string {
  if (defaultText !== undefined) return defaultText
  if (typeof value === 'number' && unit !== undefined) return unit === 'ms' ? showDuration(value) : showBytes(value)
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return 'none'
  return String(value)
}
