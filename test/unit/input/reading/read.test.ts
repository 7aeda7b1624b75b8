import assert from 'node:assert/strict'
import { appendFileSync, readSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { guardOf } from '../../../../src/guard.ts'
import type { LogFile } from '../../../../src/input/files/log-file.ts'
import { FILE_TURN_BYTES } from '../../../../src/input/reading/read.ts'
import { MAX_LINE, type OpenSettings, type Piece, ReadingDesk, openFile, testMemory } from '../../../support/reading.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'

const KIB = 1024
const desk = new ReadingDesk()

/** A log with this content, and its open generation. */
async function log(t: TestContext, content: string | Buffer, settings: OpenSettings = {}) {
  const path = join(freshDirectory(t), 'app.log')
  writeFileSync(path, content)
  const file = await openFile(t, path, settings)
  return {
    path,
    file,
    append: (more: string | Buffer) => appendFileSync(path, more),
    replace: (other: string | Buffer) => writeFileSync(path, other),
  }
}

const NOISE = Buffer.alloc(3_000_000)
for (let at = 0, state = 1; at < NOISE.length; at++) {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  NOISE[at] = 33 + (state >>> 26)
}

/** `n` bytes without a newline, in which no two stretches of 64 are equal. */
function noise(n: number): Buffer {
  return Buffer.from(NOISE.subarray(0, n))
}

function ranges(pieces: Piece[] | 'changed'): unknown {
  return pieces === 'changed' ? pieces : pieces.map(({ start, end }) => [start, end])
}

/** Every byte once, in order, from `start` on. */
function assertWhole(pieces: Piece[] | 'changed', content: Buffer, start = 0): void {
  assert.ok(pieces !== 'changed')
  let at = start
  for (const piece of pieces) {
    assert.equal(piece.start, at)
    const bytes = content.subarray(piece.start, piece.end)
    assert.ok(bytes.subarray(0, piece.bytes.length).equals(piece.bytes), `bytes at ${piece.start}`)
    assert.equal(piece.guard, guardOf(content.subarray(Math.max(0, piece.end - 64), piece.end)), `guard ${piece.end}`)
    at = piece.end
  }
  assert.equal(at, content.length)
}

void test('hands on whole lines, and the rest when its newline has come', async (t) => {
  const { file, append } = await log(t, 'one\ntwo\nthr')
  assert.equal(await desk.text(file), 'one\ntwo\n')
  assert.equal(await desk.text(file), '')
  append('ee\nfour')
  assert.equal(await desk.text(file), 'three\n')
  append('\n')
  assert.equal(await desk.text(file), 'four\n')
  assert.equal(file.next, 19)
})

void test('keeps empty lines, carriage returns and any other byte', async (t) => {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const content = Buffer.concat([Buffer.from('\n\r\n\n'), every, every, Buffer.from('\n')])
  const { file } = await log(t, content)
  assertWhole(await desk.toEnd(file), content)
})

void test('reads a file of one byte, and one of none', async (t) => {
  const one = await log(t, '\n')
  assert.deepEqual(ranges(await desk.toEnd(one.file)), [[0, 1]])
  const none = await log(t, '')
  assert.deepEqual(ranges(await desk.toEnd(none.file)), [])
  none.append('a')
  assert.deepEqual(ranges(await desk.toEnd(none.file)), [])
  assert.deepEqual(ranges(await desk.toEnd(none.file, { final: true })), [[0, 1]])
})

void test('completes half lines of every length around the one from which on their newline is scanned for', async (t) => {
  for (const length of [
    1,
    63,
    64,
    65,
    16_383,
    16_384,
    16_385,
    40_000,
    FILE_TURN_BYTES - 1,
    FILE_TURN_BYTES,
    FILE_TURN_BYTES + 1,
  ]) {
    const half = noise(length)
    const { file, append } = await log(t, Buffer.concat([Buffer.from('begin\n'), half]))
    assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 6]], `${length}`)
    append('x')
    assert.deepEqual(ranges(await desk.toEnd(file)), [], `${length}`)
    append('y\nnext\n')
    const rest = Buffer.concat([Buffer.from('begin\n'), half, Buffer.from('xy\nnext\n')])
    assertWhole(await desk.toEnd(file), rest, 6)
  }
})

