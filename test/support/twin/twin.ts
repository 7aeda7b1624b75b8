/**
 * The kernel's functions in plain TypeScript: the oracle of its tests, written to be read as their specification. They
 * work on values (bytes, arrays of entries) instead of pointers into a shared memory, and they are slow. Nothing that
 * ships imports this. What a json record's value is told in twin-json.ts.
 */
import { ENTRY_CAPACITY, SLACK } from '../../../src/kernel/layout.ts'
import { type Place, type TwinEntry, type TwinFacts, milliseconds, sourceBytes } from './entry.ts'
import { jsonValue, textThatFits } from './json.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13

/** The first newline's index from `from` on, or the length. */
export function findNewline(bytes: Uint8Array, from = 0): number {
  const at = bytes.indexOf(NEWLINE, from)
  return at < 0 ? bytes.length : at
}

/** How much of a text that is longer than `max` to keep, so that no UTF-8 sequence is cut in two. */
export function cutLength(text: Uint8Array, max: number): number {
  const continues = (at: number): boolean => at >= 0 && ((text[at] ?? 0) & 0xc0) === 0x80
  for (let back = 0; back <= 3 && back <= max; back++) if (!continues(max - back)) return max - back
  // four continuation bytes in a row: that is no UTF-8
  return max
}

export interface FrameRules {
  readonly maxLine: number
  readonly empty: 'keep' | 'drop'
  readonly long: 'cut' | 'drop'
}

/** The entries of the lines that end in `bytes`, and how many bytes they took. `offset`: of the first byte in its file. */
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
      lane: 0,
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
  /** Of raw records. */
  readonly headers: 'otel' | 'none'
}

export interface AppendCall {
  readonly first: number
  readonly end: number
  readonly lane: number
  /** Bytes that may be written. */
  readonly limit: number
  /** Bytes from where the first record goes to the buffer's end, from where the sizes grow down. */
  readonly bufferEnd: number
  /** Records that are in the batch already. */
  readonly index: number
  /** Milliseconds. */
  readonly baseTimestamp: number
  readonly maxRecord: number
  /** What is larger is settled, and not cut. */
  readonly drop: boolean
  /** Settled bytes that the next record has to tell. */
  readonly skipped: number
}

export interface Appended {
  readonly records: readonly Uint8Array[]
  /** Of each record, the source bytes it stands for: its own, and what was settled before it in the same call. */
  readonly sizes: readonly number[]
  /** How many of these were settled. */
  readonly settledBefore: readonly number[]
  /** First entry not taken. */
  readonly next: number
  readonly cut: number
  /** Source bytes of the cut ones that are in no record. */
  readonly cutBytes: number
  /** How many were cut to `maxRecord`, and the file offset of the first; 0 if none was. */
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
 * Append the lane's entries to a batch, until the next record finds no room. A record is reckoned with five bytes for
 * each of its three counts. One that is larger than `maxRecord` is cut to it, if there is room for as much; if it cannot
 * be cut so far, or is to be dropped, its entry gets the verdict too-large. Flags and verdicts are noted in the entries.
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
    if (entry?.lane !== call.lane) continue
    if (entry.verdict === 'ship') {
      const number = call.index + records.length
      const room = Math.min(call.limit, call.bufferEnd - 8 * (number + 1) - SLACK) - written
      const place: Place = { number, baseTimestamp: call.baseTimestamp, skipped }
      let record: Rendered | null = recordOf(entry, template, place)
      let kept = entry.text.length
      if (record.reckoned > Math.min(room, call.maxRecord)) {
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
  /** Its size with five bytes for each of the record's length, the value's length and the headers' count. */
  readonly reckoned: number
  /** Ill-formed sequences replaced. */
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
  const reckoned = beforeValue.length + value.length + behindCount.length + 15
  return { bytes: Buffer.concat([varint(body.length), body]), reckoned, invalid }
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

/** The record with as many of the text's first bytes as keep it to `maxRecord`, marked; null when none would. */
function cutTo(
  maxRecord: number,
  entry: TwinEntry,
  how: { template: TwinTemplate; place: Place },
): (Rendered & { kept: number }) | null {
  const cut = (text: Uint8Array): TwinEntry => ({ ...entry, text, truncated: true })
  const { template, place } = how
  const room = maxRecord - recordOf(cut(new Uint8Array(0)), template, place).reckoned
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

/** The records with their offset deltas counted from 0. */
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

/** CRC-32C of bytes, bit by bit: RFC 3720, appendix B.4. `previous` is the checksum of what comes before them. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}
