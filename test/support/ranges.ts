/**
 * What records say of where they come from, and whether that adds up: the byte ranges of one `log.file.id` must abut,
 * with `log.skipped` for what was settled in between. It is what an audit of a topic stands on.
 */
import type { KafkaRecord } from './java-reader.ts'

/** Where a record comes from, whichever encoding told it. Null: a bare line that says nothing. */
export interface Origin {
  readonly id: string
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly skipped: number
}

export function headerOf(record: KafkaRecord, name: string): string | undefined {
  return record.headers.find((header) => header.name === name)?.value?.toString()
}

export function originOf(record: KafkaRecord): Origin | null {
  const number = (name: string): number => Number(headerOf(record, name) ?? 0)
  const id = headerOf(record, 'log.file.id')
  if (id !== undefined) {
    const path = headerOf(record, 'log.file.path') ?? ''
    return { id, path, offset: number('log.offset'), bytes: number('log.bytes'), skipped: number('log.skipped') }
  }
  const text = record.value?.toString() ?? ''
  if (!text.startsWith('{"@timestamp":"')) return null
  const { log }: { log: { file: { id: string; path: string }; offset: number; bytes: number; skipped?: number } } =
    JSON.parse(text)
  return { ...log.file, offset: log.offset, bytes: log.bytes, skipped: log.skipped ?? 0 }
}

/** By file id, in the order of offsets; what came more than once is there once. */
export function originsOf(records: readonly KafkaRecord[]): Map<string, Origin[]> {
  const files = new Map<string, Map<number, Origin>>()
  for (const record of records) {
    const origin = originOf(record)
    if (origin === null) continue
    let file = files.get(origin.id)
    if (file === undefined) files.set(origin.id, (file = new Map()))
    file.set(origin.offset, origin)
  }
  return new Map([...files].map(([id, file]) => [id, [...file.values()].sort((a, b) => a.offset - b.offset)]))
}

/**
 * Places where ranges do not abut, up to 10, in words; none where all is well. `from`: the offset at which a file's
 * first record begins, 0 unless reading began elsewhere.
 */
export function abutting(records: readonly KafkaRecord[], from = 0): string[] {
  const gaps: string[] = []
  for (const [id, origins] of originsOf(records)) {
    let end = from
    for (const { path, offset, bytes, skipped } of origins) {
      if (offset - skipped !== end && gaps.length < 10) {
        gaps.push(`${path} ${id}: expected ${end}, got ${offset} with ${skipped} skipped`)
      }
      end = offset + bytes
    }
  }
  return gaps
}