void test('completes a half line that grows by one byte at a time over the border', async (t) => {
  const start = noise(16_380)
  const { file, append } = await log(t, start)
  assert.deepEqual(ranges(await desk.toEnd(file)), [])
  for (let i = 0; i < 8; i++) {
    append(String(i))
    assert.deepEqual(ranges(await desk.toEnd(file)), [])
  }
  append('\n\n')
  assertWhole(await desk.toEnd(file), Buffer.concat([start, Buffer.from('01234567\n\n')]))
})

void test('does not read a long line over and over while it arrives in pieces', async (t) => {
  const volume = countedVolume()
  const { file, append } = await log(t, 'first\n', { volume })
  const whole: Buffer[] = [Buffer.from('first\n')]
  await desk.toEnd(file)
  for (let piece = 0; piece < 200; piece++) {
    const bytes = noise(1000 + piece)
    whole.push(bytes)
    append(bytes)
    assert.deepEqual(ranges(await desk.toEnd(file)), [])
  }
  append('\n')
  whole.push(Buffer.from('\n'))
  const content = Buffer.concat(whole)
  assertWhole(await desk.toEnd(file), content, 6)
  // 16 KiB are read again each time while it is short, then each byte once; and all once more when it is whole
  const short = (16 * KIB * 16) / 2
  assert.ok(volume.bytesRead < short + 3 * content.length, `${volume.bytesRead} bytes read of ${content.length}`)
})

void test('does not read a short half line again while nothing is new', async (t) => {
  const volume = countedVolume()
  const { file } = await log(t, `line\n${'x'.repeat(30_000)}`, { volume })
  await desk.toEnd(file)
  volume.bytesRead = 0
  for (let look = 0; look < 100; look++) assert.deepEqual(ranges(await desk.toEnd(file)), [])
  assert.ok(volume.bytesRead <= 100 * 64, `${volume.bytesRead}`)
})

void test('hands on lines of the longest length, and one byte more or less, each as one', async (t) => {
  for (const length of [MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, MAX_LINE + 64 * KIB - 1, MAX_LINE + 64 * KIB]) {
    const line = noise(length)
    const content = Buffer.concat([Buffer.from('before\n'), line, Buffer.from('\nafter\n')])
    const { file } = await log(t, content)
    const pieces = await desk.toEnd(file)
    assertWhole(pieces, content)
    assert.equal(pieces.length, 3, `${length}`)
  }
})

void test('hands on the beginning of a line of 3 MB, and goes on behind its end', async (t) => {
  const line = noise(3_000_000)
  const content = Buffer.concat([Buffer.from('before\n'), line, Buffer.from('\nafter\n')])
  const { file } = await log(t, content)
  const pieces = await desk.toEnd(file)
  assertWhole(pieces, content)
  assert.deepEqual(ranges(pieces), [
    [0, 7],
    [7, 3_000_008],
    [3_000_008, 3_000_014],
  ])
  assert.ok(pieces !== 'changed' && (pieces[1]?.bytes.length ?? 0) >= MAX_LINE, 'enough to be cut')
})

void test('goes on behind a line of 3 MB that arrived in pieces', async (t) => {
  const volume = countedVolume()
  const { file, append } = await log(t, '', { volume })
  const line = noise(3_000_000)
  for (let at = 0; at < line.length; at += 100_000) {
    append(line.subarray(at, at + 100_000))
    assert.deepEqual(ranges(await desk.toEnd(file)), [])
  }
  append('\nafter\n')
  const content = Buffer.concat([line, Buffer.from('\nafter\n')])
  assertWhole(await desk.toEnd(file), content)
  assert.ok(volume.bytesRead < 1.3 * content.length, `${volume.bytesRead} bytes read of ${content.length}`)
})

void test('gives up looking for the end of a line after a gibibyte', async (t) => {
  // zeros without an end, faster than any disk
  const endless = countedVolume({
    read(_descriptor, { bytes, at, length }) {
      bytes.fill(0, at, at + length)
      return length
    },
  })
  const { file } = await log(t, 'x', { volume: endless })
  let reads = 0
  let result = await desk.reader.read(file, false)
  for (; result.kind === 'scanning'; reads++) result = await desk.reader.read(file, false)
  assert.ok(result.kind === 'chunk')
  assert.equal(result.chunk.lineEnd, 1024 ** 3)
  assert.equal(reads, 1024 ** 3 / FILE_TURN_BYTES - 1)
  desk.reader.advance(file, 1024 ** 3)
  assert.equal(file.next, 1024 ** 3)
})

