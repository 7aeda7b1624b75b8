/** Against bytes that Kafka's own Java classes wrote (test/fixtures/wire, made by test/support/java/golden). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { decodeApiVersions, encodeApiVersions } from '../../../../../src/output/kafka/wire/api-versions.ts'
import { decodeInitProducerId, encodeInitProducerId } from '../../../../../src/output/kafka/wire/init-producer-id.ts'
import { decodeMetadata, encodeMetadata } from '../../../../../src/output/kafka/wire/metadata.ts'
import { ResponseReader } from '../../../../../src/output/kafka/wire/primitives.ts'
import { decodeProduce, encodeProduce } from '../../../../../src/output/kafka/wire/produce.ts'
import type { RequestHeader } from '../../../../../src/output/kafka/wire/request-header.ts'
import { bearsHostileBytes } from '../../../../support/hostile-bytes.ts'

interface Request<Body> {
  readonly what: string
  readonly version: number
  readonly header: { readonly correlationId: number; readonly clientId: string | null }
  readonly body: Body
  readonly bytes: string
}

interface Response<Body> {
  readonly what: string
  readonly body: Body
  readonly bytes: string
}

interface Api<Asked, Answered> {
  readonly file: string
  /** null: a request that we never send. */
  readonly encode: (header: RequestHeader, body: Asked) => readonly Uint8Array[] | null
  readonly decode: (reader: ResponseReader) => unknown
  /** The result that decode must give for this body. */
  readonly expected: (body: Answered) => unknown
}

function golden<Asked, Answered>({ file, encode, decode, expected }: Api<Asked, Answered>): void {
  const path = new URL(`../../../../fixtures/wire/${file}.json`, import.meta.url)
  const { requests, responses }: { requests: Request<Asked>[]; responses: Response<Answered>[] } = JSON.parse(
    readFileSync(path, 'utf8'),
  )
  let encoded = 0
  for (const { what, header, body, bytes } of requests) {
    const { correlationId, clientId } = header
    const pieces = clientId === null ? null : encode({ correlationId, clientId }, body)
    if (pieces === null) continue
    encoded++
    test(`${file}: a request is written as Java writes it: ${what}`, () => {
      const frame = Buffer.concat(pieces)
      assert.equal(frame.readInt32BE(), frame.length - 4)
      assert.equal(frame.toString('base64', 4), bytes)
    })
  }
  test(`${file}: there are golden requests`, () => assert.ok(encoded > 0))
  for (const { what, body, bytes } of responses) {
    const response = Buffer.from(bytes, 'base64').subarray(4)
    test(`${file}: a response is read as Java wrote it: ${what}`, () => {
      assert.deepEqual(decode(new ResponseReader(response)), expected(body))
    })
    test(`${file}: bears hostile bytes: ${what}`, () => bearsHostileBytes(response, decode))
  }
}

interface ApiVersionsBody {
  readonly errorCode: number
  readonly apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[]
}

golden({
  file: 'api-versions',
  encode: (header, body: { clientSoftwareName: string; clientSoftwareVersion: string }) =>
    encodeApiVersions(header, { name: body.clientSoftwareName, version: body.clientSoftwareVersion }),
  decode: decodeApiVersions,
  expected: ({ errorCode, apiKeys }: ApiVersionsBody) => ({
    code: errorCode,
    ranges: new Map(
      apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
    ),
  }),
})

interface ProducerIdBody {
  readonly throttleTimeMs: number
  readonly errorCode: number
  readonly producerId: number
  readonly producerEpoch: number
}

golden({
  file: 'init-producer-id',
  encode: (header, body: { transactionalId: string | null; producerId: number }) =>
    body.transactionalId === null && body.producerId < 0 ? encodeInitProducerId(header) : null,
  decode: decodeInitProducerId,
  expected: ({ throttleTimeMs, errorCode, producerId, producerEpoch }: ProducerIdBody) => ({
    throttleMs: throttleTimeMs,
    code: errorCode,
    producerId,
    producerEpoch,
  }),
})

interface MetadataRequestBody {
  readonly topics: readonly { readonly name: string | null }[] | null
  readonly allowAutoTopicCreation: boolean
  readonly includeTopicAuthorizedOperations: boolean
}

interface MetadataBody {
  readonly throttleTimeMs: number
  readonly clusterId: string | null
  readonly brokers: readonly { nodeId: number; host: string; port: number }[]
  readonly topics: readonly {
    errorCode: number
    name: string | null
    topicId: string
    topicAuthorizedOperations: number
    partitions: readonly { partitionIndex: number; leaderId: number; leaderEpoch: number }[]
  }[]
}

golden({
  file: 'metadata',
  encode: (header, body: MetadataRequestBody) => {
    const names = (body.topics ?? [{ name: null }]).map(({ name }) => name)
    const known = names.filter((name) => name !== null)
    if (body.allowAutoTopicCreation || known.length < names.length) return null
    return encodeMetadata(header, known, body.includeTopicAuthorizedOperations)
  },
  decode: decodeMetadata,
  expected: ({ throttleTimeMs, clusterId, brokers, topics }: MetadataBody) => ({
    throttleMs: throttleTimeMs,
    clusterId,
    brokers: brokers.map(({ nodeId, host, port }) => ({ node: nodeId, host, port })),
    topics: topics.map(({ errorCode, name, topicId, partitions, topicAuthorizedOperations }) => ({
      code: errorCode,
      name,
      id: Buffer.from(topicId, 'base64url').toString('hex'),
      authorizedOperations: topicAuthorizedOperations,
      partitions: partitions.map(({ partitionIndex, leaderId, leaderEpoch }) => ({
        partition: partitionIndex,
        leader: leaderId,
        leaderEpoch,
      })),
    })),
  }),
})

interface ProduceRequestBody {
  readonly transactionalId: string | null
  readonly acks: -1 | 0 | 1
  readonly timeoutMs: number
  readonly topicData: readonly {
    readonly name: string
    readonly partitionData: readonly { readonly index: number; readonly records: string }[]
  }[]
}

interface ProduceBody {
  readonly throttleTimeMs: number
  readonly responses: readonly {
    readonly name: string
    readonly partitionResponses: readonly {
      index: number
      errorCode: number
      baseOffset: number
      recordErrors: readonly { batchIndex: number; batchIndexErrorMessage: string | null }[]
      errorMessage: string | null
    }[]
  }[]
}

golden({
  file: 'produce',
  encode: (header, { transactionalId, acks, timeoutMs, topicData }: ProduceRequestBody) => {
    if (transactionalId !== null) return null
    const items = topicData.flatMap(({ name, partitionData }) =>
      partitionData.map(({ index, records }) => {
        const bytes = Buffer.from(records, 'base64')
        return { topic: name, partition: index, parts: [bytes.subarray(0, 61), bytes.subarray(61)] }
      }),
    )
    return encodeProduce(header, { acks, timeoutMs }, items)
  },
  decode: decodeProduce,
  expected: ({ throttleTimeMs, responses }: ProduceBody) => ({
    throttleMs: throttleTimeMs,
    partitions: responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, errorCode, baseOffset, recordErrors, errorMessage }) => ({
        topic: name,
        partition: index,
        code: errorCode,
        baseOffset,
        recordErrors: recordErrors.map((error) => ({ index: error.batchIndex, message: error.batchIndexErrorMessage })),
        message: errorMessage,
      })),
    ),
  }),
})
