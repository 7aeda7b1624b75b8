/** The value of a json record as the kernel has to write it: the part of the twin that is about JSON. */
import { type Place, type TwinEntry, type TwinFacts, sourceBytes } from './entry.ts'

/** It keeps a byte order mark, which is part of the line. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The object of a json record (README, "What a record looks like") on one line, its fields in this order. */
export function jsonValue(entry: TwinEntry, facts: TwinFacts, place: Place): { value: Buffer; invalid: number } {
  const object = {
    '@timestamp': timestamp(entry.timestampNs),
    message: decoder.decode(entry.text),
    ...(entry.stream === 'none' ? {} : { stream: entry.stream }),
    log: {
      file: { path: Buffer.from(facts.file.path, 'latin1').toString(), id: facts.file.id },
      offset: entry.ranges[0]?.start,
      bytes: sourceBytes(entry),
      ...(place.skipped > 0 ? { skipped: place.skipped } : {}),
      ...(entry.truncated ? { flags: ['truncated'] } : {}),
    },
    ...(facts.kubernetes === undefined ? {} : { kubernetes: facts.kubernetes }),
    agent: facts.agent,
    ...(Object.keys(facts.fields).length === 0 ? {} : { fields: facts.fields }),
  }
  return { value: Buffer.from(JSON.stringify(object)), invalid: replacements(entry.text) }
}

/** RFC 3339, UTC, nine digits of a second. */
function timestamp(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(ns % 1_000_000_000n).padStart(9, '0')}Z`
}

/** How many ill-formed sequences become U+FFFD: the U+FFFD after decoding, less those that the text had already. */
function replacements(text: Uint8Array): number {
  const all = decoder.decode(text).split('\ufffd').length
  return all - Buffer.from(text).toString('latin1').split('\u00ef\u00bf\u00bd').length
}

/** How many of the text's first bytes are whole characters that take at most `room` bytes when they are escaped. */
export function textThatFits(text: Uint8Array, room: number): number {
  let length = 0
  let size = 0
  while (length < text.length) {
    const bytes = firstCharacter(text.subarray(length))
    size += Buffer.byteLength(JSON.stringify(decoder.decode(bytes))) - 2
    if (size > room) break
    length += bytes.length
  }
  return length
}

/**
 * The bytes of the first character. Of ill-formed bytes these are the ones that TextDecoder replaces by one U+FFFD.
 */
function firstCharacter(text: Uint8Array): Uint8Array {
  if ((text[0] ?? 0) < 0x80) return text.subarray(0, 1)
  const first = String.fromCodePoint(decoder.decode(text.subarray(0, 4)).codePointAt(0) ?? 0)
  for (let length = Math.min(4, text.length); length > 1; length--) {
    if (decoder.decode(text.subarray(0, length)) === first) return text.subarray(0, length)
  }
  return text.subarray(0, 1)
}
