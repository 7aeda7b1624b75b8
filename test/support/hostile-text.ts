/** Hostile lines: every kind of ill-formed UTF-8, characters that JSON escapes, lengths around the SIMD width. */
import * as fc from 'fast-check'

const LENGTHS = [1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129]

const WELL_FORMED = [
  '\u0080 é \u07ff \u0800 中 日本語 \ud7ff \ue000 \ufeff \ufffd \uffff \u2028',
  '\u{10000} 🦊 \u{10ffff} ΩΩΩΩΩΩΩΩΩ 𝄞𝄞𝄞𝄞𝄞',
].flatMap((texts) => texts.split(' ').map((text) => Buffer.from(text)))

const ILL_FORMED = [
  '80 bf 8080 80808080 c0 c1 c2 df c0af c3c3 c328 c380',
  'e0 e080 e08080 e09fbf e0a0 e282 e2e2 e228 e28228 eda0 eda080 edbfbf ed9f ef efbf',
  'f0 f080 f0808080 f08fbfbf f09f f09f98 f09f28 f09f9828 f028 f48f f48fbf f490 f4908080',
  'f5 f5808080 f8888080 fc fe ff c3a980 e282ac80 f09fa68a80',
].flatMap((texts) => texts.split(' ').map((hex) => Buffer.from(hex, 'hex')))

const ESCAPED = '" \\ \t \r \b \f \0 \x01 \x0b \x0e \x1f \x7f / \\" """""""""""""""""'.split(' ')

const pieces = [
  fc
    .tuple(fc.constantFrom(...LENGTHS), fc.integer({ min: 32, max: 126 }))
    .map(([length, byte]) => Buffer.alloc(length, byte)),
  fc.constantFrom(...ESCAPED).map((text) => Buffer.from(text)),
  fc.constantFrom(...WELL_FORMED),
  fc.constantFrom(...ILL_FORMED),
  fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes)),
]

/** Bytes of a line. They may have newlines too, for tests without framing. */
export const hostileText: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 8, arbitrary: fc.array(fc.oneof(...pieces), { maxLength: 8 }).map((parts) => Buffer.concat(parts)) },
  // pieces of one kind only: long runs of it
  {
    weight: 2,
    arbitrary: fc
      .oneof(...pieces.map((piece) => fc.array(piece, { maxLength: 12 })))
      .map((parts) => Buffer.concat(parts)),
  },
)

const TERMINATORS = ['\n', '\n', '\n', '\r\n', '\n\n', '\r\r\n', '\r'].map((text) => Buffer.from(text))

/** Bytes of a file: lines, empty ones, no newline at all, a carriage return anywhere. */
export const hostileFile: fc.Arbitrary<Buffer> = fc
  .array(fc.tuple(hostileText, fc.constantFrom(...TERMINATORS)), { maxLength: 12 })
  .chain((lines) => hostileText.map((rest) => Buffer.concat([...lines.flat(), rest])))

/** Lines of one repeated piece, long enough for lengths that take three bytes. */
export const longText: fc.Arbitrary<Buffer> = fc
  .tuple(fc.oneof(...pieces), fc.oneof(fc.integer({ min: 3800, max: 4300 }), fc.integer({ min: 7700, max: 8300 })))
  .map(([piece, length]) => Buffer.alloc(length, piece.length === 0 ? 'x' : piece))
