/** Every combination of the bytes at which UTF-8's ranges begin and end, in plain text and in multi-byte text. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRecord } from '../../../src/encode/records.ts'
import type { TwinEntry } from '../../support/twin/entry.ts'
import { Appending } from '../../support/kernel-appends.ts'

const BYTES = Buffer.from(
  '00 22 41 7f 80 8f 90 9f a0 bf c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff'.replaceAll(' ', ''),
  'hex',
)
const SURROUNDINGS = ['plain', 'ééé'].map((text) => Buffer.from(text))
const SEQUENCES_IN_TEXT = 200

const appending = new Appending(16 * 1024)
const append = appending.install({
  encoding: 'json',
  facts: { file: { id: 'f', path: '/a' }, agent: { name: 'a', id: 'b' }, fields: {} },
  key: null,
  headers: 'none',
})
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function assertDecoded(text: Buffer): void {
  const entry: TwinEntry = {
    text,
    ranges: [{ start: 0, end: 1 }],
    timestampNs: 0n,
    stream: 'none',
    route: 0,
    truncated: false,
    verdict: 'ship',
  }
  appending.watched.putEntries([entry], [])
  const call = { first: 0, end: 1, route: 0, index: 0, baseTimestamp: 0, drop: false, skipped: 0 }
  const { bytes } = appending.call(append, { ...call, limit: 100_000, bufferEnd: 110_000, maxRecord: 100_000 })
  const object: { message: string } = JSON.parse(Buffer.from(decodeRecord(bytes).value ?? []).toString())
  assert.equal(object.message, decoder.decode(text))
}

test('three bytes in a row, each at the beginning or end of a range', () => {
  for (const around of SURROUNDINGS) {
    let parts: Uint8Array[] = []
    for (const a of BYTES) {
      for (const b of BYTES) {
        for (const c of BYTES) parts.push(Buffer.of(a, b, c), around)
        if (parts.length < 2 * SEQUENCES_IN_TEXT) continue
        assertDecoded(Buffer.concat(parts))
        parts = []
      }
    }
    assertDecoded(Buffer.concat(parts))
  }
})

test('four bytes in a row that begin like a character of four bytes', () => {
  for (const around of SURROUNDINGS) {
    for (const a of BYTES.filter((byte) => byte >= 0xef)) {
      for (const b of BYTES) {
        const parts: Uint8Array[] = []
        for (const c of BYTES) for (const d of BYTES) parts.push(Buffer.of(a, b, c, d), around)
        assertDecoded(Buffer.concat(parts))
      }
    }
  }
})

test('a text that ends inside a character', () => {
  const text = Buffer.from('0123456789 日本🦊é日本🦊é日本🦊é日本🦊é')
  for (let start = 0; start < 17; start++) {
    for (let end = start; end <= text.length; end++) assertDecoded(text.subarray(start, end))
  }
})
