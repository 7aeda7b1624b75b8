import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFileSync, closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { NO_GUARD, guardOf } from '../../../../src/guard.ts'
import {
  bondOf,
  bytesAt,
  fingerprintOf,
  guardHolds,
  hash,
  isSame,
  inodeKeyOf,
  newId,
} from '../../../../src/input/files/identity.ts'
import type { StoredGeneration } from '../../../../src/input/state/stored-generation.ts'
import { localVolume } from '../../../../src/input/volume/volume.ts'
import { entry } from '../../../support/state.ts'
import { freshDirectory } from '../../../support/temp.ts'

function open(t: TestContext, content: string | Buffer) {
  const path = join(freshDirectory(t), 'app.log')
  writeFileSync(path, content)
  const descriptor = openSync(path, 'r')
  t.after(() => closeSync(descriptor))
  return { path, descriptor }
}

/** What the state would keep of a file with these first bytes, read up to `offset`. */
function storedOf(content: Buffer, offset: number, change: Partial<StoredGeneration> = {}): StoredGeneration {
  const head = content.subarray(0, 1024)
  return entry('one', {
    device: '1',
    inode: '1',
    fingerprint: { length: head.length, hash: head.length > 0 ? hash(head) : '' },
    position: { offset, open: [], skipped: 0 },
    guard: guardOf(content.subarray(0, offset)),
    size: content.length,
    ...change,
  })
}

async function same(
  t: TestContext,
  content: Buffer,
  stored: StoredGeneration,
  { path = stored.place, bornMs = 0 } = {},
): Promise<boolean> {
  const { descriptor } = open(t, content)
  const facts = { ...(await localVolume.factsOf(descriptor)), key: '1:2', bornMs }
  return isSame(localVolume, descriptor, { facts, path, stored })
}

void test('a fingerprint is of the first 1024 bytes, and grows with the file until then', async (t) => {
  const { path, descriptor } = open(t, '')
  const lengths: number[] = []
  const hashes = new Set<string>()
  for (const more of [0, 1, 500, 522, 1, 1, 5000]) {
    appendFileSync(path, 'x'.repeat(more))
    const fingerprint = await fingerprintOf(localVolume, descriptor)
    lengths.push(fingerprint.length)
    hashes.add(fingerprint.hash)
  }
  assert.deepEqual(lengths, [0, 1, 501, 1023, 1024, 1024, 1024])
  assert.equal(hashes.size, 5)
})

void test('a hash has 16 digits, and another one for every bit that differs', () => {
  const bytes = Buffer.alloc(64)
  const hashes = new Set([hash(bytes)])
  for (let bit = 0; bit < 512; bit++) {
    const other = Buffer.from(bytes)
    other[bit >> 3] = 1 << (bit & 7)
    hashes.add(hash(other))
  }
  assert.equal(hashes.size, 513)
  for (const one of hashes) assert.match(one, /^[\da-f]{16}$/)
})

void test('an id has 24 hexadecimal digits', () => {
  assert.equal(
    newId((bytes) => Buffer.alloc(bytes, 0xab)),
    'ab'.repeat(12),
  )
  assert.match(newId(randomBytes), /^[\da-f]{24}$/)
})

void test('brings fewer bytes where the file ends', async (t) => {
  const { descriptor } = open(t, 'hello')
  const at = async (position: number, length: number): Promise<string> =>
    (await bytesAt(localVolume, descriptor, { position, length })).toString()
  assert.deepEqual(await Promise.all([at(0, 5), at(1, 3), at(3, 10), at(5, 1), at(9, 9)]), [
    'hello',
    'ell',
    'lo',
    '',
    '',
  ])
})

void test('knows a file again at its path that has grown, whatever its inode', async (t) => {
  const content = randomBytes(5000)
  assert.ok(await same(t, Buffer.concat([content, randomBytes(100)]), storedOf(content, 3000)))
  assert.ok(await same(t, content, storedOf(content, 5000)))
  assert.ok(await same(t, content, storedOf(content.subarray(0, 10), 10)))
})

void test('knows a file of one byte', async (t) => {
  assert.ok(await same(t, Buffer.from('x'), storedOf(Buffer.from('x'), 1)))
  assert.ok(!(await same(t, Buffer.from('y'), storedOf(Buffer.from('x'), 1))))
})

void test('does not take a file for another one that begins alike', async (t) => {
  const content = randomBytes(70_000)
  const stored = storedOf(content, 66_000)
  const other = Buffer.concat([content.subarray(0, 65_536), randomBytes(4464)])
  assert.ok(!(await same(t, other, stored)))
})