void test('counts a last line without a newline only when nobody will end it', async (t) => {
  const { file } = await log(t, 'one\nlast')
  assert.equal(await desk.text(file), 'one\n')
  assert.equal(await desk.text(file), '')
  const pieces = await desk.toEnd(file, { final: true })
  assertWhole(pieces, Buffer.from('one\nlast'), 4)
  assert.deepEqual(ranges(await desk.toEnd(file, { final: true })), [])
})

void test('hands on a last line of any length as one', async (t) => {
  const lengths = [1, 16 * KIB, 16 * KIB + 1, MAX_LINE - 1, MAX_LINE, MAX_LINE + 1, 300_000, 330_000, 3_000_000]
  for (const length of lengths) {
    const content = Buffer.concat([Buffer.from('one\n'), noise(length)])
    for (const before of ['read before', 'new'] as const) {
      const { file } = await log(t, content)
      if (before === 'read before') assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 4]])
      const pieces = await desk.toEnd(file, { final: true })
      assertWhole(pieces, content, before === 'new' ? 0 : 4)
      assert.equal(pieces.length, before === 'new' ? 2 : 1, `${length} ${before}`)
    }
  }
})

void test('hands on a last line longer than one read as one where lines may be that long', async (t) => {
  const wide = new ReadingDesk(testMemory(1024 * KIB))
  const content = noise(700_000)
  const { file } = await log(t, content, { rules: { maxLineBytes: 1024 * KIB } })
  const pieces = await wide.toEnd(file, { final: true })
  assert.deepEqual(ranges(pieces), [[0, 700_000]])
  assert.ok(pieces !== 'changed' && pieces[0]?.bytes.equals(content))
})

void test('reads no further than the limit', async (t) => {
  const { file } = await log(t, 'one\ntwo\nthree\n')
  file.cursor.stopAt(6)
  assert.equal(await desk.text(file), 'one\n')
  assert.deepEqual(ranges(await desk.toEnd(file, { final: true })), [[4, 6]])
  file.cursor.stopAt(0)
  assert.deepEqual(ranges(await desk.toEnd(file, { final: true })), [])
})

void test('knows the true end of a long last line that is read up to the limit', async (t) => {
  const content = noise(500_000)
  for (const final of [true, false]) {
    const { file } = await log(t, content)
    file.cursor.stopAt(400_000)
    const other = await log(t, noise(20_000).reverse())
    // the turns of other files come between, and leave their bytes in the memory that both are read to
    for (let turns = 0; turns < 5; turns++) {
      const result = await desk.reader.read(file, final)
      await desk.toEnd(other.file)
      other.file.cursor.halfLineEnd = 0
      other.file.cursor.scan = null
      if (result.kind === 'chunk') {
        assert.equal(result.chunk.lineEnd, 400_000)
        assert.equal(result.chunk.guardAt(400_000), guardOf(content.subarray(0, 400_000)))
        desk.reader.advance(file, 400_000)
      }
    }
    assert.equal(file.next, final ? 400_000 : 0)
    if (!final) assert.equal(file.cursor.scan?.guard, guardOf(content.subarray(0, 400_000)))
  }
})

void test('reads bytes again that were not taken, and skips nothing', async (t) => {
  const lines = Array.from({ length: 200 }, (_, n) => `line ${n} ${'x'.repeat(n % 50)}\n`)
  const content = Buffer.from(lines.join(''))
  for (const most of [1, 7, 199]) {
    const { file } = await log(t, content)
    const pieces = await desk.toEnd(file, { most })
    assertWhole(pieces, content)
    assert.equal(pieces.length, 200)
  }
})

void test('reads a long line again that was not taken', async (t) => {
  const content = Buffer.concat([noise(1_000_000), Buffer.from('\nafter\n')])
  const { file } = await log(t, content)
  let seen = 0
  for (let turns = 0; turns < 20 && seen < 3; turns++) {
    const result = await desk.reader.read(file, false)
    if (result.kind !== 'chunk') continue
    seen++
    assert.deepEqual([result.chunk.offset, result.chunk.lineEnd], [0, 1_000_001])
    desk.reader.advance(file, 0)
  }
  assert.equal(seen, 3)
  assertWhole(await desk.toEnd(file), content)
})

