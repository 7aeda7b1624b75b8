import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { Frames } from '../../../../../src/output/kafka/wire/frames.ts'

function framed(body: Uint8Array): Buffer {
  const frame = Buffer.alloc(4 + body.length)
  frame.writeInt32BE(body.length)
  frame.set(body, 4)
  return frame
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

describe('frames', () => {
  test('come out unchanged, however the socket cuts them', () => {
    const bodies = fc.array(fc.uint8Array({ minLength: 4, maxLength: 300 }), { maxLength: 8 })
    const sizes = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(bodies, sizes, (bodies, sizes) => {
        const frames = new Frames()
        const seen: string[] = []
        for (const chunk of cut(Buffer.concat(bodies.map(framed)), sizes)) {
          frames.push(chunk)
          for (let frame = frames.next(); frame !== null; frame = frames.next()) seen.push(frame.toString('hex'))
        }
        assert.deepEqual(
          seen,
          bodies.map((body) => Buffer.from(body).toString('hex')),
        )
      }),
    )
  })

  test('collect the largest one in linear time, byte by byte and in chunks', () => {
    const body = Buffer.alloc(16 * 1024 * 1024, 7)
    const bytes = framed(body)
    const frames = new Frames()
    let seen = 0
    for (const chunk of [...cut(bytes.subarray(0, 100_000), [1]), ...cut(bytes.subarray(100_000), [1500])]) {
      frames.push(chunk)
      const frame = frames.next()
      if (frame !== null) {
        seen++
        assert.ok(frame.equals(body))
      }
    }
    assert.equal(seen, 1)
  })

  for (const length of [-1, -(2 ** 31), 0, 3, 16 * 1024 * 1024 + 1, 2 ** 31 - 1]) {
    test(`refuse a length of ${length}`, () => {
      const bytes = Buffer.alloc(4)
      bytes.writeInt32BE(length)
      const frames = new Frames()
      frames.push(bytes)
      assert.throws(() => frames.next(), { code: 'protocol-violation' })
    })
  }
})
