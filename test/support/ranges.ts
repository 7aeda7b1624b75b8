/**
 * Where records come from, by their own metadata, and whether that adds up: the byte ranges of one `log.file.id` must
 * abut, with `log.skipped` for bytes that were settled in between. Audits of a topic rely on this.
 */
import type { KafkaRecord } from './java-reader.ts'

/** Where a record comes from, in either encoding. */
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

/** The origin of a record; null: the record is a bare line without metadata. */
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

/** The origins of records by file id, in the order of offsets and without repeats. */
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
 * Describes places where ranges do not abut, up to 10. `from`: the offset at which the first record of a file begins,
 * 0 unless reading began elsewhere.
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

/**
 * Describes places where a line came for the first time after a later one of the same file in the same partition, up to
 * 10. A rotated file and the file that follows it are two files: which of them comes first is not promised.
 */
export function disorder(records: readonly KafkaRecord[]): string[] {
  const places: string[] = []
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const record of records) {
    const origin = originOf(record)
    if (origin === null) continue
    const { id, path, offset } = origin
    const line = `${id} ${offset}`
    if (seen.has(line)) continue
    seen.add(line)
    const file = `${id} ${record.partition}`
    const before = last.get(file) ?? -1
    if (offset < before && places.length < 10) places.push(`${path} ${id}: ${offset} after ${before}`)
    last.set(file, Math.max(before, offset))
  }
  return places
}
