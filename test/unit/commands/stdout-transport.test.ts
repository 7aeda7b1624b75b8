import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { suite, test } from 'node:test'
import { textOrBase64 } from '../../../src/commands/text-or-base64.ts'
import { StdoutTransport } from '../../../src/commands/stdout-transport.ts'
import { encodeRecord } from '../../../src/encode/records.ts'
import type { ProduceItem } from '../../../src/output/transport.ts'
import { collectOutput } from '../../support/capture.ts'
import { until } from '../../support/wait.ts'

const HEADER_BYTES = 61

/** A batch with these values. */
function item(values: readonly (Buffer | null)[], partition = 0): ProduceItem {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeBigInt64BE(1_700_000_000_000n, 27)
  const records = values.map((value, n) =>
    encodeRecord({
      timestampDelta: n,
      offsetDelta: n,
      key: n === 0 ? null : Buffer.from('key'),
      value,
      headers: [{ name: 'log.offset', value: Buffer.from(String(n)) }],
    }),
  )
  const parts = [header, Buffer.concat(records)]
  return { topic: 'logs', partition, parts }
}

suite('the output that only shows', () => {
  test('prints each record as a line of JSON, and reports it as stored', async () => {
    const out = collectOutput()
    const transport = new StdoutTransport(out.stream)
    const answers = await transport.produce(0, [
      item([Buffer.from('größe'), Buffer.of(0xff, 0xfe), null]),
      item([Buffer.from('two\n')], 3),
    ])
    const answered = { kind: 'response', code: 0, message: null, baseOffset: -1 }
    assert.deepEqual(answers, [answered, answered])
    const lines = out.text().split('\n')
    assert.equal(lines.pop(), '')
    const base = { topic: 'logs', partition: 0, headers: { 'log.offset': '0' }, key: null }
    assert.deepEqual(
      lines.map((line): unknown => JSON.parse(line)),
      [
        { ...base, timestamp: 1_700_000_000_000, value: 'größe' },
        {
          ...base,
          timestamp: 1_700_000_000_001,
          key: 'key',
          headers: { 'log.offset': '1' },
          value: { base64: '//4=' },
        },
        { ...base, timestamp: 1_700_000_000_002, key: 'key', headers: { 'log.offset': '2' }, value: null },
        { ...base, partition: 3, timestamp: 1_700_000_000_000, value: 'two\n' },
      ],
    )
  })

  test('has every topic, with one partition, always ready', async () => {
    const transport = new StdoutTransport(collectOutput().stream)
    transport.want()
    transport.refresh()
    assert.deepEqual(transport.view().leaders, [0])
    assert.ok(transport.ready())
    assert.deepEqual(await transport.producerId(), { id: 0, epoch: 0 })
  })

  test('keeps the order in which it was given records, however slow the reader', async () => {
    let text = ''
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString()
        setImmediate(done)
      },
    })
    const transport = new StdoutTransport(slow)
    const first = transport.produce(0, [item([Buffer.from('1')]), item([Buffer.from('2')])])
    const second = transport.produce(0, [item([Buffer.from('3')])])
    await Promise.all([first, second])
    const values = text.split('\n').slice(0, -1).map((line) => (JSON.parse(line) as { value: string }).value) // prettier-ignore
    assert.deepEqual(values, ['1', '2', '3'])
  })

  test('waits for a slow reader, and ends when it is closed while it waits', async () => {
    let taken = 0
    const stuck = new Writable({ highWaterMark: 1, write: () => void taken++ })
    const transport = new StdoutTransport(stuck)
    const sending = transport.produce(0, [item([Buffer.from('one')]), item([Buffer.from('two')])])
    await until(() => taken === 1, { what: 'the first' })
    await transport.close()
    const answers = await sending
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ['no-response', 'no-response'],
    )
  })
})

suite('bytes as JSON shows them', () => {
  test('are text if they are UTF-8, else base64', () => {
    assert.equal(textOrBase64(Buffer.from('naïve ✓ 🚀')), 'naïve ✓ 🚀')
    assert.equal(textOrBase64(Buffer.alloc(0)), '')
    assert.equal(textOrBase64('as it is'), 'as it is')
    assert.deepEqual(textOrBase64(Buffer.of(0xc3, 0x28)), { base64: 'wyg=' })
    assert.equal(textOrBase64(null), null)
    assert.equal(textOrBase64(undefined), null)
  })

  test('are text also if the text has a replacement character of its own', () => {
    assert.equal(textOrBase64(Buffer.from('a\ufffdb')), 'a\ufffdb')
    assert.deepEqual(textOrBase64(Buffer.concat([Buffer.from('\ufffd'), Buffer.of(0xff)])), { base64: '77+9/w==' })
  })

  test('are those of a view, not of what it is a view of', () => {
    assert.equal(textOrBase64(new Uint8Array(Buffer.from('xhellox')).subarray(1, 6)), 'hello')
  })
})