void test('does not take a file for one that was read further than it reaches', async (t) => {
  const content = randomBytes(5000)
  assert.ok(!(await same(t, content.subarray(0, 2999), storedOf(content, 3000))))
  assert.ok(!(await same(t, content.subarray(0, 500), storedOf(content, 0))))
})

void test('is bonded by inode and birth time anywhere, without by inode in the directory, and by path', () => {
  const known = { key: '1:2', bornMs: 1000, place: '/logs/a/app.log' }
  const bond = (path: string, key: string, { bornMs = 1000, ofKnown = 1000 } = {}): unknown => {
    const facts = { key, bornMs, size: 0, mtimeMs: 0, links: 1, kind: 'file' } as const
    return bondOf({ facts, path }, { ...known, bornMs: ofKnown })
  }
  const [there, beside, elsewhere] = ['/logs/a/app.log', '/logs/a/app.log.1', '/logs/b/app.log']
  assert.deepEqual(
    [there, beside, elsewhere].map((path) => bond(path, '1:2')),
    ['inode', 'inode', 'inode'],
  )
  assert.deepEqual(
    [there, beside, elsewhere].map((path) => bond(path, '1:3')),
    ['path', null, null],
  )
  const other = { bornMs: 1001 }
  assert.deepEqual(
    [there, beside, elsewhere].map((path) => bond(path, '1:2', other)),
    ['path', null, null],
  )
  for (const unknown of [{ bornMs: 0 }, { ofKnown: 0 }, { bornMs: 0, ofKnown: 0 }])
    assert.deepEqual(
      [there, beside, elsewhere].map((path) => bond(path, '1:2', unknown)),
      ['inode', 'inode', null],
    )
})

void test('knows an empty file by its inode, in another place only if the inode was there when it was last seen', async (t) => {
  const anything = Buffer.from('anything')
  const empty = storedOf(Buffer.alloc(0), 0, { place: '/logs/app.log', mtimeMs: 1000 })
  assert.ok(!(await same(t, anything, empty)))
  const its = { ...empty, inode: '2' }
  assert.ok(await same(t, anything, its))
  assert.ok(await same(t, anything, its, { bornMs: 1001 }))
  assert.ok(await same(t, anything, its, { path: '/logs/beside', bornMs: 1000 }))
  assert.ok(!(await same(t, anything, its, { path: '/logs/beside', bornMs: 1001 })))
  assert.ok(!(await same(t, anything, its, { path: '/elsewhere/app.log', bornMs: 1000 })))
  assert.ok(!(await same(t, anything, its, { path: '/logs/beside' })), 'the file system has no birth times')
  const born = { ...its, bornMs: 1001 }
  assert.ok(await same(t, anything, born, { path: '/elsewhere/app.log', bornMs: 1001 }))
  assert.ok(!(await same(t, anything, born, { path: '/elsewhere/app.log', bornMs: 1000 })))
})

void test('looks at the bytes before the offset only where there are any', async (t) => {
  const { descriptor } = open(t, 'abcdef')
  const facts = await localVolume.factsOf(descriptor)
  const holds = (offset: number): Promise<boolean> => {
    const stored = storedOf(Buffer.from('abcdef'), 6, { position: { offset, open: [], skipped: 0 } })
    return guardHolds(localVolume, descriptor, { facts, stored })
  }
  assert.ok(await holds(6))
  assert.ok(!(await holds(5)))
  assert.ok(await holds(0))
})

void test('where the bytes before the offset are not known, believes only a file that has the inode and was there then', async (t) => {
  const content = randomBytes(5000)
  const stored = storedOf(content, 3000, { guard: NO_GUARD, inode: '2', mtimeMs: 1000, bornMs: 0 })
  assert.ok(await same(t, content, stored))
  assert.ok(await same(t, content, stored, { path: `${stored.place}.1`, bornMs: 1000 }))
  assert.ok(!(await same(t, content, stored, { bornMs: 1001 })), 'another file got the inode')
  assert.ok(!(await same(t, content, { ...stored, inode: '1' })))
  assert.ok(await same(t, content, storedOf(content, 0, { guard: NO_GUARD })), 'before the beginning there are none')
})

void test('a key is made of the decimal numbers', () => {
  assert.equal(inodeKeyOf(entry('x', { device: '66305', inode: '18446744073709551615' })), '66305:18446744073709551615')
})
