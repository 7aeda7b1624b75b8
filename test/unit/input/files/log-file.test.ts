import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { type LogFile, asLogFile } from '../../../../src/input/files/log-file.ts'
import { type OpenSettings, openFile } from '../../../support/reading.ts'
import { freshDirectory } from '../../../support/temp.ts'

async function file(t: TestContext, content: string, settings: OpenSettings = {}): Promise<LogFile> {
  const path = join(freshDirectory(t), 'app.log')
  writeFileSync(path, content)
  return openFile(t, path, settings)
}

void test('a new one begins at its first byte, one that is known where it stood', async (t) => {
  const fresh = await file(t, 'hello')
  assert.deepEqual([fresh.next, fresh.guard, fresh.skipped], [0, 0, 0])
  const known = await file(t, 'hello', { start: { offset: 3, skipped: 2, guard: 33 } })
  assert.deepEqual([known.next, known.guard, known.skipped], [3, 33, 2])
})

void test('lag is the bytes that are not stored, in flight or not; unacknowledged is those in flight', async (t) => {
  const log = await file(t, 'x'.repeat(100))
  log.cursor.next = 60
  log.watermark.acknowledge({ start: 0, end: 25 }, 'stored', 1)
  assert.deepEqual([log.lag, log.unacknowledged], [75, 35])
  log.watermark.acknowledge({ start: 40, end: 60 }, 'stored', 1)
  assert.deepEqual([log.lag, log.unacknowledged], [75, 35], 'what is stored behind a hole does not count')
  log.life.detach()
  assert.deepEqual([log.lag, log.unacknowledged], [75, 35], 'what was not read before the cut may be in a copy')
  log.seenSize.set(log.next)
  assert.deepEqual([log.lag, log.unacknowledged], [35, 35], 'it is not there any more')
  log.life.beLive()
  log.note({ key: log.key, size: 10, mtimeMs: 1, bornMs: 0, links: 1, kind: 'file' })
  assert.equal(log.lag, 0)
})

void test('goes back to the first byte that is not stored', async (t) => {
  const log = await file(t, 'x'.repeat(100), { start: { offset: 10, skipped: 4, guard: 10 } })
  log.cursor.next = 60
  log.skipped = 0
  log.cursor.halfLineEnd = 70
  log.cursor.scan = { at: 70, guard: 70 }
  log.cursor.guard = 60
  log.rewind()
  assert.deepEqual([log.next, log.skipped, log.cursor.halfLineEnd, log.cursor.scan, log.guard], [10, 4, 0, null, 10])
  log.watermark.acknowledge({ start: 10, end: 50 }, 'stored', 50)
  log.cursor.next = 60
  log.rewind()
  assert.deepEqual([log.next, log.skipped, log.guard], [50, 0, 50])
  const fresh = await file(t, 'x')
  fresh.cursor.next = 1
  fresh.rewind()
  assert.deepEqual([fresh.next, fresh.guard], [0, 0])
})

void test('its entry has all that is needed to know it again', async (t) => {
  const log = await file(t, 'hello\n', { id: 'b'.repeat(24), rules: { id: 'web' } })
  log.knowBy({ length: 6, hash: 'f' })
  log.partition = 4
  log.watermark.acknowledge({ start: 0, end: 6 }, 'settled', 6)
  const [device, inode] = log.key.split(':')
  assert.deepEqual(log.toStored(), {
    id: 'b'.repeat(24),
    inputId: 'web',
    path: log.path,
    place: log.path,
    device,
    inode,
    fingerprint: { length: 6, hash: 'f' },
    position: { offset: 6, open: [], skipped: 6 },
    guard: 6,
    size: 6,
    mtimeMs: log.mtimeMs,
    bornMs: log.bornMs,
    partition: 4,
    finished: false,
  })
  log.location.name = 'app.log.1'
  assert.equal(log.toStored().place, `${log.path}.1`)
  assert.equal(log.toStored().path, log.path)
})

void test('only an object that the input made is a file of the input', async (t) => {
  const log = await file(t, '')
  assert.equal(asLogFile(log), log)
  assert.throws(() => asLogFile({ id: 'x', inputId: 'y', path: '/z' }), TypeError)
})