void test('finds that the file is another one when the bytes before its place have changed', async (t) => {
  const content = noise(1000)
  content[999] = 10
  for (const at of [999, 950, 936]) {
    const { file, replace } = await log(t, content)
    assertWhole(await desk.toEnd(file), content)
    const other = Buffer.concat([content, Buffer.from('more\n')])
    other[at] = (other[at] ?? 0) ^ 1
    replace(other)
    assert.equal(await desk.toEnd(file), 'changed', `byte ${at}`)
  }
})

void test('finds that the file was cut, wherever', async (t) => {
  const content = noise(1000)
  content[899] = 10
  for (const size of [0, 1, 835, 836, 837, 899, 900, 901, 999]) {
    const { file, path } = await log(t, content)
    assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 900]])
    truncateSync(path, size)
    assert.equal(await desk.toEnd(file), 'changed', `${size}`)
  }
})

void test('finds that the file was cut before any line had ended', async (t) => {
  const { file, path } = await log(t, 'half a line')
  assert.deepEqual(ranges(await desk.toEnd(file)), [])
  truncateSync(path, 4)
  assert.equal(await desk.toEnd(file), 'changed')
})

void test('finds that the file was cut or written anew while the end of a long line is sought', async (t) => {
  const content = noise(100_000)
  for (const size of [0, 50_000, 99_936, 99_999]) {
    const { file, path } = await log(t, content)
    assert.deepEqual(ranges(await desk.toEnd(file)), [])
    truncateSync(path, size)
    // one byte less than was searched leaves the guard of the search short
    assert.equal(await desk.toEnd(file), 'changed', `${size}`)
  }
  const { file, replace } = await log(t, content)
  assert.deepEqual(ranges(await desk.toEnd(file)), [])
  replace(Buffer.concat([noise(100_100).reverse(), Buffer.from('\n')]))
  assert.equal(await desk.toEnd(file), 'changed')
})

void test('finds a long line whose beginning was written anew, when its end comes', async (t) => {
  for (const length of [100_000, 1_000_000]) {
    const first = noise(64)
    first[63] = 10
    const content = Buffer.concat([first, noise(length)])
    const { file, replace } = await log(t, content)
    assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 64]])
    const other = Buffer.concat([content, Buffer.from('\n')])
    other[10] = (other[10] ?? 0) ^ 1
    replace(other)
    assert.equal(await desk.toEnd(file), 'changed', `${length}`)
  }
})

void test('begins where the state says, if the bytes before are the ones that the state knows', async (t) => {
  const content = noise(1000)
  content[499] = 10
  content[999] = 10
  const start = { offset: 500, skipped: 0, guard: guardOf(content.subarray(0, 500)) }
  const same = await log(t, content, { start })
  assertWhole(await desk.toEnd(same.file), content, 500)
  const other = Buffer.from(content)
  other[450] = (other[450] ?? 0) ^ 1
  assert.equal(await desk.toEnd((await log(t, other, { start })).file), 'changed')
  const short = { ...start, offset: 3, guard: guardOf(content.subarray(0, 3)) }
  assertWhole(await desk.toEnd((await log(t, content, { start: short })).file), content, 3)
})

void test('goes back to the stored offset, and reads on from there', async (t) => {
  const content = noise(700_000)
  for (const at of [99, 100_099, 699_999]) content[at] = 10
  const { file } = await log(t, content)
  const first = await desk.toEnd(file)
  assertWhole(first, content)
  assert.ok(first !== 'changed')
  file.rewind()
  assertWhole(await desk.toEnd(file), content)
  const stored = first[0]
  assert.ok(stored)
  file.watermark.acknowledge({ start: 0, end: stored.end }, 'stored', stored.guard)
  file.rewind()
  assertWhole(await desk.toEnd(file), content, stored.end)
})

