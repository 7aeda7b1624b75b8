/**
 * The template of a raw record: the value is the line's bytes, and the metadata is in record headers under
 * OpenTelemetry's names, numbers as decimal ASCII. Without headers the record is only the line, and cannot be audited.
 */
import { SEGMENT } from '../kernel/layout.ts'
import type { RecordFacts } from '../flow.ts'
import { textOfPath } from '../paths.ts'
import { type Segment, type Template, templateOf } from './template.ts'
import { sized } from './varint.ts'

export function rawTemplate(facts: RecordFacts, key: Uint8Array | null, headers: 'otel' | 'none'): Template {
  const { raw } = SEGMENT
  const constant: readonly (readonly [string, string])[] =
    headers === 'none'
      ? []
      : [
          ['log.file.path', textOfPath(facts.file.path)],
          ['log.file.id', facts.file.id],
          ...Object.entries(facts.fields).map(([name, value]): [string, string] => [`fields.${name}`, String(value)]),
        ]
  const segments: Segment[] = [
    { index: SEGMENT.key, bytes: key },
    { index: raw.headers, bytes: Buffer.concat(constant.map(([name, value]) => header(name, value))) },
    { index: raw.offset, bytes: name('log.offset') },
    { index: raw.bytes, bytes: name('log.bytes') },
    { index: raw.skipped, bytes: name('log.skipped') },
    { index: raw.truncated, bytes: header('log.flags', 'truncated') },
    { index: raw.stdout, bytes: header('log.iostream', 'stdout') },
    { index: raw.stderr, bytes: header('log.iostream', 'stderr') },
  ]
  const count = headers === 'none' ? -1 : constant.length
  return templateOf('appendRaw', segments, [[raw.headerCount, count]])
}

function name(text: string): Buffer {
  return sized(Buffer.from(text))
}

function header(text: string, value: string): Buffer {
  return Buffer.concat([name(text), sized(Buffer.from(value))])
}
