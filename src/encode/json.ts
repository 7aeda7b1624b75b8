/**
 * The template of a json record (Elastic Common Schema names):
 *   {"@timestamp":"…","message":"…","stream":"…","log":{"file":{"path":"…","id":"…"},"offset":n,"bytes":n},
 *    "kubernetes":{…},"agent":{…},"fields":{…}}
 * `stream` is there for container logs only, `kubernetes` and `fields` where they are known, `log.skipped` where bytes
 * were settled before the line, and `log.flags` where the line was cut.
 */
import { SEGMENT } from '../kernel/layout.ts'
import type { RecordFacts } from '../flow.ts'
import { textOfPath } from '../paths.ts'
import { type Template, templateOf } from './template.ts'

export function jsonTemplate(facts: RecordFacts, key: Uint8Array | null): Template {
  const { json } = SEGMENT
  const file = JSON.stringify({ path: textOfPath(facts.file.path), id: facts.file.id })
  const tail = [
    '}',
    facts.kubernetes === undefined ? '' : `,"kubernetes":${JSON.stringify(facts.kubernetes)}`,
    `,"agent":${JSON.stringify(facts.agent)}`,
    Object.keys(facts.fields).length === 0 ? '' : `,"fields":${JSON.stringify(facts.fields)}`,
    '}',
  ].join('')
  const texts: readonly (readonly [number, string])[] = [
    [json.head, '{"@timestamp":"'],
    [json.message, '","message":"'],
    [json.stdout, '","stream":"stdout'],
    [json.stderr, '","stream":"stderr'],
    [json.log, `","log":{"file":${file},"offset":`],
    [json.bytes, ',"bytes":'],
    [json.skipped, ',"skipped":'],
    [json.flags, ',"flags":["truncated"]'],
    [json.tail, tail],
  ]
  const segments = texts.map(([index, text]) => ({ index, bytes: Buffer.from(text) }))
  return templateOf('appendJson', [...segments, { index: SEGMENT.key, bytes: key }])
}
