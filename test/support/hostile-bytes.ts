/** Checks that the decoder of a response survives any bytes: it decodes them, or throws a protocol violation. */
import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { AgentError } from '../../src/errors.ts'
import { ResponseReader } from '../../src/output/kafka/wire/primitives.ts'

function isViolation(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'protocol-violation'
}

/** `answer` is a valid one, behind its correlation id. */
export function bearsHostileBytes(answer: Buffer, decode: (reader: ResponseReader) => unknown): void {
  decode(new ResponseReader(answer))
  for (let length = 0; length < answer.length; length++) {
    assert.throws(() => decode(new ResponseReader(answer.subarray(0, length))), isViolation, `cut to ${length} bytes`)
  }
  assert.throws(
    () => decode(new ResponseReader(Buffer.concat([answer, Buffer.from([0])]))),
    isViolation,
    'one byte too many',
  )
  const harmless = (bytes: Buffer): void => {
    try {
      decode(new ResponseReader(bytes))
    } catch (error) {
      if (!isViolation(error)) throw error
    }
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => harmless(Buffer.from(bytes))))
  // A valid response with a few changed bytes gets further than noise.
  const change = fc.record({ at: fc.nat(answer.length - 1), byte: fc.nat(255) })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(answer)
      for (const { at, byte } of changes) bytes[at] = byte
      harmless(bytes)
    }),
    { numRuns: 1000 },
  )
}
