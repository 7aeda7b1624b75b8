/** The key of a file's records, as bytes, once per file. */
import type { Generation } from '../flow.ts'

export type KeyRule =
  | { readonly kind: 'none' }
  /** The path: all generations of a log share it. */
  | { readonly kind: 'file' }
  | {
      readonly kind: 'template'
      readonly parts: readonly (string | { readonly of: 'log.file.path' | 'log.file.name' })[]
    }

export function recordKeyOf(file: Generation, rule: KeyRule): Uint8Array | null {
  if (rule.kind === 'none') return null
  if (rule.kind === 'file') return Buffer.from(file.path, 'latin1')
  return Buffer.concat(rule.parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : named(file, part.of))))
}

function named(file: Generation, of: 'log.file.path' | 'log.file.name'): Buffer {
  const text = of === 'log.file.path' ? file.path : file.path.slice(file.path.lastIndexOf('/') + 1)
  return Buffer.from(text, 'latin1')
}
