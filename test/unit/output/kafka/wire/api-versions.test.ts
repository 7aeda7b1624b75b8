import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decodeApiVersions, encodeApiVersions, missingApis } from '../../../../../src/output/kafka/wire/api-versions.ts'
import { ResponseReader, Writer } from '../../../../../src/output/kafka/wire/primitives.ts'
import { readRequest, writeApiVersions, writeOldApiVersions } from '../../../../support/fake-wire.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

const header = { correlationId: 9, clientId: 'logagent' }

function written(write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  write(writer)
  return writer.cut()
}

describe('ApiVersions', () => {
  const rows = [
    [0, 3, 11],
    [3, 0, 12],
  ] as const

  test('has the name and version of the client', () => {
    const [frame] = encodeApiVersions(header, { name: 'logagent', version: '1.2' })
    const { api, body } = readRequest(frame!.subarray(4))
    assert.equal(api, 'ApiVersions')
    assert.equal(body.compactString(), 'logagent')
    assert.equal(body.compactString(), '1.2')
  })

  test('reads the ranges that a broker supports, also from a broker that does not know the version of the request', () => {
    const ranges = new Map([
      [0, { min: 3, max: 11 }],
      [3, { min: 0, max: 12 }],
    ])
    const now = decodeApiVersions(new ResponseReader(written((writer) => writeApiVersions(writer, rows))))
    assert.deepEqual(now, { code: 0, ranges })
    const old = decodeApiVersions(new ResponseReader(written((writer) => writeOldApiVersions(writer, rows))))
    assert.deepEqual(old, { code: 35, ranges })
  })

  test('names what is missing', () => {
    const ranges = new Map([[0, { min: 3, max: 8 }]])
    const needed = [
      { name: 'Produce', key: 0, version: 9 },
      { name: 'Metadata', key: 3, version: 12 },
    ]
    assert.deepEqual(missingApis(ranges, needed), [
      'Produce version 9 (the broker supports 3 to 8)',
      'Metadata (not supported)',
    ])
    assert.deepEqual(missingApis(new Map([[0, { min: 9, max: 9 }]]), needed.slice(0, 1)), [])
  })

  test('bears hostile bytes in both forms', () => {
    bearsHostileBytes(
      written((writer) => writeApiVersions(writer, rows)),
      decodeApiVersions,
    )
    bearsHostileBytes(
      written((writer) => writeOldApiVersions(writer, rows)),
      decodeApiVersions,
    )
  })
})
