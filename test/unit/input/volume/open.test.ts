import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, linkSync, mkdirSync, readdirSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Opened, openLog } from '../../../../src/input/volume/open.ts'
import { type Volume, localVolume } from '../../../../src/input/volume/volume.ts'
import { freshDirectory } from '../../../support/temp.ts'
import { RemoteMount, countedVolume } from '../../../support/volumes.ts'
import { systemError } from '../../../support/system-error.ts'

async function outcome(path: string, roots: readonly string[], volume: Volume = localVolume): Promise<unknown> {
  const opened: Opened = await openLog(volume, path, roots)
  if (opened.kind === 'open') closeSync(opened.descriptor)
  return opened.kind === 'denied' || opened.kind === 'refused' ? [opened.kind, opened.reason] : opened.kind
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

void test('opens a regular file and returns its facts', async (t) => {
  const directory = freshDirectory(t)
  writeFileSync(join(directory, 'a.log'), 'hello')
  const opened = await openLog(localVolume, join(directory, 'a.log'), [directory])
  assert.ok(opened.kind === 'open')
  assert.equal(opened.facts.size, 5)
  closeSync(opened.descriptor)
})

void test('refuses a file that is not regular, without blocking', async (t) => {
  const directory = freshDirectory(t)
  execFileSync('mkfifo', [join(directory, 'pipe.log')])
  mkdirSync(join(directory, 'directory.log'))
  symlinkSync('/dev/zero', join(directory, 'zero.log'))
  const refused = ['refused', 'not-regular']
  for (const name of ['pipe.log', 'directory.log', 'zero.log'])
    assert.deepEqual(await outcome(join(directory, name), [directory]), refused, name)
  assert.deepEqual(await outcome('/dev/null', ['/dev']), refused)
})

void test('refuses a path that became a pipe after its facts were read', async (t) => {
  const directory = freshDirectory(t)
  const path = join(directory, 'a.log')
  writeFileSync(path, '')
  const before = openDescriptors()
  const volume = countedVolume({
    open(asked) {
      unlinkSync(path)
      execFileSync('mkfifo', [path])
      return localVolume.open(asked)
    },
  })
  assert.deepEqual(await outcome(path, [directory], volume), ['refused', 'not-regular'])
  assert.equal(openDescriptors(), before)
})

void test('follows links only to files below a root', async (t) => {
  const directory = freshDirectory(t)
  const inside = join(directory, 'inside')
  mkdirSync(inside)
  mkdirSync(join(directory, 'inside-not'))
  writeFileSync(join(inside, 'a.log'), '')
  writeFileSync(join(directory, 'secret'), '')
  writeFileSync(join(directory, 'inside-not/b.log'), '')
  const links = {
    'good.log': 'a.log',
    'up.log': '../secret',
    'near.log': '../inside-not/b.log',
    'abs.log': '/etc/passwd',
  }
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(inside, name))
  symlinkSync('/proc/self', join(inside, 'proc'))
  const before = openDescriptors()
  assert.equal(await outcome(join(inside, 'good.log'), [inside]), 'open')
  for (const name of ['up.log', 'near.log', 'abs.log', 'proc/environ'])
    assert.deepEqual(await outcome(join(inside, name), [inside]), ['refused', 'outside-roots'], name)
  assert.equal(await outcome(join(inside, 'up.log'), ['/nowhere', directory]), 'open')
  assert.equal(await outcome(join(inside, 'abs.log'), [inside, '/']), 'open')
  assert.equal(openDescriptors(), before)
})

void test('resolves a root that is a link itself', async (t) => {
  const directory = freshDirectory(t)
  mkdirSync(join(directory, 'real'))
  symlinkSync('real', join(directory, 'logs'))
  writeFileSync(join(directory, 'real/a.log'), '')
  assert.equal(await outcome(join(directory, 'logs/a.log'), [join(directory, 'logs')]), 'open')
  assert.equal(await outcome(join(directory, 'real/a.log'), [join(directory, 'logs')]), 'open')
})

void test('opens a file whose name and root are not UTF-8', async (t) => {
  const directory = join(freshDirectory(t), '\xff')
  mkdirSync(Buffer.from(directory, 'latin1'))
  const path = join(directory, '\xfe.log')
  writeFileSync(Buffer.from(path, 'latin1'), '')
  assert.equal(await outcome(path, [directory]), 'open')
})

void test('distinguishes a file that is gone from one that may not be read', async (t) => {
  const directory = freshDirectory(t)
  const path = join(directory, 'a.log')
  assert.equal(await outcome(path, [directory]), 'gone')
  symlinkSync('nowhere', path)
  assert.equal(await outcome(path, [directory]), 'gone')
  symlinkSync('loop.log', join(directory, 'loop.log'))
  assert.deepEqual(await outcome(join(directory, 'loop.log'), [directory]), ['denied', 'ELOOP'])
  writeFileSync(join(directory, 'b.log'), '')
  const fails = (code: string): Volume => countedVolume({ open: () => Promise.reject(systemError(code, 'open')) })
  assert.deepEqual(await outcome(join(directory, 'b.log'), [directory], fails('EACCES')), ['denied', 'EACCES'])
  assert.equal(await outcome(join(directory, 'b.log'), [directory], fails('ENOENT')), 'gone')
})

void test('opens a file that loses its name meanwhile, if it was below a root', async (t) => {
  const directory = freshDirectory(t)
  const path = join(directory, 'a.log')
  writeFileSync(path, '')
  const volume = countedVolume({
    factsOf(descriptor) {
      unlinkSync(path)
      return localVolume.factsOf(descriptor)
    },
  })
  assert.equal(await outcome(path, [directory], volume), 'open')
})

void test('leaves no descriptor open when the facts of the file cannot be had', async (t) => {
  const directory = freshDirectory(t)
  writeFileSync(join(directory, 'a.log'), '')
  const before = openDescriptors()
  const volume = countedVolume({ factsOf: () => Promise.reject(systemError('EIO', 'fstat')) })
  const opened = await openLog(volume, join(directory, 'a.log'), [directory])
  assert.equal(opened.kind, 'denied')
  assert.equal(openDescriptors(), before)
})

void test('opens a file by its name below a root, although it has another name elsewhere', async (t) => {
  const directory = freshDirectory(t)
  mkdirSync(join(directory, 'in'))
  writeFileSync(join(directory, 'out.log'), '')
  linkSync(join(directory, 'out.log'), join(directory, 'in/a.log'))
  assert.equal(await outcome(join(directory, 'in/a.log'), [join(directory, 'in')]), 'open')
})

void test('applies the same rules to files on a mount that takes its time', async (t) => {
  const directory = freshDirectory(t)
  writeFileSync(join(directory, 'a.log'), '')
  symlinkSync('/etc/passwd', join(directory, 'b.log'))
  const mount = new RemoteMount('7')
  assert.equal(await outcome(join(directory, 'a.log'), [directory], mount), 'open')
  assert.deepEqual(await outcome(join(directory, 'b.log'), [directory], mount), ['refused', 'outside-roots'])
})
