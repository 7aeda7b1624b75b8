import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import {
  type Listed,
  type Volume,
  deviceOf,
  localVolume,
  remoteVolume,
  volumesBeside,
} from '../../../../src/input/volume/volume.ts'
import { pathOfText } from '../../../../src/paths.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { inLine } from '../../../support/volumes.ts'

const sorted = (listed: Listed[] | null): unknown => listed?.map(({ name }) => name).sort()

for (const [kind, volume] of Object.entries({
  local: localVolume,
  'local, beside others': volumesBeside({ hangingAt: () => null }, () => remoteVolume)('/'),
  remote: remoteVolume,
  'in line': inLine(remoteVolume),
})) {
  suite(`a volume, ${kind},`, () => {
    test('returns the facts of files, directories and others', async (t) => {
      const directory = freshDirectory(t)
      const path = join(directory, 'a.log')
      writeFileSync(path, 'hello')
      linkSync(path, join(directory, 'b.log'))
      execFileSync('mkfifo', [join(directory, 'pipe')])
      const facts = await volume.facts(path)
      const { key, mtimeMs, bornMs, ...others } = facts ?? assert.fail('it is there')
      assert.deepEqual(others, { size: 5, links: 2, kind: 'file' })
      assert.match(key, /^\d+:\d+$/)
      assert.ok(Math.abs(mtimeMs - Date.now()) < 60_000)
      // 0 where the file system keeps none
      assert.ok(bornMs === 0 || (bornMs <= mtimeMs && mtimeMs - bornMs < 60_000), `${bornMs}, ${mtimeMs}`)
      assert.equal((await volume.facts(directory))?.kind, 'directory')
      assert.equal((await volume.facts(join(directory, 'pipe')))?.kind, 'other')
    })

    test('returns null for a path that does not exist, and throws other errors', async (t) => {
      const directory = freshDirectory(t)
      writeFileSync(join(directory, 'file'), '')
      symlinkSync('nowhere', join(directory, 'dangling'))
      symlinkSync('loop', join(directory, 'loop'))
      for (const name of ['nothing', 'file/below', 'dangling'])
        assert.equal(await volume.facts(join(directory, name)), null, name)
      await assert.rejects(async () => volume.facts(join(directory, 'loop')), { code: 'ELOOP' })
      assert.equal(await volume.list(join(directory, 'nothing')), null)
      assert.equal(await volume.list(join(directory, 'file')), null)
      await assert.rejects(async () => volume.open(join(directory, 'nothing')), { code: 'ENOENT' })
    })

    test('lists names as bytes, and which of them are links', async (t) => {
      const directory = freshDirectory(t)
      for (const name of ['a', '\xff\xfe', pathOfText('größe')])
        writeFileSync(Buffer.from(join(directory, name), 'latin1'), '')
      symlinkSync('a', join(directory, 'link'))
      mkdirSync(join(directory, 'dir'))
      const listed = await volume.list(directory)
      assert.deepEqual(sorted(listed), ['a', 'dir', pathOfText('größe'), 'link', '\xff\xfe'].sort())
      assert.deepEqual(
        listed?.filter(({ isLink }) => isLink).map(({ name }) => name),
        ['link'],
      )
      assert.equal((await volume.facts(join(directory, '\xff\xfe')))?.kind, 'file')
    })

    test('reads at the given offset, and nothing behind the end', async (t) => {
      const path = join(freshDirectory(t), 'a.log')
      writeFileSync(path, '0123456789')
      const descriptor = await volume.open(path)
      const bytes = Buffer.alloc(8, '-')
      assert.equal(await volume.read(descriptor, { bytes, at: 2, length: 4, position: 5 }), 4)
      assert.equal(bytes.toString(), '--5678--')
      assert.equal(await volume.read(descriptor, { bytes, at: 0, length: 8, position: 10 }), 0)
      assert.equal((await volume.factsOf(descriptor)).size, 10)
      closeSync(descriptor)
    })

    test('opens a pipe that nobody writes to without blocking', async (t) => {
      const path = join(freshDirectory(t), 'pipe')
      execFileSync('mkfifo', [path])
      const descriptor = await volume.open(path)
      assert.equal((await volume.factsOf(descriptor)).kind, 'other')
      closeSync(descriptor)
    })
  })
}

/** Volumes where everything below a path is on a mount that can hang. */
function beside(point: string): (path: string) => Volume {
  const mount = { device: '0:99', point, server: '0:99' }
  const far = inLine(remoteVolume)
  return volumesBeside({ hangingAt: (path) => (path.startsWith(point) ? mount : null) }, (on) => {
    assert.equal(on, mount)
    return far
  })
}

void test('calls a local file system synchronously, and a mount that can hang asynchronously', async (t) => {
  const directory = freshDirectory(t)
  const volumeOf = beside(join(directory, 'far'))
  assert.ok(!volumeOf(directory).remote)
  assert.equal(volumeOf(join(directory, 'not/yet')), volumeOf('/'))
  assert.ok(volumeOf(join(directory, 'far')).remote)
  writeFileSync(join(directory, 'far.log'), '')
  assert.equal((await volumeOf(join(directory, 'far')).facts(join(directory, 'far.log')))?.kind, 'file')
})

void test('makes no local call to a path where it could hang', (t) => {
  const directory = freshDirectory(t)
  const far = join(directory, 'far')
  const local = beside(far)(directory)
  mkdirSync(far)
  for (const call of ['facts', 'list', 'open', 'realPath'] as const)
    assert.throws(() => void local[call](far), { code: 'EREMOTE', syscall: 'stat' }, call)
})

void test('reads the device from the key of a file', () => {
  assert.equal(deviceOf('66305:1835021'), '66305')
})