void test('knows the bytes before a quiet file again', async (t) => {
  const content = noise(100)
  content[99] = 10
  for (const length of [0, 1000, 100_000, 3_000_000]) {
    const rest = Buffer.concat([noise(length), Buffer.from('\n')])
    const quiet = async () => {
      const made = await log(t, content)
      const [read] = await desk.toEnd(made.file)
      assert.ok(read !== undefined && typeof read !== 'string')
      made.file.watermark.acknowledge({ start: 0, end: 100 }, 'stored', read.guard)
      assert.equal(made.file.toStored().guard, guardOf(content))
      return made
    }
    const same = await quiet()
    for (const half of [rest.subarray(0, length / 2), rest.subarray(length / 2, length)]) {
      same.append(half)
      assert.deepEqual(await desk.toEnd(same.file), [])
      same.file.toStored()
    }
    same.append('\n')
    assertWhole(await desk.toEnd(same.file), Buffer.concat([content, rest]), 100)
    const other = await quiet()
    const changed = Buffer.concat([content, rest])
    changed[50] = (changed[50] ?? 0) ^ 1
    other.replace(changed)
    assert.equal(await desk.toEnd(other.file), 'changed', `${length}`)
  }
})

// -- mounts that take their time -----------------------------------------------------------------------------------

async function remoteLog(t: TestContext, content: Buffer) {
  const mount = new RemoteMount('7')
  return { mount, ...(await log(t, content, { volume: mount })) }
}

void test('reads the same from a mount that takes its time', async (t) => {
  const content = Buffer.concat([Buffer.from('a\nb\n'), noise(3_000_000), Buffer.from('\nc\n'), noise(50_000)])
  const { file, append } = await remoteLog(t, content)
  const length = content.length - 50_000
  const first = await desk.toEnd(file)
  assertWhole(first, content.subarray(0, length))
  append('\nd')
  const whole = Buffer.concat([content, Buffer.from('\nd')])
  assertWhole(await desk.toEnd(file, { final: true }), whole, length)
  assert.ok(file.volume.remote)
})

/** A read that is under way while something happens to the file. */
async function meanwhile(file: LogFile, mount: RemoteMount, what: () => void, final = false): Promise<string> {
  mount.hang()
  const reading = desk.reader.read(file, final)
  assert.ok(reading instanceof Promise)
  what()
  mount.answer()
  const result = await reading
  if (result.kind === 'chunk') {
    const { chunk } = result
    const bytes = Buffer.alloc(chunk.length)
    readSync(file.descriptor, bytes, 0, chunk.length, chunk.offset)
    assert.ok(bytes.equals(desk.memory.view(chunk.pointer, chunk.length)), 'the bytes are those of the offset')
  }
  return result.kind
}

void test('does not take the bytes of a read before a rewind for the first bytes', async (t) => {
  const content = Buffer.from(Array.from({ length: 2000 }, (_, n) => `line ${n}\n`).join(''))
  const { file, mount, append } = await remoteLog(t, content)
  assertWhole(await desk.toEnd(file), content)
  append('more\n')
  assert.equal(await meanwhile(file, mount, () => file.rewind()), 'scanning')
  const whole = Buffer.concat([content, Buffer.from('more\n')])
  assertWhole(await desk.toEnd(file), whole)
})

void test('reads nothing more of a file that was closed while a line was sought', async (t) => {
  const content = Buffer.concat([Buffer.from('begin\n'), noise(100_000)])
  const { file, mount, append } = await remoteLog(t, content)
  assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 6]])
  append('\n')
  const { descriptor } = file
  const closed = await meanwhile(file, mount, () => (file.descriptor = -1))
  file.descriptor = descriptor
  assert.equal(closed, 'scanning')
  assert.deepEqual(ranges(await desk.toEnd(file)), [[6, 100_007]])
})

void test('does not take a file for another one because it went back while a line was sought', async (t) => {
  const content = Buffer.concat([Buffer.from('begin\n'), noise(1_000_000)])
  const { file, mount, append } = await remoteLog(t, content)
  assert.deepEqual(ranges(await desk.toEnd(file)), [[0, 6]])
  append('x')
  assert.equal(await meanwhile(file, mount, () => file.rewind()), 'scanning')
  append('y\n')
  assert.deepEqual(ranges(await desk.toEnd(file)), [
    [0, 6],
    [6, 1_000_009],
  ])
})
