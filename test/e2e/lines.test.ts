/** Lines that are more than text and a newline: CRLF, empty, over-long, binary; and file names of any bytes. */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { sharedKafka } from '../support/kafka.ts'
import { messageOf, rawLine } from '../support/numbered-log.ts'
import { abutting, headerOf, originOf } from '../support/ranges.ts'
import { openScene, type SceneSettings } from '../support/scene.ts'
import type { KafkaRecord } from '../support/java-reader.ts'
import type { Ending } from '../support/temp.ts'

let kafka: Awaited<ReturnType<typeof sharedKafka>>
before(async () => {
  kafka = await sharedKafka()
})
after(() => kafka.close())

const KIB = 1024

/** Ships a file with this content and the line `end`, whose record counts the bytes that are settled before it. */
async function shipped(
  t: Ending,
  content: string | Buffer,
  { records, ...settings }: SceneSettings & { readonly records: number },
): Promise<KafkaRecord[]> {
  const scene = await openScene(t, kafka, settings)
  writeFileSync(scene.path('app.log'), Buffer.concat([Buffer.from(content), Buffer.from('end\n')]))
  const agent = scene.start()
  await scene.arrived(records)
  await scene.stop(agent)
  const got = await scene.records()
  assert.equal(got.length, records)
  assert.deepEqual(abutting(got), [])
  assert.equal(originOf(got.at(-1)!)?.offset, Buffer.from(content).length)
  return got
}

const texts = (records: readonly KafkaRecord[], encoding: 'raw' | 'json'): string[] =>
  records.map((record) => (encoding === 'raw' ? rawLine : messageOf)(record).toString())

for (const encoding of ['raw', 'json'] as const) {
  describe(`as ${encoding}`, () => {
    test('a carriage return is part of the line, except right before the newline', async (t) => {
      const records = await shipped(t, 'dos\r\n\r\na\rb\r\r\nunix\n', { encoding, records: 5 })
      assert.deepEqual(texts(records, encoding), ['dos', '', 'a\rb\r', 'unix', 'end'])
    })

    test('empty lines are records', async (t) => {
      const records = await shipped(t, '\n\none\n\n', { encoding, records: 5 })
      assert.deepEqual(texts(records, encoding), ['', '', 'one', '', 'end'])
    })

    test('dropped empty lines are counted in the next record', async (t) => {
      const args = ['--empty-lines', 'drop']
      const records = await shipped(t, '\n\r\none\n\n\n\ntwo\n\n', { encoding, records: 3, args })
      assert.deepEqual(texts(records, encoding), ['one', 'two', 'end'])
      assert.deepEqual(
        records.map((record) => originOf(record)?.skipped),
        [3, 3, 1],
      )
    })

    test('a line of the maximum length is shipped whole, and a longer one is cut and marked', async (t) => {
      const args = ['--max-line-bytes', '1024']
      const content = ['a'.repeat(KIB), `${'b'.repeat(KIB)}\r`, 'c'.repeat(KIB + 1), 'd'.repeat(50 * KIB)]
      const records = await shipped(t, `${content.join('\n')}\n`, { encoding, records: 5, args })
      const lengths = texts(records, encoding).map((text) => text.length)
      assert.deepEqual(lengths, [KIB, KIB, KIB, KIB, 3])
      assert.deepEqual(records.map(isMarkedTruncated), [false, false, true, true, false])
    })

    test('a line is cut between two characters', async (t) => {
      const args = ['--max-line-bytes', '1024']
      const content = [`a${'é'.repeat(600)}`, `ab${'日'.repeat(400)}`, `abc${'🚀'.repeat(300)}`]
      const records = await shipped(t, `${content.join('\n')}\n`, { encoding, records: 4, args })
      const expected = [`a${'é'.repeat(511)}`, `ab${'日'.repeat(340)}`, `abc${'🚀'.repeat(255)}`, 'end']
      assert.deepEqual(texts(records, encoding), expected)
    })

    test('dropped over-long lines are counted in the next record', async (t) => {
      const args = ['--max-line-bytes', '1024', '--long-lines', 'drop']
      const content = `one\n${'x'.repeat(KIB + 1)}\ntwo\n${'y'.repeat(700 * KIB)}\n${'z'.repeat(2000 * KIB)}\r\n`
      const records = await shipped(t, content, { encoding, records: 3, args })
      assert.deepEqual(texts(records, encoding), ['one', 'two', 'end'])
    })

    test('a line of 5 MB that comes slowly is one record, and lines of other files do not wait for it', async (t) => {
      const scene = await openScene(t, kafka, { encoding })
      const path = scene.path('app.log')
      writeFileSync(path, 'before\n')
      const agent = scene.start()
      await scene.arrived(1)
      const piece = Buffer.from('0123456789'.repeat(10_000))
      for (let n = 0; n < 50; n++) {
        writeFileSync(path, piece, { flag: 'a' })
        // lines of another file arrive meanwhile
        if (n % 10 === 0) {
          writeFileSync(scene.path('other.log'), `other ${n}\n`, { flag: 'a' })
          await scene.arrived(2 + n / 10)
        }
      }
      writeFileSync(path, '\nafter\n', { flag: 'a' })
      await scene.arrived(8)
      await scene.stop(agent)
      const records = await scene.records()
      assert.deepEqual(abutting(records), [])
      const lines = texts(records, encoding).filter((text) => !text.startsWith('other'))
      assert.deepEqual(
        lines.map((text) => text.length),
        ['before'.length, 256 * KIB, 'after'.length],
      )
      const long = records.find((record) => originOf(record)?.bytes === 5_000_001)
      assert.ok(long !== undefined && isMarkedTruncated(long))
    })

    test('a line of 5 MB that never ends is shipped once its file is rotated', async (t) => {
      const scene = await openScene(t, kafka, { encoding, args: ['--file-last-line-quiet-ms', '200'] })
      const path = scene.path('app.log')
      writeFileSync(path, `before\n${'0123456789'.repeat(500_000)}`)
      const agent = scene.start()
      await scene.arrived(1)
      renameSync(path, `${path}.1`)
      await scene.arrived(2)
      await scene.stop(agent)
      const records = await scene.records()
      assert.deepEqual(abutting(records), [])
      assert.equal(originOf(records[1]!)?.bytes, 5_000_000)
    })
  })
}

