/** The key of a file's records, as bytes. It is rendered once per file. */
import type { Generation } from '../flow.ts'
import type { RecordKey } from '../shipping-rules.ts'

export function recordKeyOf(file: Generation, rule: RecordKey): Uint8Array | null {
  if (rule.kind === 'none') return null
  if (rule.kind === 'file') return Buffer.from(file.path, 'latin1')
  return Buffer.concat(rule.parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : named(file, part.of))))
}

function named(file: Generation, of: 'log.file.path' | 'log.file.name'): Buffer {
  const text = of === 'log.file.path' ? file.path : file.path.slice(file.path.lastIndexOf('/') + 1)
  return Buffer.from(text, 'latin1')
}
