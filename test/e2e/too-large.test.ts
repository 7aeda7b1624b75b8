/**
 * A broker whose limit is lower than the agent's setting: batches are split, the limit is learned, and one record harms
 * no other.
 */
import assert from 'node:assert/strict'
import { statSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import type { KafkaRecord } from '../support/java-reader.ts'
import { account, lossyLine, messageOf, rawLine } from '../support/numbered-log.ts'
import { abutting, disorder, originOf } from '../support/ranges.ts'
import { lastWords, openScene } from '../support/scene.ts'
import { until } from '../support/wait.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const LIMIT = 20_000
const configs = { 'max.message.bytes': String(LIMIT) }

for (const compression of ['none', 'zstd']) {
  test(`splits batches larger than the topic takes, and soon makes smaller ones; compression ${compression}`, async (t) => {
    const scene = await openScene(t, kafka, { partitions: 2, configs, args: ['--kafka-compression', compression] })
    const writers = ['a.log', 'b.log', 'c.log'].map((name) => scene.writer(name))
    for (const writer of writers) writer.write(5000)
    const agent = scene.start()
    await scene.arrived()
    const splits = (): number => agent.log.filter(({ msg }) => String(msg).startsWith('batch too large')).length
    const before = splits()
    assert.ok(before > 0)
    for (const writer of writers) writer.write(5000)
    await scene.arrived()
    await scene.stop(agent)
    // on a slow machine a larger batch may be tried again meanwhile, once for each partition
    assert.ok(splits() <= before + 2, `${splits()} refusals, ${before} to learn the limit`)
    assert.equal(lastWords(agent)['possibleRepeats'], 0)
    await scene.delivered()
  })
}

test('makes large batches again soon after the topic takes more', async (t) => {
  const scene = await openScene(t, kafka, {
    configs: { 'max.message.bytes': '10000' },
    args: ['--kafka-compression', 'none', '--report', 'log'],
  })
  const writer = scene.writer('a.log')
  writer.write(20_000)
  const agent = scene.start()
  await scene.arrived()
  const sizes = (): number[] => agent.log.flatMap(({ report }) => (isBatch(report) ? [report.bytes] : []))
  const splits = (): number => agent.log.filter(({ msg }) => String(msg).startsWith('batch too large')).length
  assert.ok(sizes().length > 100 && sizes().every((bytes) => bytes <= 10_000))
  await kafka.configureTopic(scene.topic, { 'max.message.bytes': '1048588' })
  const areLarge = async (): Promise<boolean> => {
    writer.write(20_000)
    await scene.arrived()
    return sizes().some((bytes) => bytes > 900_000)
  }
  await until(areLarge, { what: () => `large batches: the last ones have ${sizes().slice(-10).join(', ')} bytes` })
  const before = splits()
  writer.write(50_000)
  await scene.arrived()
  assert.equal(splits(), before)
  assert.ok(before < 30, `${before} refusals`)
  await scene.stop(agent)
  assert.equal(lastWords(agent)['possibleRepeats'], 0)
  await scene.delivered()
})

describe('a record that is too large by itself', () => {
  for (const encoding of ['raw', 'json'] as const) {
    for (const tooLarge of ['cut', 'drop'] as const) {
      test(`is logged with file and offset, and its neighbours arrive once; ${tooLarge}, ${encoding}`, async (t) => {
        const scene = await openScene(t, kafka, { encoding, configs, args: ['--record-too-large', tooLarge] })
        const writer = scene.writer('a.log')
        const large = Buffer.from(`${'日本語ログ "\\'.repeat(3000)}\n`)
        const offsets: number[] = []
        const agent = scene.start()
        for (let n = 0; n < 5; n++) {
          writer.write(200)
          offsets.push(sizeOf(writer.path))
          writer.raw(large)
        }
        writer.write(200)
        const kept = tooLarge === 'cut' ? 5 : 0
        await scene.arrived(writer.next + kept)
        // later lines are still shipped
        writer.write(200)
        await scene.arrived(writer.next + kept)
        await scene.stop(agent)
        const said = lastWords(agent)
        const records = await scene.records()
        const isLarge = (record: KafkaRecord): boolean => originOf(record)?.bytes === large.length
        const lineOf = encoding === 'raw' ? rawLine : messageOf
        const others = records.filter((record) => !isLarge(record))
        const expected = encoding === 'raw' ? undefined : lossyLine
        const sum = account(others, new Map([['a', writer.next]]), lineOf, expected)
        assert.deepEqual(sum, { ...sum, missing: [], changed: [], repeated: 0, disordered: 0 })
        assert.deepEqual(disorder(records), [])
        const logged = agent.log.filter(({ msg }) => msg === 'record too large for the broker')
        for (const [n, offset] of offsets.entries()) {
          const lines = logged.filter((line) => line['file'] === writer.path && line['offset'] === offset)
          assert.ok(lines.length > 0, `record ${n} at ${offset} is logged`)
        }
        if (tooLarge === 'cut') {
          assert.deepEqual(abutting(records), [])
          for (const record of records.filter(isLarge)) {
            const line = lineOf(record).toString()
            assert.ok(large.toString().startsWith(line) && line.length > 1000, 'the beginning of the line')
          }
          const lengths = records.filter(isLarge).map((record) => lineOf(record).length)
          assert.equal(
            said['cutBytes'],
            lengths.reduce((cut, length) => cut + large.length - 1 - length, 0),
          )
        } else assert.equal(abutting(records).length, 5, 'a gap for each, and no other')
        assert.deepEqual([said['tooLargeRecords'], said['truncatedLines'], said['settledLines']], [5, kept, 5 - kept])
      })
    }
  }
})

function isBatch(report: unknown): report is { bytes: number } {
  return typeof report === 'object' && report !== null && 'bytes' in report
}

function sizeOf(path: string): number {
  return statSync(path).size
}

test('cuts a line of the maximum length, of characters that JSON escapes, so that it fits', async (t) => {
  const scene = await openScene(t, kafka, { encoding: 'json', args: ['--max-line-bytes', '1MiB'] })
  writeFileSync(scene.path('a.log'), Buffer.concat([Buffer.alloc(1024 * 1024, 1), Buffer.from('\nnext\n')]))
  const agent = scene.start()
  await scene.arrived(2)
  await scene.stop(agent)
  const records = await scene.records()
  assert.deepEqual(abutting(records), [])
  assert.deepEqual(JSON.parse(records[0]?.value?.toString() ?? '').log.flags, ['truncated'])
})

describe('a record that is too large for any batch', () => {
  for (const encoding of ['raw', 'json'] as const) {
    for (const tooLarge of ['cut', 'drop'] as const) {
      test(`is counted, and logged with file and offset; ${tooLarge}, ${encoding}`, async (t) => {
        const args = ['--record-too-large', tooLarge, '--batch-max-bytes', '64KiB']
        const scene = await openScene(t, kafka, { encoding, args })
        const large = 'x'.repeat(200_000)
        const path = scene.path('a.log')
        writeFileSync(path, `first\n${large}\nlast\n`)
        const agent = scene.start()
        await scene.arrived(tooLarge === 'cut' ? 3 : 2)
        await scene.stop(agent)
        const records = await scene.records()
        const lines = records.map((record) => (encoding === 'raw' ? rawLine(record) : messageOf(record)).toString())
        const said = lastWords(agent)
        if (tooLarge === 'cut') {
          const [first, middle = '', last] = lines
          assert.deepEqual([first, last], ['first', 'last'])
          assert.ok(middle.length > 64_000 && large.startsWith(middle), `${middle.length} bytes of it`)
          assert.deepEqual([said['truncatedLines'], said['cutBytes']], [1, large.length + 1 - middle.length])
        } else {
          assert.deepEqual(lines, ['first', 'last'])
          assert.deepEqual([said['truncatedLines'], said['cutBytes'], said['settledLines']], [0, 0, 1])
        }
        assert.equal(said['tooLargeRecords'], 1)
        assert.deepEqual(abutting(records), [], 'the next record counts the skipped bytes')
        const message = tooLarge === 'cut' ? 'record too large for a batch: cut' : 'record dropped'
        const logged = agent.log.filter(({ msg }) => msg === message)
        assert.deepEqual(
          logged.map(({ file, offset, level }) => ({ file, offset, level })),
          [{ file: path, offset: 6, level: 'error' }],
        )
      })
    }
  }
})
