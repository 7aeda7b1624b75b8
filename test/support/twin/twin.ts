/**
 * The kernel's functions in plain TypeScript: the oracle of its tests, written to be read as their specification. They
 * work on values (bytes, arrays of entries) instead of pointers into a shared memory, and they are slow. Nothing that
 * ships imports this. json.ts has the value of a json record.
 */
import { ENTRY_CAPACITY, SLACK } from '../../../src/kernel/layout.ts'
import { type Place, type TwinEntry, type TwinFacts, milliseconds, sourceBytes } from './entry.ts'
import { jsonValue, textThatFits } from './json.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13

/** The index of the first newline from `from` on, or the length of the bytes. */
export function findNewline(bytes: Uint8Array, from = 0): number {
  const at = bytes.indexOf(NEWLINE, from)
  return at < 0 ? bytes.length : at
}

/** How many bytes to keep of a text that is longer than `max`, so that no UTF-8 sequence is cut in two. */
export function cutLength(text: Uint8Array, max: number): number {
  const continues = (at: number): boolean => at >= 0 && ((text[at] ?? 0) & 0xc0) === 0x80
  for (let back = 0; back <= 3 && back <= max; back++) if (!continues(max - back)) return max - back
  // four continuation bytes in a row are no UTF-8
  return max
}

export interface FrameRules {
  readonly maxLine: number
  readonly empty: 'keep' | 'drop'
  readonly long: 'cut' | 'drop'
}

/**
 * The entries of the lines that end in `bytes`, and how many bytes they took. `offset` is the first byte's offset in
 * its file.
 */
export function frameLines(
  bytes: Uint8Array,
  rules: FrameRules,
  { offset, timestampNs }: { offset: number; timestampNs: bigint },
): { entries: TwinEntry[]; consumed: number } {
  const entries: TwinEntry[] = []
  let start = 0
  while (entries.length < ENTRY_CAPACITY) {
    const end = findNewline(bytes, start)
    if (end === bytes.length) break
    const returned = end > start && bytes[end - 1] === CARRIAGE_RETURN
    let text = bytes.subarray(start, returned ? end - 1 : end)
    const long = text.length > rules.maxLine
    const truncated = long && rules.long === 'cut'
    if (truncated) text = text.subarray(0, cutLength(text, rules.maxLine))
    entries.push({
      text,
      ranges: [{ start: offset + start, end: offset + end + 1 }],
      timestampNs,
      stream: 'none',
      route: 0,
      truncated,
      verdict:
        text.length === 0 && !long && rules.empty === 'drop'
          ? 'empty'
          : long && rules.long === 'drop'
            ? 'too-long'
            : 'ship',
    })
    start = end + 1
  }
  return { entries, consumed: start }
}

export interface TwinTemplate {
  readonly facts: TwinFacts
  readonly key: Uint8Array | null
  readonly encoding: 'json' | 'raw'
  /** The headers of raw records; json records have none. */
  readonly headers: 'otel' | 'none'
}

export interface AppendCall {
  readonly first: number
  readonly end: number
  readonly route: number
  /** Bytes that may be written. */
  readonly limit: number
  /** Bytes from where the first record goes to the buffer's end, from where the sizes grow down. */
  readonly bufferEnd: number
  /** Records that are in the batch already. */
  readonly index: number
  /** Milliseconds. */
  readonly baseTimestamp: number
  readonly maxRecord: number
  /** A record that is too large is settled instead of cut. */
  readonly drop: boolean
  /** Settled bytes that the next record has to report. */
  readonly skipped: number
}

export interface Appended {
  readonly records: readonly Uint8Array[]
  /** The source bytes that each record stands for: its own, and those settled before it in the same call. */
  readonly sizes: readonly number[]
  /** How many of each record's source bytes were settled. */
  readonly settledBefore: readonly number[]
  /** The first entry that was not taken. */
  readonly next: number
  readonly cut: number
  /** Source bytes of cut records that no record contains. */
  readonly cutBytes: number
  /** How many records were cut to `maxRecord`, and the file offset of the first of them; 0 if there was none. */
  readonly tooLarge: number
  readonly tooLargeAt: number
  readonly invalid: number
  readonly settledLines: number
  readonly settledBytes: number
  readonly skipped: number
  /** Milliseconds; null without records. */
  readonly maxTimestamp: number | null
}

/**
 * Appends the route's entries to a batch until the next record finds no room. The size of a record is estimated with
 * five bytes for each of its three counts. A record that is larger than `maxRecord` is cut to that size if there is
 * room for a record of it; an entry whose record cannot be cut that far, or is to be dropped, gets the verdict
 * too-large. Flags and verdicts are changed in the entries.
 */
