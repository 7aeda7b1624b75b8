import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Chunk } from '../../../src/flow.ts'
import { Entries } from '../../../src/frame/entries.ts'
import { type LineRules, frameLines, frameOne } from '../../../src/frame/lines.ts'
import { ALL_COLUMNS, WatchedMemory } from '../../support/watched-memory.ts'

const watched = new WatchedMemory(16 * 1024)
const { memory } = watched
const entries = new Entries(memory)

const KEEP: LineRules = { emptyLines: 'keep', maxLineBytes: 1024, longLines: 'cut' }
const READ_AT = 1_795_348_800_123.5

/** A chunk of the file in the memory's chunk, behind bytes that are not its own. */
function chunkOf(bytes: Uint8Array, offset = 0, lineEnd: number | null = null): Chunk {
  watched.flood({ from: memory.chunk.pointer, to: memory.chunk.pointer + memory.chunk.length }, 10)
  watched.flood(ALL_COLUMNS, 1)
  const pointer = memory.chunk.pointer + 5
  memory.bytes.set(bytes, pointer)
  const file = { id: '0', inputId: 'i', path: '/a' }
  return { file, pointer, length: bytes.length, offset, readAt: READ_AT, lineEnd, guardAt: () => 0 }
}

interface Line {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly truncated: boolean
  readonly verdict: string
}

function framed(): Line[] {
  return watched
    .getEntries(entries.count)
    .map(({ text, ranges, truncated, verdict, timestampNs, stream, route }, i) => {
      assert.deepEqual([stream, route], ['none', 0])
      assert.equal(timestampNs, 1_795_348_800_123_500_000n)
      assert.deepEqual([entries.startOf(i), entries.endOf(i)], [ranges[0]?.start, ranges[0]?.end])
      return {
        text: Buffer.from(text).toString('latin1'),
        start: entries.startOf(i),
        end: entries.endOf(i),
        truncated,
        verdict,
      }
    })
}

function linesOf(bytes: Uint8Array, offset: number, rules: LineRules): Line[] {
  frameLines(memory, chunkOf(bytes, offset), rules, entries)
  return framed()
}

/** `terminated` is the file offset behind the line's newline; the chunk need not have the whole line. */
function oneOf(text: string, rules: LineRules, end?: number): Line {
  const bytes = Buffer.from(text, 'latin1')
  frameOne(memory, chunkOf(bytes, 100), rules, { entries, end: end ?? 100 + bytes.length })
  assert.equal(entries.count, 1)
  const [line] = framed()
  assert.ok(line)
  return line
}

test('a file that is read in two chunks, split anywhere, gives the same lines as the whole', () => {
  const bytes = Buffer.from(`first\r\n\nthird\r\r\n\r\n${'x'.repeat(70)}\nÄ ö\n${'y'.repeat(64)}\r\nno end`)
  const whole = linesOf(bytes, 7, KEEP)
  assert.equal(
    whole.map(({ text }) => text).join('|'),
    Buffer.from(`first||third\r||${'x'.repeat(70)}|Ä ö|${'y'.repeat(64)}`).toString('latin1'),
  )
  for (let cut = 0; cut <= bytes.length; cut++) {
    const head = linesOf(bytes.subarray(0, cut), 7, KEEP)
    const next = head.at(-1)?.end ?? 7
    assert.deepEqual([...head, ...linesOf(bytes.subarray(next - 7), next, KEEP)], whole, `cut at ${cut}`)
  }
})

test('ranges of consecutive lines abut, beyond 4 GiB too', () => {
  const start = 2 ** 33 + 1
  const lines = linesOf(Buffer.from('a\n\nbc\r\n'), start, KEEP)
  assert.deepEqual(
    lines.map(({ start, end }) => [start, end]),
    [
      [start, start + 2],
      [start + 2, start + 3],
      [start + 3, start + 7],
    ],
  )
})

test('empty lines are kept or settled, also those with a carriage return', () => {
  const bytes = Buffer.from('\n\r\nx\n')
  assert.deepEqual(
    linesOf(bytes, 0, KEEP).map(({ verdict }) => verdict),
    ['ship', 'ship', 'ship'],
  )
  assert.deepEqual(
    linesOf(bytes, 0, { ...KEEP, emptyLines: 'drop' }).map(({ verdict }) => verdict),
    ['empty', 'empty', 'ship'],
  )
})

test('a line of the longest length is whole, and with one byte more it is cut or settled', () => {
  const bytes = Buffer.from(`${'a'.repeat(1024)}\r\n${'b'.repeat(1025)}\r\n`)
  const cut = linesOf(bytes, 0, KEEP)
  assert.deepEqual(
    cut.map(({ text, truncated }) => [text.length, truncated]),
    [
      [1024, false],
      [1024, true],
    ],
  )
  const dropped = linesOf(bytes, 0, { ...KEEP, longLines: 'drop' })
  assert.deepEqual(
    dropped.map(({ verdict, truncated }) => [verdict, truncated]),
    [
      ['ship', false],
      ['too-long', false],
    ],
  )
})

test('a long line is cut at the border of a character', () => {
  const bytes = Buffer.from(`${'a'.repeat(1022)}日本\n`)
  assert.equal(linesOf(bytes, 0, KEEP)[0]?.text.length, 1022)
  assert.equal(oneOf(bytes.toString('latin1'), KEEP).text.length, 1022)
})

test('a single line becomes the same entry as by framing', () => {
  const texts = [
    'x',
    'x\r',
    'two\rthree',
    '',
    '\r',
    'a'.repeat(1024),
    `${'a'.repeat(1024)}\r`,
    'a'.repeat(1025),
    'a'.repeat(1026),
    'b'.repeat(5000),
  ]
  for (const emptyLines of ['keep', 'drop'] as const) {
    for (const longLines of ['cut', 'drop'] as const) {
      const rules = { ...KEEP, emptyLines, longLines }
      for (const text of texts) {
        const [line] = linesOf(Buffer.from(`${text}\n`), 100, rules)
        assert.deepEqual(oneOf(`${text}\n`, rules), line)
      }
    }
  }
})

test('a last line without a newline keeps all its bytes, up to the longest length', () => {
  assert.deepEqual(oneOf('end', KEEP), { text: 'end', start: 100, end: 103, truncated: false, verdict: 'ship' })
  // a carriage return without a newline is text
  assert.equal(oneOf('end\r', KEEP).text, 'end\r')
  for (const [length, truncated] of [
    [1024, false],
    [1025, true],
    [1026, true],
    [1027, true],
  ] as const) {
    const line = oneOf('c'.repeat(length), KEEP)
    assert.deepEqual([line.text.length, line.truncated], [1024, truncated], `${length} bytes`)
  }
})

test('a line whose beginning alone is in the chunk stands for all its source bytes', () => {
  const line = oneOf('d'.repeat(2000), KEEP, 3_000_000_000)
  assert.deepEqual([line.text.length, line.start, line.end, line.truncated], [1024, 100, 3_000_000_000, true])
  assert.equal(oneOf('d'.repeat(2000), { ...KEEP, longLines: 'drop' }, 3_000_000_000).verdict, 'too-long')
})
