/** What a record looks like, which partition it goes to, and whether common consumers can read it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Partitioners } from 'kafkajs'
import { sharedKafka } from '../support/kafka.ts'
import { readWithKcat } from '../support/kcat.ts'
import type { KafkaRecord } from '../support/java-reader.ts'
import { headerOf, originOf } from '../support/ranges.ts'
import { openScene, type Scene } from '../support/scene.ts'
import type { Ending } from '../support/temp.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

/** Ships these lines, and returns their records in the order of the partitions. */
async function shipped(scene: Scene, lines: readonly string[], ...args: readonly string[]): Promise<KafkaRecord[]> {
  writeFileSync(scene.path('app.log'), lines.map((line) => `${line}\n`).join(''))
  const agent = scene.start(...args)
  await scene.arrived(lines.length)
  await scene.stop(agent)
  return scene.records()
}

describe('the record contract', () => {
  test('json: the fields of the design, in its order, and no others', async (t) => {
    const scene = await openScene(t, kafka, { encoding: 'json' })
    const earliest = Date.now()
    const [record] = await shipped(
      scene,
      ['GET /orders "200"'],
      '--fields',
      'env=prod,team=shop',
      '--agent-id',
      'node-1',
    )
    const text = record?.value?.toString() ?? ''
    const value = JSON.parse(text)
    const { '@timestamp': time, log } = value
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
    assert.ok(Date.parse(time) >= earliest - 1 && Date.parse(time) <= Date.now() + 1)
    assert.match(log.file.id, /^[0-9a-f]{24}$/)
    assert.equal(
      text,
      JSON.stringify({
        '@timestamp': time,
        message: 'GET /orders "200"',
        log: { file: { path: scene.path('app.log'), id: log.file.id }, offset: 0, bytes: 18 },
        agent: { name: 'logagent', id: 'node-1' },
        fields: { env: 'prod', team: 'shop' },
      }),
    )
    assert.deepEqual([record?.key, record?.headers], [null, []])
    assert.ok(Math.abs((record?.timestamp ?? 0) - Date.parse(time)) <= 1)
  })

  test("raw: the bytes of the line, and the metadata in headers with OpenTelemetry's names", async (t) => {
    const scene = await openScene(t, kafka)
    const records = await shipped(scene, ['one', 'two'], '--fields', 'env=prod')
    const { id } = originOf(records[0]!) ?? {}
    const headers = (offset: string, bytes: string): [string, string | undefined][] => [
      ['log.file.path', scene.path('app.log')],
      ['log.file.id', id],
      ['fields.env', 'prod'],
      ['log.offset', offset],
      ['log.bytes', bytes],
    ]
    assert.deepEqual(
      records.map((record) => record.headers.map(({ name, value }) => [name, value?.toString()])),
      [headers('0', '4'), headers('4', '4')],
    )
    assert.deepEqual(
      records.map(({ key, value }) => [key, value?.toString()]),
      [
        [null, 'one'],
        [null, 'two'],
      ],
    )
  })

  test('raw without headers: the bare line', async (t) => {
    const scene = await openScene(t, kafka)
    const records = await shipped(scene, ['one', ''], '--headers', 'none')
    assert.deepEqual(
      records.map(({ key, value, headers }) => [key, value?.toString(), headers]),
      [
        [null, 'one', []],
        [null, '', []],
      ],
    )
  })
})

describe('where a record goes', () => {
  const FILES = 24
  const LINES = 20

  /** Ships 24 files with 20 lines each to a topic of 6 partitions. */
  async function places(t: Ending, ...args: readonly string[]): Promise<{ scene: Scene; records: KafkaRecord[] }> {
    const scene = await openScene(t, kafka, { partitions: 6 })
    const writers = Array.from({ length: FILES }, (_, n) => scene.writer(`file-${n}.log`))
    for (const writer of writers) writer.write(LINES / 2)
    const agent = scene.start(...args)
    await scene.arrived()
    for (let n = 0; n < LINES / 2; n++) {
      for (const writer of writers) writer.write(1)
      if (n % 2 === 0) await scene.arrived()
    }
    await scene.arrived()
    await scene.stop(agent)
    return { scene, records: await scene.delivered() }
  }

  const partitionsOf = (records: readonly KafkaRecord[]): Map<string, Set<number>> => {
    const partitions = new Map<string, Set<number>>()
    for (const record of records) {
      const { path = '' } = originOf(record) ?? {}
      partitions.set(path, (partitions.get(path) ?? new Set()).add(record.partition))
    }
    return partitions
  }

  const usedBy = (records: readonly KafkaRecord[]): number => new Set(records.map(({ partition }) => partition)).size

  test('sticky: a file stays on one partition, and files are spread', async (t) => {
    const { records } = await places(t)
    for (const [path, partitions] of partitionsOf(records)) assert.equal(partitions.size, 1, path)
    assert.ok(usedBy(records) > 2)
  })

  test('hash: the partition that Java chooses for the same key', async (t) => {
    const { scene, records } = await places(t, '--kafka-partitioner', 'hash', '--key', 'file')
    for (const { key, partition } of records) assert.equal(partition, partitionOfJava(key, 6))
    assert.ok(records.every(({ key, headers }) => key?.toString() === headers[0]?.value?.toString()))
    assert.ok(records[0]?.key?.toString().startsWith(scene.directory))
    assert.ok(usedBy(records) > 2)
  })

  test('round-robin and random: all partitions are used', async (t) => {
    for (const partitioner of ['round-robin', 'random']) {
      const { records } = await places(t, '--kafka-partitioner', partitioner)
      assert.equal(usedBy(records), 6, partitioner)
    }
  })

  test('a number: that partition, with a key made from a template', async (t) => {
    const { records } = await places(
      t,
      '--kafka-partitioner',
      '4',
      '--key',
      '${agent.id}/${log.file.name}',
      '--agent-id',
      'a',
    )
    assert.deepEqual(new Set(records.map(({ partition }) => partition)), new Set([4]))
    const file = records[0]?.headers[0]?.value?.toString().split('/').at(-1)
    assert.equal(records[0]?.key?.toString(), `a/${file}`)
  })
})