export function append(entries: readonly TwinEntry[], template: TwinTemplate, call: AppendCall): Appended {
  const records: Uint8Array[] = []
  const sizes: number[] = []
  const settledBefore: number[] = []
  const settled: TwinEntry[] = []
  const shipped: TwinEntry[] = []
  let { skipped, first: next } = call
  let [covered, written, invalid, cutBytes] = [0, 0, 0, 0]
  const tooLarge: TwinEntry[] = []
  for (; next < call.end; next++) {
    const entry = entries[next]
    if (entry?.route !== call.route) continue
    if (entry.verdict === 'ship') {
      const number = call.index + records.length
      const room = Math.min(call.limit, call.bufferEnd - 8 * (number + 1) - SLACK) - written
      const place: Place = { number, baseTimestamp: call.baseTimestamp, skipped }
      let record: Rendered | null = recordOf(entry, template, place)
      let kept = entry.text.length
      if (record.estimated > Math.min(room, call.maxRecord)) {
        if (room < call.maxRecord) break
        const cut = call.drop ? null : cutTo(call.maxRecord, entry, { template, place })
        if (cut !== null) tooLarge.push(entry)
        kept = cut?.kept ?? 0
        record = cut
      }
      if (record !== null) {
        if (entry.truncated) cutBytes += sourceBytes(entry) - kept
        records.push(record.bytes)
        written += record.bytes.length
        invalid += record.invalid
        sizes.push(covered + sourceBytes(entry))
        settledBefore.push(covered)
        covered = 0
        skipped = 0
        shipped.push(entry)
        continue
      }
      entry.verdict = 'too-large'
    }
    settled.push(entry)
    skipped += sourceBytes(entry)
    covered += sourceBytes(entry)
  }
  return {
    records,
    sizes,
    settledBefore,
    next,
    invalid,
    skipped,
    cut: shipped.filter((entry) => entry.truncated).length,
    cutBytes,
    tooLarge: tooLarge.length,
    tooLargeAt: tooLarge[0]?.ranges[0]?.start ?? 0,
    settledLines: settled.length,
    settledBytes: settled.reduce((sum, entry) => sum + sourceBytes(entry), 0),
    maxTimestamp: shipped.length === 0 ? null : Math.max(...shipped.map(milliseconds)),
  }
}

interface Rendered {
  readonly bytes: Uint8Array
  /** Its size with five bytes each for the record's length, the value's length and the number of headers. */
  readonly estimated: number
  /** Ill-formed sequences that were replaced. */
  readonly invalid: number
}

function recordOf(entry: TwinEntry, template: TwinTemplate, place: Place): Rendered {
  const { value, invalid } =
    template.encoding === 'json' ? jsonValue(entry, template.facts, place) : { value: entry.text, invalid: 0 }
  const headers = template.encoding === 'raw' && template.headers === 'otel' ? rawHeaders(entry, template, place) : []
  const beforeValue = Buffer.concat([
    Buffer.of(0),
    varint(milliseconds(entry) - place.baseTimestamp),
    varint(place.number),
    sized(template.key),
  ])
  const behindCount = Buffer.concat(
    headers.flatMap(([name, text]) => [sized(Buffer.from(name)), sized(Buffer.from(text))]),
  )
  const body = Buffer.concat([beforeValue, sized(value), varint(headers.length), behindCount])
  const estimated = beforeValue.length + value.length + behindCount.length + 15
  return { bytes: Buffer.concat([varint(body.length), body]), estimated, invalid }
}

function rawHeaders(entry: TwinEntry, { facts }: TwinTemplate, place: Place): [string, string][] {
  const headers: [string, string][] = [
    ['log.file.path', Buffer.from(facts.file.path, 'latin1').toString()],
    ['log.file.id', facts.file.id],
    ...Object.entries(facts.fields).map(([name, value]): [string, string] => [`fields.${name}`, String(value)]),
    ['log.offset', String(entry.ranges[0]?.start)],
    ['log.bytes', String(sourceBytes(entry))],
  ]
  if (place.skipped > 0) headers.push(['log.skipped', String(place.skipped)])
  if (entry.stream !== 'none') headers.push(['log.iostream', entry.stream])
  if (entry.truncated) headers.push(['log.flags', 'truncated'])
  return headers
}

/**
 * The record with only the first bytes of its text for which `maxRecord` has room, marked as truncated; null if there
 * is no such record.
 */
function cutTo(
  maxRecord: number,
  entry: TwinEntry,
  how: { template: TwinTemplate; place: Place },
): (Rendered & { kept: number }) | null {
  const cut = (text: Uint8Array): TwinEntry => ({ ...entry, text, truncated: true })
  const { template, place } = how
  const room = maxRecord - recordOf(cut(new Uint8Array(0)), template, place).estimated
  if (room < 0) return null
  entry.truncated = true
  const length = template.encoding === 'json' ? textThatFits(entry.text, room) : cutLength(entry.text, room)
  return { ...recordOf(cut(entry.text.subarray(0, length)), template, place), kept: length }
}

// -- records as bytes -------------------------------------------------------------------------------------------------

/** Zigzag varint of a whole number. */
export function varint(n: number): Buffer {
  const zigzag = BigInt.asUintN(64, n < 0 ? -2n * BigInt(n) - 1n : 2n * BigInt(n))
  const groups: number[] = []
  for (let rest = zigzag; groups.length === 0 || rest > 0n; rest >>= 7n) groups.push(Number(rest & 127n))
  return Buffer.from(groups.map((group, i) => (i < groups.length - 1 ? group | 128 : group)))
}

function sized(bytes: Uint8Array | null): Buffer {
  return bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes])
}

/** The records with new offset deltas, counted from 0. */
export function copyRecords(records: readonly Uint8Array[]): Uint8Array[] {
  return records.map((record, number) => {
    const start = endOfVarint(record, 0)
    const delta = endOfVarint(record, start + 1)
    const rest = record.subarray(endOfVarint(record, delta))
    const body = Buffer.concat([record.subarray(start, delta), varint(number), rest])
    return Buffer.concat([varint(body.length), body])
  })
}

function endOfVarint(bytes: Uint8Array, at: number): number {
  return bytes.findIndex((byte, i) => i >= at && byte < 128) + 1
}

/** CRC-32C of bytes, bit by bit: RFC 3720, appendix B.4. `previous` is the checksum of the bytes before them. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