test('bytes that are not UTF-8 are shipped unchanged as raw, and as replacement characters as json', async (t) => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10))
  const lines = [
    every,
    Buffer.from([0xff, 0xfe, 0xfd]),
    Buffer.from([0xe6, 0x97]),
    Buffer.alloc(300),
    Buffer.from('"\\'),
  ]
  const content = Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]))
  const raw = await shipped(t, content, { encoding: 'raw', records: 6 })
  assert.deepEqual(
    raw.slice(0, -1).map(({ value }) => value),
    lines,
  )
  const json = await shipped(t, content, { encoding: 'json', records: 6 })
  assert.deepEqual(
    texts(json, 'json').slice(0, -1),
    lines.map((line) => line.toString()),
  )
})

test('files with any bytes in their names are read, watched, and known again after a restart', async (t) => {
  const scene = await openScene(t, kafka)
  const names = [
    Buffer.from([0xff, 0xfe, 0x61]),
    Buffer.from('new\nline'),
    Buffer.from('Grüße "\\'),
    Buffer.from('日本'),
  ]
  const paths = names.map((name) => Buffer.concat([Buffer.from(`${scene.directory}/`), name, Buffer.from('.log')]))
  for (const path of paths) writeFileSync(path, 'one\n')
  const first = scene.start()
  await scene.arrived(4)
  for (const path of paths) writeFileSync(path, 'two\n', { flag: 'a' })
  await scene.arrived(8)
  await scene.stop(first)
  for (const path of paths) writeFileSync(path, 'three\n', { flag: 'a' })
  const second = scene.start()
  await scene.arrived(12)
  await scene.stop(second)
  const records = await scene.records()
  assert.equal(records.length, 12)
  assert.deepEqual(abutting(records), [])
  const ids = new Set(records.map((record) => originOf(record)?.id))
  assert.equal(ids.size, 4)
  const seen = new Set(records.map((record) => headerOf(record, 'log.file.path')))
  assert.deepEqual(seen, new Set(paths.map((path) => path.toString())))
})

function isMarkedTruncated(record: KafkaRecord): boolean {
  if (headerOf(record, 'log.flags') === 'truncated') return true
  const text = record.value?.toString() ?? ''
  return text.startsWith('{') && JSON.parse(text).log.flags?.[0] === 'truncated'
}