describe('how records are sent', () => {
  for (const [name, args] of [
    ['acks all', ['--kafka-acks', 'all']],
    ['acks 1', ['--kafka-acks', '1']],
    ['acks 0', ['--delivery', 'at-most-once']],
    ['zstd', ['--kafka-compression', 'zstd']],
    ['zstd and acks 1', ['--kafka-compression', 'zstd', '--kafka-acks', '1']],
    ['zstd, small batches', ['--kafka-compression', 'zstd', '--batch-max-bytes', '4096']],
    ['small batches and small buffers', ['--batch-max-bytes', '16384', '--buffer-max-bytes', '2MiB']],
  ] as const) {
    test(`${name}: everything arrives once`, async (t) => {
      const scene = await openScene(t, kafka, { partitions: 3, args })
      const writers = Array.from({ length: 6 }, (_, n) => scene.writer(`file-${n}.log`))
      for (const writer of writers) writer.write(5000)
      const agent = scene.start()
      await scene.arrived()
      for (let n = 0; n < 20; n++) for (const writer of writers) writer.write(10)
      await scene.arrived()
      await scene.stop(agent)
      await scene.delivered()
    })
  }
})

for (const [encoding, compression] of [
  ['raw', 'none'],
  ['raw', 'zstd'],
  ['json', 'none'],
  ['json', 'zstd'],
] as const) {
  test(`Java, librdkafka and kafkajs read the same: ${encoding}, compression ${compression}`, async (t) => {
    const scene = await openScene(t, kafka, { encoding, args: ['--kafka-compression', compression, '--key', 'file'] })
    const writer = scene.writer('app.log')
    writer.write(3000)
    const agent = scene.start()
    await scene.arrived()
    await scene.stop(agent)
    const java = await scene.delivered()
    assert.deepEqual(await readWithKcat(kafka.bootstrap, scene.topic), java)
    const consumer = scene.consume('--from-beginning', '--format', 'record')
    await consumer.exitsWith(0)
    const lines = consumer.output().toString().trimEnd().split('\n')
    assert.deepEqual(lines.map(fromConsume), java)
    assert.equal(java.length, 3000)
  })
}

/** The partition by kafkajs's partitioner, which is the Java client's written again. */
function partitionOfJava(key: Buffer | null, count: number): number {
  const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 1 }))
  const what = { topic: '', partitionMetadata, message: { key, value: null } }
  // it reads nothing else of the metadata
  return Partitioners.DefaultPartitioner()(
    what as unknown as Parameters<ReturnType<typeof Partitioners.DefaultPartitioner>>[0],
  )
}

/** A record as `logagent consume --format record` shows it. */
function fromConsume(line: string): KafkaRecord {
  const { partition, offset, timestamp, key, headers, value } = JSON.parse(line)
  return {
    ...{ partition, offset, timestamp, key: bytesOf(key), value: bytesOf(value) },
    headers: Object.entries<Shown>(headers).map(([name, shown]) => ({ name, value: bytesOf(shown) })),
  }
}

type Shown = string | { readonly base64: string } | null

function bytesOf(shown: Shown): Buffer | null {
  if (shown === null) return null
  return typeof shown === 'string' ? Buffer.from(shown) : Buffer.from(shown.base64, 'base64')
}

test('a line that looks like a json record of the agent is shipped as a line', async (t) => {
  const scene = await openScene(t, kafka, { encoding: 'json' })
  const line = '{"@timestamp":"2026-11-22T10:00:00.123456789Z","message":"x","log":{"offset":1}}'
  const [record] = await shipped(scene, [line])
  assert.equal(JSON.parse(record?.value?.toString() ?? '').message, line)
  assert.equal(headerOf(record!, 'log.file.id'), undefined)
})
